"""Memory for the loop, which grows as needed, and the few things that are done to pods from outside it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsystem.capacity.simulation import kernel, layout
from mlsystem.capacity.simulation.layout import Bytes, Counters, Floats, Ints, Rules, State
from mlsystem.capacity.simulation.setting import Activator, Objective, Routing, Server
from mlsystem.capacity.traffic import RequestClass

MOST_ROWS, WORTHWHILE = 1024, 0.1  # of the runtime's serve/service_time.py and admission.py
BY_POD = (
    "alive", "busy", "held", "waiting", "waiting_rows", "head", "tail", "late_head", "late_tail", "routed",
    "busy_seconds", "held_seconds", "touched", "free", "routable",
)  # fmt: skip
BY_SLOT = ("first", "expected_end", "heap_time", "heap_batch", "heap_slot")
RING = ("arrived", "entered", "rows", "after", "status", "pod")


def rules_of(
    server: Server, routing: Routing, objective: Objective, classes: tuple[RequestClass, ...], key: int,
    activator: Activator | None = None,
) -> Rules:  # fmt: skip
    """`key`: 0 to 2^63 - 1, all chance depends on it."""
    most = max(server.largest_batch, *(one.rows for one in classes))
    tables = server.service.tables(server.slots, most)
    a, b = server.service.line
    shares = np.cumsum([one.share for one in classes])
    return Rules(
        slots=server.slots,
        largest_batch=server.largest_batch,
        worthwhile=math.ceil(min(b / (WORTHWHILE * a), MOST_ROWS)) + 1 if a > 0.0 else MOST_ROWS,
        routing=int(routing),
        queue_limit=np.iinfo(np.int64).max if server.queue_limit is None else server.queue_limit,
        timeout=float(server.timeout),
        budget=math.inf if server.budget is None else min(server.budget, server.timeout),
        activator=layout.NOBODY if activator is None else 0,
        patience=0.0 if activator is None else float(activator.patience),
        most_held=0 if activator is None else activator.limit,
        a=float(a), b=float(b),
        threshold=float(objective.threshold), since=float(objective.since), window=float(objective.window),
        key=key,
        curves=np.ascontiguousarray(tables.curves),
        lower=tables.lower, upper=tables.upper, weight=tables.weight,
        class_ends=shares / shares[-1], class_rows=np.array([one.rows for one in classes], np.int64),
    )  # fmt: skip


class Engine:
    """`log`: of so many requests, from the first on, it is kept when they began and ended, where, and how. `detailed`:
    latencies are counted by window too."""

    def __init__(self, rules: Rules, seconds: float, log: int = 0, *, detailed: bool = False) -> None:
        self.rules = rules
        self.state = empty(rules, math.ceil(seconds / rules.window) + 1, log, detailed=detailed)
        self._unused: list[int] = []
        self._grow_pods(8)
        if rules.activator != layout.NOBODY:
            place = self.open(0.0)
            assert place == rules.activator

    def run(self, moments: Floats, at: int, until: float) -> int:
        """All that happens before `until`, with the arrivals `moments[at:]`; returns the place of the next one."""
        counts = self.state.counts
        coming = int(np.searchsorted(moments[at:], until))
        kept = int(counts[layout.NUMBER] - counts[layout.OLDEST])
        if kept + coming > len(self.state.arrived):
            self._grow_ring(kept + coming)
        return int(kernel.run(self.state, self.rules, moments, at, until))

    def open(self, now: float) -> int:
        """An empty pod that no request is sent to yet; returns its place."""
        if not self._unused:
            self._grow_pods(2 * len(self.state.alive))
        place = self._unused.pop()
        kernel.clear(self.state, place)
        self.state.alive[place] = layout.ALIVE
        for counter in (self.state.routed, self.state.busy_seconds, self.state.held_seconds):
            counter[place] = 0
        self.state.touched[place] = now
        return place

    def close(self, place: int) -> None:
        """The pod holds nothing any more, and its place may be used again."""
        assert self.state.held[place] == 0
        self.state.alive[place] = 0
        self._unused.append(place)

    def kill(self, place: int, now: float, black_hole: bool) -> None:
        """All that it holds fails; a black hole keeps receiving, and what it receives fails."""
        kernel.kill(self.state, self.rules, place, now)
        self.state.alive[place] = layout.BLACK_HOLE if black_hole else 0

    def route(self, places: list[int]) -> None:
        """From now on requests are sent to these, and to no others."""
        self.state.routable[: len(places)] = places
        self.state.counts[layout.ROUTABLE] = len(places)

    def hand_over(self, now: float) -> None:
        """What the activator holds is sent too, if it can be."""
        if self.rules.activator != layout.NOBODY and self.state.counts[layout.ROUTABLE] > 0:
            kernel.hand_over(self.state, self.rules, now)

    def counters(self, now: float) -> list[Counters]:
        """What each place counted up to `now`, since its pod was opened."""
        state = self.state
        passed = now - state.touched
        busy, held = state.busy_seconds + state.busy * passed, state.held_seconds + state.held * passed
        return list(zip(busy.tolist(), held.tolist(), state.routed.tolist(), strict=True))

    def held(self, place: int) -> int:
        return int(self.state.held[place])

    def left_at(self, place: int) -> float:
        """When something last happened to a pod."""
        return float(self.state.touched[place])

    def _grow_ring(self, needed: int) -> None:
        old = self.state
        size = max(1024, 1 << (needed - 1).bit_length())
        rings: dict[str, Any] = {name: np.zeros(size, getattr(old, name).dtype) for name in RING}
        numbers = np.arange(old.counts[layout.OLDEST], old.counts[layout.NUMBER])
        for name, ring in rings.items():
            ring[numbers & (size - 1)] = getattr(old, name)[numbers & (len(old.arrived) - 1)]
        self.state = old._replace(**rings)

    def _grow_pods(self, pods: int) -> None:
        old, slots = self.state, self.rules.slots
        before = len(old.alive)
        grown: dict[str, Any] = {name: longer(getattr(old, name), pods) for name in BY_POD}
        grown |= {name: longer(getattr(old, name), pods * slots) for name in BY_SLOT}
        self.state = old._replace(**grown)
        self._unused += reversed(range(before, pods))


def longer(array: NDArray[Any], length: int) -> NDArray[Any]:
    result: NDArray[Any] = np.zeros((length, *array.shape[1:]), array.dtype)
    result[: len(array)] = array
    return result


def ints(*shape: int) -> Ints:
    return np.zeros(shape, np.int64)


def floats(size: int) -> Floats:
    return np.zeros(size)


def marks(size: int) -> Bytes:
    return np.zeros(size, np.int8)


def empty(rules: Rules, windows: int, log: int, *, detailed: bool) -> State:
    return State(
        arrived=floats(1024), entered=floats(1024), rows=ints(1024), after=ints(1024), status=marks(1024),
        pod=ints(1024),
        alive=marks(0), busy=ints(0), held=ints(0), waiting=ints(0), waiting_rows=ints(0), head=ints(0), tail=ints(0),
        late_head=ints(0), late_tail=ints(0), routed=ints(0), busy_seconds=floats(0), held_seconds=floats(0),
        touched=floats(0), free=ints(0, rules.slots), routable=ints(0),
        first=ints(0), expected_end=floats(0), heap_time=floats(0), heap_batch=ints(0), heap_slot=ints(0),
        counts=ints(6), sums=floats(2), histogram=ints(layout.PER_OCTAVE * layout.OCTAVES),
        windows=ints(windows, 6),
        latencies=ints(windows * detailed, layout.PER_OCTAVE * layout.OCTAVES // layout.COARSER),
        log_start=np.full(log, np.nan), log_end=np.full(log, np.nan), log_pod=ints(log), log_outcome=marks(log),
    )  # fmt: skip
