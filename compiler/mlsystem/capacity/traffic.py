"""What traffic is expected: requests a second for every second, and the moments at which they come.

Synthetic traffic depends on its seed alone, arrivals on (seed, replication, hour of the trace): the same on any machine
with the same release series of numpy, whichever replication is computed first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mlsystem.capacity.queueing import bisect

MINUTE, HOUR, DAY = 60, 3600, 86_400
BLOCK_SECONDS = HOUR  # has random numbers of its own
MOST_AT_ONCE = 500_000  # requests that are drawn together: each takes fifty bytes meanwhile
MEMORY_OF_NOISE = 30  # minutes, after which a deviation has lost a good part of its strength

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trace:
    """`rates`: requests expected in each second, none negative. `start`: the second of a longer trace that it was cut
    from at which it begins."""

    rates: Floats
    start: int = 0

    @property
    def seconds(self) -> int:
        return len(self.rates)

    @property
    def requests(self) -> float:
        """How many are expected in all."""
        return float(self.rates.sum())

    @property
    def mean(self) -> float:
        return self.requests / self.seconds

    @property
    def peak(self) -> float:
        return float(self.rates.max())

    def cut(self, first: int, last: int) -> Trace:
        """The seconds from `first` up to and without `last`, as far as there are."""
        first = max(first, 0)
        return Trace(self.rates[first:last], self.start + first)


@dataclass(frozen=True)
class RequestClass:
    """Requests that have `rows` rows each; `share` of all."""

    name: str
    share: float
    rows: int = 1


def steady(rate: float, seconds: int) -> Trace:
    return Trace(np.full(seconds, float(rate)))


def diurnal(
    mean: float,
    peak: float,
    seconds: int = DAY,
    *,
    seed: int,
    period: int = DAY,
    peak_at: int = 14 * HOUR,
    noise: float = 0.0,
) -> Trace:
    """Days whose rate rises and falls like exp(k·cos): never below 0 whatever `peak` over `mean` is.

    `noise`: the standard deviation of a slow factor (per minute, log-normal, of mean 1) over that shape.
    """
    assert 0.0 < mean <= peak
    sharpness = bisect(lambda k: math.exp(k) / float(np.i0(k)) >= peak / mean, 0.0, 500.0)
    if sharpness >= 500.0:  # beyond, I0 overflows, and exp(k)/I0(k) is sqrt(2·pi·k)
        sharpness = (peak / mean) ** 2 / (2.0 * math.pi)
    phase = 2 * np.pi * (np.arange(seconds) - peak_at) / period
    shape = np.exp(sharpness * (np.cos(phase) - 1.0))
    return Trace(peak * shape * _noise(seconds, noise, generator(seed, 0, 0)))


def _noise(seconds: int, deviation: float, random: np.random.Generator) -> Floats:
    """A factor for every second, constant within a minute; minutes follow each other as an AR(1) process."""
    minutes = -(-seconds // MINUTE)
    kept = math.exp(-1.0 / MEMORY_OF_NOISE)
    shocks = random.standard_normal(minutes) * math.sqrt(1.0 - kept * kept)
    level, levels = float(random.standard_normal()), np.empty(minutes)
    for minute, shock in enumerate(shocks):
        level = levels[minute] = kept * level + shock
    sigma = math.sqrt(math.log1p(deviation * deviation))
    return np.repeat(np.exp(sigma * levels - sigma * sigma / 2.0), MINUTE)[:seconds]


def flash_crowd(
    base: float,
    peak: float,
    seconds: int = HOUR,
    *,
    at: int = 10 * MINUTE,
    rise: int = 60,
    hold: int = 10 * MINUTE,
    fall: int = 5 * MINUTE,
) -> Trace:
    """`base` until `at`; then a straight rise to `peak`, which holds and falls back by a factor of e every `fall`."""
    second = np.arange(seconds, dtype=np.float64)
    up = np.clip((second - at) / max(rise, 1), 0.0, 1.0)
    down = np.exp(-np.maximum(second - at - rise - hold, 0.0) / fall)
    return Trace(base + (peak - base) * up * down)


def mmpp(rates: Sequence[float], stays: Sequence[float], seconds: int, *, seed: int) -> Trace:
    """A Markov-modulated Poisson process: `rates[i]` for an exponential time of mean `stays[i]` seconds, then any other
    state, all equally likely. Within a second the mean of the states that it passed."""
    random, state, now = generator(seed, 0, 0), 0, 0.0
    moments, expected = [0.0], [0.0]  # requests expected up to each change of state
    while now < seconds:
        stay = random.exponential(stays[state])
        now += stay
        moments.append(now)
        expected.append(expected[-1] + stay * rates[state])
        state = (state + int(random.integers(1, len(rates)))) % len(rates) if len(rates) > 1 else 0
    total = np.interp(np.arange(seconds + 1), moments, expected)
    return Trace(np.diff(total))


def busiest(trace: Trace, seconds: int, count: int = 1) -> list[Trace]:
    """The `count` windows of that length with the most requests, the worst first; none overlaps another."""
    return _windows(trace, _sums(trace.rates, seconds), seconds, count)


def steepest(trace: Trace, lead: int, seconds: int, count: int = 1) -> list[Trace]:
    """The windows in whose middle most is added within `lead` seconds, which a new replica needs to be ready.

    What is compared are means over `lead` seconds, so that one lonely second is no rise.
    """
    if trace.seconds < 2 * lead:
        return [trace]
    means = _sums(trace.rates, lead) / lead
    rise = means[lead:] - means[:-lead]
    first = np.clip(np.arange(len(rise)) + lead - seconds // 2, 0, max(trace.seconds - seconds, 0))
    score = np.full(max(trace.seconds - seconds, 0) + 1, -np.inf)
    np.maximum.at(score, first, rise)
    return _windows(trace, score, seconds, count)


def growth(trace: Trace, lead: int, share: float = 1.0) -> float:
    """The factor by which traffic grows within `lead` seconds: that quantile of it over the trace, means of 10 s."""
    means = _sums(trace.rates, 10) / 10
    earlier, later = means[: max(len(means) - lead, 0)], means[lead:]
    factors = later[earlier > 0.0] / earlier[earlier > 0.0]
    return float(np.quantile(factors, share)) if len(factors) else 1.0


def _sums(rates: Floats, seconds: int) -> Floats:
    """Over every window of that length that lies inside; over all where it is longer."""
    before = np.concatenate([[0.0], np.cumsum(rates)])
    length = min(seconds, len(rates))
    sums: Floats = before[length:] - before[: len(before) - length]
    return sums


def _windows(trace: Trace, scores: Floats, seconds: int, count: int) -> list[Trace]:
    """Greedily the best first second, then the best that does not overlap, and so on."""
    left = scores.copy()
    found: list[Trace] = []
    while len(found) < count and np.isfinite(left).any():
        first = int(np.argmax(left))
        found.append(trace.cut(first, first + seconds))
        left[max(first - seconds + 1, 0) : first + seconds] = -np.inf
    return found


def generator(seed: int, replication: int, block: int) -> np.random.Generator:
    """A stream of its own for each triple: Philox, whose streams with different keys are independent."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, replication, block])))


