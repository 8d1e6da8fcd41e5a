"""Memory that the workers of one port share: for each a slot, which it alone writes and every one reads.

A slot is a few numbers about the worker, then entries that are only ever added: a name and the float64 values that
belong to it. A worker that takes the place of a dead one goes on with its slot, so what was counted stays counted.
The memory has no name: it is inherited at the fork and gone with the last process, however that one ends.
"""

from __future__ import annotations

import mmap
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import msgspec

SLOT_BYTES = 1 << 20     # what was never written costs nothing
FIELDS = 8               # float64 at the beginning of a slot
USED, PID, BEAT, STATE, STARTED, RESTARTS, CONNECTIONS = range(7)
WORD = 8


class State(IntEnum):
    """STARTING does not accept connections; WAITING does, though its models are not all loaded; READY answers."""

    STARTING = 0
    WAITING = 1
    READY = 2
    DRAINING = 3


class FullError(Exception):
    """The slot has no room for another entry."""


@dataclass(frozen=True)
class Entry:
    """Its values are those at `at` to `at + size`."""

    name: tuple[str, ...]
    at: int
    size: int


class Slot:
    """`values` are all float64 of the slot; an aligned one is read whole or not at all, whoever writes it meanwhile."""

    def __init__(self, memory: memoryview) -> None:
        self.values = memory.cast("d")
        self._bytes = memory
        self._entries: dict[tuple[str, ...], Entry] = {}
        self._read = 0
        self._adding = threading.Lock()

    @property
    def pid(self) -> int:
        """0 while no process works here."""
        return int(self.values[PID])

    @property
    def state(self) -> State:
        return State(int(self.values[STATE]))

    def occupy(self) -> None:
        """This process works here from now on."""
        self.values[BEAT], self.values[STATE], self.values[CONNECTIONS] = 0.0, State.STARTING, 0.0
        self.values[STARTED] = time.time()
        self.values[PID] = os.getpid()

    def vacate(self) -> None:
        self.values[PID] = 0.0

    def entries(self) -> list[Entry]:
        """All that were added so far, oldest first."""
        with self._adding:
            return list(self._known().values())

    def claim(self, name: tuple[str, ...], initial: tuple[float, ...]) -> Entry:
        """The entry of that name, added with these values where there is none yet. Raises FullError."""
        with self._adding:
            if name not in self._known():
                self._add(msgspec.json.encode(name), initial)
            return self._known()[name]

    def _known(self) -> dict[tuple[str, ...], Entry]:
        used = int(self.values[USED])
        if used > self._read:
            self._entries.update((entry.name, entry) for entry in self._between(self._read, used))
            self._read = used
        return self._entries

    def _add(self, name: bytes, initial: tuple[float, ...]) -> None:
        """What a process was killed in the middle of writing is written over."""
        used = int(self.values[USED])
        start = FIELDS * WORD + used
        values = start + WORD + padded(len(name))
        end = values + len(initial) * WORD
        if end > len(self._bytes):
            raise FullError
        self._bytes[start : start + WORD] = len(name).to_bytes(4, "little") + len(initial).to_bytes(4, "little")
        self._bytes[start + WORD : start + WORD + len(name)] = name
        for number, value in enumerate(initial, start=values // WORD):
            self.values[number] = value
        self.values[USED] = used + end - start  # last: from now on readers see the entry, and see it whole

    def _between(self, read: int, used: int) -> Iterator[Entry]:
        start, end = FIELDS * WORD + read, FIELDS * WORD + used
        while start < end:
            length = int.from_bytes(self._bytes[start : start + 4], "little")
            size = int.from_bytes(self._bytes[start + 4 : start + WORD], "little")
            values = start + WORD + padded(length)
            name = self._bytes[start + WORD : start + WORD + length]
            yield Entry(msgspec.json.decode(name, type=tuple[str, ...]), values // WORD, size)
            start = values + size * WORD


def padded(length: int) -> int:
    return -(-length // WORD) * WORD


@dataclass(frozen=True)
class Fleet:
    """The workers of one port as one of them sees it: `slots` are those of all, `number` is its own.

    `parent` is the pid of the process that starts workers again; None where there is one worker and nobody beside it.
    """

    slots: tuple[Slot, ...]
    number: int = 0
    parent: int | None = None

    @property
    def own(self) -> Slot:
        return self.slots[self.number]

    @property
    def others(self) -> list[Slot]:
        """Of those that run."""
        return [slot for slot in self.running if slot is not self.own]

    @property
    def running(self) -> list[Slot]:
        return [slot for slot in self.slots if slot.pid]


def alone() -> Fleet:
    fleet = new_fleet()
    fleet.own.occupy()
    return fleet


def new_fleet(workers: int = 1, parent: int | None = None) -> Fleet:
    memory = memoryview(mmap.mmap(-1, workers * SLOT_BYTES))
    slots = (Slot(memory[number * SLOT_BYTES : (number + 1) * SLOT_BYTES]) for number in range(workers))
    return Fleet(tuple(slots), parent=parent)
