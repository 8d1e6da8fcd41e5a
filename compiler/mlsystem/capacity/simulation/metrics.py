"""What a monitoring system knows of a simulated fleet: counters at every scrape, and so the past only."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import NamedTuple

from mlsystem.capacity.simulation.layout import Counters
from mlsystem.capacity.simulation.scaling import Usage

NOTHING: Counters = (0.0, 0.0, 0.0)


class Scrape(NamedTuple):
    """`pods` by number, those that were ready, with the moment since when; `total` of all that ever were."""

    time: float
    pods: Mapping[int, tuple[float, Counters]]
    total: Counters


class History:
    """The scrapes that any window still needs."""

    def __init__(self, lag: float, longest_window: float) -> None:
        self._lag, self._longest = lag, longest_window
        self._scrapes: list[Scrape] = []
        self._times: list[float] = []

    def add(self, scrape: Scrape) -> None:
        self._scrapes.append(scrape)
        self._times.append(scrape.time)
        kept = bisect_right(self._times, scrape.time - self._lag - self._longest) - 1
        if kept > len(self._times) // 2:
            del self._scrapes[:kept], self._times[:kept]

    def usage(self, now: float, window: float) -> dict[int, Usage]:
        """Of pods that were scraped while they were ready; a pod that was not there when the window began counts from
        when it was ready."""
        first, last = self._ends(now, window)
        if first is None or last is None:
            return {}
        found = {}
        for number, (since, counters) in last.pods.items():
            earlier = first.pods.get(number)
            passed = last.time - (since if earlier is None else first.time)
            if passed > 0.0:
                found[number] = mean(counters, NOTHING if earlier is None else earlier[1], passed)
        return found

    def total(self, now: float, window: float) -> Usage | None:
        """None before two scrapes."""
        first, last = self._ends(now, window)
        if first is None or last is None or last.time <= first.time:
            return None
        return mean(last.total, first.total, last.time - first.time)

    def newest(self, now: float) -> float | None:
        """When that which can be seen was scraped."""
        place = bisect_right(self._times, now - self._lag) - 1
        return self._times[place] if place >= 0 else None

    def _ends(self, now: float, window: float) -> tuple[Scrape | None, Scrape | None]:
        """The newest that can be seen, and the last one that is at least a window older, or else the first of all."""
        last = bisect_right(self._times, now - self._lag) - 1
        if last < 0:
            return None, None
        first = max(0, bisect_right(self._times, self._times[last] - window) - 1)
        return self._scrapes[first], self._scrapes[last]


def mean(later: Counters, earlier: Counters, seconds: float) -> Usage:
    return Usage(*((end - start) / seconds for end, start in zip(later, earlier, strict=True)))
