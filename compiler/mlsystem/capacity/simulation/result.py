"""What came of a simulation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from mlsystem.capacity.simulation import layout
from mlsystem.capacity.simulation.fleet import Count
from mlsystem.capacity.simulation.layout import Bytes, Floats, Ints


class Log(NamedTuple):
    """By request, in order of arrival: when its batch began and when it was answered or failed, where, and how."""

    start: Floats
    end: Floats
    pod: Ints
    outcome: Bytes


class Stretch(NamedTuple):
    """A time from `start` on and the share of its requests that were answered in time."""

    start: float
    attainment: float


@dataclass(frozen=True, eq=False)
class Result:
    """Counts are of requests that came at `since` or later; `windows` has one row for each `window` seconds of the
    whole time, and the columns of `layout`; so has `latencies` where it was asked for, with bins as columns.
    `replica_seconds` count from creation until the last answer."""

    window: float
    since: float
    windows: Ints
    histogram: Ints
    sums: Floats
    replica_seconds: float
    counts: tuple[Count, ...]
    log: Log
    latencies: Ints

    @cached_property
    def _totals(self) -> Ints:
        totals: Ints = self.windows[round(self.since / self.window) :].sum(axis=0)
        return totals

    @property
    def came(self) -> int:
        return int(self._totals[layout.CAME])

    @property
    def within(self) -> int:
        """Answered within the threshold."""
        return int(self._totals[layout.WITHIN])

    @property
    def answered(self) -> int:
        return int(self._totals[layout.ANSWERED])

    @property
    def refused(self) -> int:
        return int(self._totals[layout.REFUSED])

    @property
    def timed_out(self) -> int:
        """Gave up while they waited."""
        return int(self._totals[layout.TIMED_OUT])

    @property
    def failed(self) -> int:
        """Were in a pod that died, were sent to a dead one, or found none."""
        return int(self._totals[layout.FAILED])

    @property
    def left_over(self) -> int:
        return self.came - self.answered - self.refused - self.timed_out - self.failed

    @property
    def attainment(self) -> float:
        """The share of all requests that were answered in time; 1 where none came."""
        return self.within / self.came if self.came else 1.0

    @property
    def availability(self) -> float:
        """The share of all requests that were answered, however late; 1 where none came."""
        return self.answered / self.came if self.came else 1.0

    @property
    def mean_latency(self) -> float:
        """Of those that were answered, from arrival to answer."""
        return float(self.sums[layout.LATENCY]) / self.answered

    @property
    def mean_wait(self) -> float:
        """Of those that were answered, from arrival to the beginning of the batch; wrong where any died meanwhile."""
        return float(self.sums[layout.WAITED]) / self.answered

    def quantile(self, share: float) -> float:
        """The latency that this share of the answered kept, to 1.1%."""
        place = int(np.searchsorted(np.cumsum(self.histogram), share * self.answered))
        return layout.LEAST_LATENCY * float(2.0 ** ((place + 0.5) / layout.PER_OCTAVE))

    def quantiles(self, share: float) -> Floats:
        """By window, to 4.4%: the latency that this share of its answered kept, NaN where none was answered."""
        sums = np.cumsum(self.latencies, axis=1)
        total = sums[:, -1:]
        place = np.sum(sums < share * total, axis=1)
        latency: Floats = layout.LEAST_LATENCY * 2.0 ** ((place + 0.5) * layout.COARSER / layout.PER_OCTAVE)
        return np.where(total[:, 0] > 0, latency, np.nan)

    def worst(self, seconds: float = 300.0) -> Stretch:
        """The stretch of that length, made of whole windows, that was worst; all of it where it is shorter."""
        rows = self.windows[round(self.since / self.window) :]
        length = min(max(1, round(seconds / self.window)), len(rows))
        sums = np.cumsum(np.vstack([np.zeros((1, rows.shape[1]), np.int64), rows]), axis=0)
        came, within = ((sums[length:] - sums[:-length])[:, column] for column in (layout.CAME, layout.WITHIN))
        shares = np.where(came > 0, within / np.maximum(came, 1), 1.0)
        first = int(np.argmin(shares))
        return Stretch(self.since + first * self.window, float(shares[first]))
