"""Counters, gauges and histograms in a worker's slot, and what they are over all workers.

A child (`labels(…)`) is made once and kept by who uses it. Its `inc`, `set` and `observe` take a fraction of a
microsecond and no lock: between reading a value and writing it there is no call, and only at calls the interpreter goes
over to another thread.
"""

from __future__ import annotations

import logging
import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, Literal, TypeVar

from mlsystem_runtime.serve.exposition import Described, Family, Labels, Sample, text
from mlsystem_runtime.serve.slots import Entry, Fleet, FullError, Slot

Merge = Literal["sum", "min", "max"]   # what a gauge is over all workers; a counter or a histogram is their sum
UNSET = math.nan                       # a worker that never set a gauge has no part in its minimum or maximum

logger = logging.getLogger(__name__)


class Cell:
    """One number."""

    __slots__ = ("_at", "_values")

    def __init__(self, values: memoryview[float], at: int) -> None:
        self._values = values
        self._at = at

    def inc(self, amount: float = 1.0) -> None:
        self._values[self._at] += amount

    def dec(self, amount: float = 1.0) -> None:
        self._values[self._at] -= amount

    def set(self, value: float) -> None:
        self._values[self._at] = value


class HistogramCell:
    """A number for each bound, one for what lies above the last, and the sum of all that was observed."""

    __slots__ = ("_at", "_bounds", "_sum", "_values")

    def __init__(self, values: memoryview[float], at: int, bounds: Sequence[float]) -> None:
        self._values = values
        self._at = at
        self._sum = at + len(bounds) + 1
        self._bounds = bounds

    def observe(self, value: float) -> None:
        at = self._at + bisect_left(self._bounds, value)
        self._values[at] += 1.0
        self._values[self._sum] += value


Child = TypeVar("Child", bound=Cell | HistogramCell)
Look = Callable[[], Iterable[Described]]
Kept = tuple[Slot, Entry]


class Instrument(Generic[Child]):
    """A family and its children in this worker. `make` is given values and where in them the child begins."""

    def __init__(
        self, registry: Registry, family: Family, merge: Merge, make: Callable[[memoryview[float], int], Child]
    ) -> None:
        self.family = family
        self.merge = merge
        self._registry = registry
        self._make = make
        self._children: dict[tuple[object, ...], Child] = {}

    @property
    def initial(self) -> tuple[float, ...]:
        if self.family.kind == "histogram":
            return (0.0,) * (len(self.family.bounds) + 2)
        return (0.0,) if self.merge == "sum" else (UNSET,)

    def labels(self, *values: object) -> Child:
        """The child with these label values, in the order of the family's labels. Never fails."""
        return self._children.get(values) or self._child(values)

    def _child(self, values: tuple[object, ...]) -> Child:
        assert len(values) == len(self.family.labels), f"the labels of {self.family.name} are {self.family.labels}"
        at = self._registry.place((self.family.name, *map(str, values)), self.initial)
        if at is None:
            return self._make(memoryview(bytearray(8 * len(self.initial))).cast("d"), 0)
        self._children[values] = self._make(self._registry.values, at)
        return self._children[values]

    def merged(self, kept: Iterable[Kept]) -> Iterator[Sample]:
        """Over all workers. A gauge speaks of those that run; what a dead worker has counted was counted."""
        found: dict[Labels, list[Sequence[float]]] = {}
        for slot, entry in kept:
            if self.family.kind != "gauge" or slot.pid:
                values = slot.values[entry.at : entry.at + entry.size].tolist()
                found.setdefault(entry.name[1:], []).append(values)
        for labels, of_workers in found.items():
            merged = [together(self.merge, column) for column in zip(*of_workers, strict=True)]
            if not math.isnan(merged[0]):
                yield Sample(labels, merged)


def together(merge: Merge, values: Sequence[float]) -> float:
    if merge == "sum":
        return sum(values)
    known = [value for value in values if not math.isnan(value)]
    return UNSET if not known else min(known) if merge == "min" else max(known)


def by_family(slots: Iterable[Slot]) -> dict[str, list[Kept]]:
    found: dict[str, list[Kept]] = {}
    for slot in slots:
        for entry in slot.entries():
            found.setdefault(entry.name[0], []).append((slot, entry))
    return found


class Registry:
    """All instruments of one worker, and what is only looked at when somebody asks, in the order of their making.

    `refused` describes the counter of children that found no room; such a child counts where nobody sees it.
    """

    def __init__(self, fleet: Fleet, refused: Family) -> None:
        self.values = fleet.own.values
        self._fleet = fleet
        self._order: list[Instrument[Any] | Look] = []
        self._full = False
        self._refused = self.counter(refused.name, refused.help).labels()

    def counter(self, name: str, said: str, labels: Labels = ()) -> Instrument[Cell]:
        return self._add(Instrument(self, Family(name, said, "counter", labels), "sum", Cell))

    def gauge(self, name: str, said: str, labels: Labels = (), *, merge: Merge) -> Instrument[Cell]:
        """Begins anew where the worker before this one left something in the slot."""
        made = self._add(Instrument(self, Family(name, said, "gauge", labels), merge, Cell))
        for entry in self._fleet.own.entries():
            if entry.name[0] == name:
                [self.values[entry.at]] = made.initial
        return made

    def histogram(self, name: str, said: str, labels: Labels, bounds: tuple[float, ...]) -> Instrument[HistogramCell]:
        family = Family(name, said, "histogram", labels, bounds)
        return self._add(Instrument(self, family, "sum", lambda values, at: HistogramCell(values, at, bounds)))

    def seen(self, look: Look) -> None:
        """`look` is called whenever somebody asks."""
        self._order.append(look)

    def place(self, name: tuple[str, ...], initial: tuple[float, ...]) -> int | None:
        """Where a child of that name has its values; None without room, which is counted, and said once."""
        try:
            return self._fleet.own.claim(name, initial).at
        except FullError:
            self._refused.inc()
            if not self._full:
                logger.error("no room for another metric; the first that is not exported is %s", name)
            self._full = True
            return None

    def text(self, openmetrics: bool = False) -> bytes:
        return text(self._described(), openmetrics)

    def _described(self) -> Iterator[Described]:
        kept = by_family(self._fleet.slots)
        for one in self._order:
            if isinstance(one, Instrument):
                yield one.family, one.merged(kept.get(one.family.name, ()))
            else:
                yield from one()

    def _add(self, made: Instrument[Child]) -> Instrument[Child]:
        self._order.append(made)
        return made
