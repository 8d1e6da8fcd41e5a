"""The batches that are computed, as a binary heap: the one that ends first, and of equals the one that began first."""

from __future__ import annotations

from mlsystem.capacity.simulation.compiled import compiled
from mlsystem.capacity.simulation.layout import BATCHES, PENDING, State


@compiled
def push(s: State, time: float, slot: int) -> None:
    insert(s, time, s.counts[BATCHES], slot)
    s.counts[BATCHES] += 1


@compiled
def insert(s: State, time: float, batch: int, slot: int) -> None:
    place = s.counts[PENDING]
    s.counts[PENDING] += 1
    while place > 0:
        parent = (place - 1) >> 1
        if not before(time, batch, s.heap_time[parent], s.heap_batch[parent]):
            break
        move(s, parent, place)
        place = parent
    s.heap_time[place], s.heap_batch[place], s.heap_slot[place] = time, batch, slot


@compiled
def pop(s: State) -> int:
    """The slot whose batch ends first."""
    slot: int = s.heap_slot[0]
    s.counts[PENDING] -= 1
    last = s.counts[PENDING]
    time, batch, place = s.heap_time[last], s.heap_batch[last], 0
    while 2 * place + 1 < last:
        child = 2 * place + 1
        other = child + 1
        if other < last and before(s.heap_time[other], s.heap_batch[other], s.heap_time[child], s.heap_batch[child]):
            child = other
        if not before(s.heap_time[child], s.heap_batch[child], time, batch):
            break
        move(s, child, place)
        place = child
    s.heap_time[place], s.heap_batch[place], s.heap_slot[place] = time, batch, s.heap_slot[last]
    return slot


@compiled
def before(time: float, batch: int, other_time: float, other_batch: int) -> bool:
    return time < other_time or (time == other_time and batch < other_batch)


@compiled
def move(s: State, source: int, target: int) -> None:
    s.heap_time[target] = s.heap_time[source]
    s.heap_batch[target] = s.heap_batch[source]
    s.heap_slot[target] = s.heap_slot[source]


@compiled
def remove(s: State, low: int, high: int) -> None:
    """All batches of the slots from `low` up to and without `high`: the rest is put in again, one after the other."""
    pending, s.counts[PENDING] = s.counts[PENDING], 0
    for place in range(pending):
        if not low <= s.heap_slot[place] < high:
            insert(s, s.heap_time[place], s.heap_batch[place], s.heap_slot[place])
