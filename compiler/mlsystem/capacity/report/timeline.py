"""A simulation as what is drawn of it: rates, replicas, latencies and the budget over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from mlsystem.capacity.simulation import layout
from mlsystem.capacity.simulation.fleet import Count
from mlsystem.capacity.simulation.layout import Floats
from mlsystem.capacity.simulation.result import Result

QUANTILES: Final = (0.5, 0.95, 0.99)
BINS: Final = 288
"""Of a timeline at most; five minutes of a day."""


@dataclass(frozen=True, eq=False)
class Timeline:
    """Arrays have one value for each of the windows, `step` seconds long, from `start` on: seconds of the traffic that
    the simulation is a part of. What is before `since` is warming up and counts for nothing.

    `came` and `bad` are requests; `quantiles` are latencies by share, in seconds. `counts` of replicas have `start`
    added to their times.
    """

    start: float
    since: float
    step: float
    came: Floats
    bad: Floats
    unanswered: Floats
    quantiles: dict[float, Floats]
    counts: tuple[Count, ...]

    @property
    def end(self) -> float:
        return self.start + len(self.came) * self.step

    @property
    def times(self) -> Floats:
        """When each window begins."""
        times: Floats = self.start + np.arange(len(self.came), dtype=np.float64) * self.step
        return times

    def burnt(self, bad: Floats, objective: float) -> Floats:
        """At the end of each window: the share of the error budget of all the requests that is gone by then, where
        `bad` are those that spend it."""
        counted = self.times >= self.since - 1e-9
        allowed = (1.0 - objective) * float(self.came[counted].sum())
        gone: Floats = np.cumsum(np.where(counted, bad, 0.0)) / max(allowed, 1e-12)
        return gone


def window_for(seconds: float) -> float:
    """Seconds of a window, so that there are no more of them than can be drawn."""
    steps = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400)
    return float(next((step for step in steps if seconds / step <= BINS), steps[-1]))


def timeline(result: Result, start: float) -> Timeline:
    """Of a detailed result of traffic that begins at second `start`."""
    columns = result.windows.T.astype(np.float64)
    moved = tuple(Count(one.time + start, one.desired, one.ready, one.existing) for one in result.counts)
    return Timeline(
        start, start + result.since, result.window,
        columns[layout.CAME], columns[layout.CAME] - columns[layout.WITHIN],
        columns[layout.CAME] - columns[layout.ANSWERED],
        {share: result.quantiles(share) for share in QUANTILES}, moved,
    )  # fmt: skip