def arrivals(trace: Trace, *, seed: int, replication: int = 0) -> Iterator[Floats]:
    """The moments of arrival in seconds from the trace's first, in order, at most an hour and MOST_AT_ONCE at a time,
    or a second that has more.

    A Poisson process whose rate is constant within each second: first how many come in each, then where they fall.
    """
    for block, first in enumerate(range(0, trace.seconds, BLOCK_SECONDS)):
        random = generator(seed, replication, block)
        counts = random.poisson(trace.rates[first : first + BLOCK_SECONDS])
        yield from (first + moments for moments in within_seconds(counts, random))


def within_seconds(
    counts: NDArray[np.int64], random: np.random.Generator, most: int = MOST_AT_ONCE
) -> Iterator[Floats]:
    """`counts[s]` moments in second s, uniform and in order: the partial sums of counts[s] + 1 exponentials over all of
    them are the order statistics of as many uniform numbers. However many come at a time, they are the same."""
    reached = 0.0
    for first, end in pieces(counts, most):
        inside = counts[first:end]
        drawn = random.standard_exponential(int(inside.sum()) + len(inside))
        sums = np.cumsum(np.concatenate([[reached], drawn]))
        bounds = np.concatenate([[0], np.cumsum(inside + 1)])
        before, after = (np.repeat(sums[places], inside) for places in (bounds[:-1], bounds[1:]))
        reached = float(sums[-1])
        yield np.repeat(np.arange(first, end), inside) + (np.delete(sums, bounds) - before) / (after - before)


def pieces(counts: NDArray[np.int64], most: int) -> Iterator[tuple[int, int]]:
    """Whole seconds, from the first up to and without the second of each pair, with at most so many requests."""
    totals = np.cumsum(counts)
    first, before = 0, 0
    while first < len(counts):
        end = max(first + 1, int(np.searchsorted(totals, before + most, "right")))
        yield first, end
        first, before = end, int(totals[end - 1])


def all_arrivals(trace: Trace, *, seed: int, replication: int = 0) -> Floats:
    return np.concatenate([np.empty(0), *arrivals(trace, seed=seed, replication=replication)])
