"""How long a pod computes: as measured by concurrency and rows, or a·n + b; laid out as tables to draw from."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import linear_regression
from typing import NamedTuple, Protocol

import numpy as np

from mlsystem.capacity.simulation.layout import Floats, Ints


class Tables(NamedTuple):
    """`curves[i]` ascending; of k slots and n rows it is (1 - w)·curves[lower[k, n]] + w·curves[upper[k, n]]."""

    curves: Floats
    lower: Ints
    upper: Ints
    weight: Floats

    def means(self, slots: int) -> Floats:
        """The mean time by rows, from 0 (of no meaning) on."""
        mean = self.curves.mean(axis=1)
        weight = self.weight[slots]
        result: Floats = (1 - weight) * mean[self.lower[slots]] + weight * mean[self.upper[slots]]
        return result


class ServiceTimes(Protocol):
    def tables(self, slots: int, rows: int) -> Tables:
        """For up to that many slots at once and rows in a batch."""

    @property
    def line(self) -> tuple[float, float]:
        """(a, b): about a·n + b seconds for n rows where nothing else is computed."""


@dataclass(frozen=True)
class Linear:
    """a·n + b seconds for n rows times one of `factors`, however many slots compute."""

    a: float
    b: float
    factors: tuple[float, ...] = (1.0,)

    @property
    def line(self) -> tuple[float, float]:
        mean = sum(self.factors) / len(self.factors)
        return self.a * mean, self.b * mean

    def tables(self, slots: int, rows: int) -> Tables:
        factors = np.sort(np.array(self.factors))
        curves = np.stack([factors * (self.a + self.b), factors * (self.a * max(rows, 2) + self.b)])
        weight = np.tile((np.arange(rows + 1) - 1.0) / (max(rows, 2) - 1.0), (slots + 1, 1))
        return Tables(curves, np.zeros(weight.shape, np.int64), np.ones(weight.shape, np.int64), weight)


@dataclass(frozen=True)
class Measured:
    """Seconds by (slots that compute, rows of the batch); each at least one sample.

    Between measured rows a quantile is interpolated; above them it grows as the fitted line does. A concurrency that
    was not measured is taken for the next higher one that was, or else for the highest.
    """

    samples: Mapping[tuple[int, int], Sequence[float]]

    @cached_property
    def line(self) -> tuple[float, float]:
        """Least squares through the mean times at the lowest concurrency; where one size was measured, all is b."""
        least = min(slots for slots, _ in self.samples)
        points = [(rows, float(np.mean(times))) for (slots, rows), times in self.samples.items() if slots == least]
        if len(points) == 1:
            return 0.0, points[0][1]
        fitted = linear_regression([rows for rows, _ in points], [seconds for _, seconds in points])
        return max(0.0, fitted.slope), max(0.0, fitted.intercept)

    def slowed(self, factor: float) -> Measured:
        """Every time is so many times longer."""
        return Measured({key: tuple(one * factor for one in times) for key, times in self.samples.items()})

    def tables(self, slots: int, rows: int) -> Tables:
        """All curves have as many samples as the longest."""
        length = max(map(len, self.samples.values()))
        curves: list[Floats] = []
        shape = (slots + 1, rows + 1)
        lower, upper, weight = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape)
        levels = sorted({level for level, _ in self.samples})
        for level in levels:
            sizes = sorted(size for at, size in self.samples if at == level)
            first = len(curves)
            curves += [stretched(self.samples[level, size], length) for size in sizes]
            if sizes[-1] < rows:
                curves.append(curves[-1] * self._growth(sizes[-1], rows))
                sizes.append(rows)
            for busy in range(slots + 1):
                if levels[min(bisect_left(levels, busy), len(levels) - 1)] == level:
                    lower[busy], upper[busy], weight[busy] = brackets(sizes, rows, first)
        return Tables(np.stack(curves), lower, upper, weight)

    def _growth(self, rows: int, more: int) -> float:
        a, b = self.line
        return (a * more + b) / (a * rows + b) if a + b > 0.0 else 1.0


def brackets(sizes: Sequence[int], rows: int, first: int) -> tuple[Ints, Ints, Floats]:
    """For 0, 1, … rows the curves of the sizes below and above, and the weight of the latter."""
    wanted = np.clip(np.arange(rows + 1), sizes[0], sizes[-1])
    above = np.searchsorted(sizes, wanted)
    below = np.maximum(above - 1, 0)
    low, high = np.array(sizes)[below], np.array(sizes)[above]
    weight = (wanted - low) / np.maximum(high - low, 1)
    return first + below, first + above, weight


def stretched(samples: Sequence[float], length: int) -> Floats:
    """Ascending, and of that length: each quantile stays what it was."""
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    stretched: Floats = ordered[((np.arange(length) + 0.5) / length * len(ordered)).astype(np.int64)]
    return stretched
