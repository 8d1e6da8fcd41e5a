"""Stored features of entities: read for many at once, and kept until the store says that something was written."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple, Protocol

from mlsystem_runtime.contract.features import AggregateGroup, LatestGroup, StoredGroup
from mlsystem_runtime.features.answer import Answer
from mlsystem_runtime.features.layout import layout_of, read_knowledge
from mlsystem_runtime.features.packed_aggregate import AggregateReader
from mlsystem_runtime.features.packed_latest import LatestReader
from mlsystem_runtime.features.store import Asked, OnlineStore, Packed, StoreUnreachableError

KEPT_BYTES = 8 << 20    # of one group: thousands of entities that are asked about every day
ENTITY_BYTES = 500      # what keeping one costs beside its state
TOLD_EVERY_S = 60.0
UNREAD = Answer((), None, math.inf, -math.inf)

logger = logging.getLogger(__name__)

Pairs = Sequence[tuple[bytes | None, int]]
"""Keys, None for no key, each with the instant that it is asked about."""


class StateReader(Protocol):
    """What a state says at an instant, in the order of its group."""

    def read(self, packed: Packed | None, at: int) -> Answer: ...


class Kept(NamedTuple):
    """The state of an entity as of a version of the store, and the last answer that was read from it."""

    version: Hashable | None
    packed: Packed | None
    answer: Answer


class GroupReader:
    """Stored features of one group for keys at instants. Safe to share between threads."""

    def __init__(self, group: StoredGroup, store: OnlineStore) -> None:
        self.group = group
        self.store = store
        size = len(group.columns if isinstance(group, LatestGroup) else group.aggregates)
        self.no_key = Answer((None,) * size, ("no_key",) * size)
        self.unreachable = Answer((None,) * size, ("store_unreachable",) * size)
        self._kept: dict[bytes, Kept] = {}
        self._bytes = 0
        self._writing = threading.Lock()
        self._reader: StateReader | None = None

    def known(self, keys: Iterable[bytes | None], version: Hashable | None) -> tuple[dict[bytes, Kept], list[bytes]]:
        """What is kept of these keys as of `version`, and the keys of which nothing is."""
        known: dict[bytes, Kept] = {}
        missing: dict[bytes, None] = {}
        for key in keys:
            if key is not None and key not in known:
                kept = self._kept.get(key)
                if kept is not None and kept.version == version and version is not None:
                    known[key] = kept
                else:
                    missing[key] = None
        return known, list(missing)

    def keep(
        self, known: dict[bytes, Kept], version: Hashable | None, read: Iterable[tuple[bytes, Packed | None]]
    ) -> None:
        """Adds what was read to `known`, and to what is kept; an unchanged state goes on answering as it did."""
        with self._writing:
            for key, packed in read:
                known[key] = self._replaced(key, version, packed)

    def _replaced(self, key: bytes, version: Hashable | None, packed: Packed | None) -> Kept:
        """What was kept first goes first; what is asked about often comes back at once."""
        before = self._kept.get(key)
        same = before is not None and before.packed == packed
        kept = Kept(version, packed, before.answer if before is not None and same else UNREAD)
        self._bytes += size_of(kept) - (0 if before is None else size_of(before))
        self._kept[key] = kept
        while self._bytes > KEPT_BYTES:
            self._bytes -= size_of(self._kept.pop(next(iter(self._kept))))
        return kept

    def answers(self, pairs: Pairs, known: dict[bytes, Kept]) -> list[Answer]:
        return [self.no_key if key is None else self._answer(key, at, known) for key, at in pairs]

    def _answer(self, key: bytes, at: int, known: dict[bytes, Kept]) -> Answer:
        version, packed, answer = known[key]
        if answer.since <= at < answer.until:
            return answer
        answer = self.prepare().read(packed, at)
        known[key] = kept = Kept(version, packed, answer)
        if key in self._kept:
            self._kept[key] = kept
        return answer

    def prepare(self) -> StateReader:
        """Once the group was materialised: what is known when does not change within a fingerprint."""
        if self._reader is None:
            generation = self.store.generation(self.group.fingerprint)
            if generation is None:
                raise StoreUnreachableError(
                    f"the online store holds nothing of group '{self.group.name}' yet", "run its materialize step"
                )
            self._reader = reader_of(self.group, generation.knowledge)
        return self._reader


def size_of(kept: Kept) -> int:
    return ENTITY_BYTES + (0 if kept.packed is None else len(kept.packed.body) + len(kept.packed.head))


def reader_of(group: StoredGroup, knowledge: str) -> StateReader:
    known = read_knowledge(knowledge)
    if isinstance(group, AggregateGroup):
        return AggregateReader(layout_of(group, known))
    return LatestReader(group, known)


class GroupReaders:
    """Several groups of one store, asked together: one look at the store for all of them."""

    def __init__(self, store: OnlineStore, groups: Sequence[GroupReader]) -> None:
        self._store = store
        self._groups = groups
        self._told: dict[str, float] = {}

    def prepare(self) -> None:
        """So that no request waits for it; what cannot be read now is read when it is asked for."""
        for place in range(len(self._groups)):
            self._ready(place)

    def answers(self, asked: Sequence[Pairs]) -> list[list[Answer]]:
        """For each group, of its pairs. A store out of reach is the cause of nulls, not an error; why, is logged."""
        known = self._known([[key for key, _ in pairs] for pairs in asked])
        return [
            [group.no_key if key is None else group.unreachable for key, _ in pairs] if held is None
            else group.answers(pairs, held)
            for group, pairs, held in zip(self._groups, asked, known, strict=True)
        ]

    def _known(self, keys: Sequence[Sequence[bytes | None]]) -> list[dict[bytes, Kept] | None]:
        """None for a group that cannot be read."""
        if not self._groups:
            return []
        try:
            version = self._store.version()
            found = [group.known(wanted, version) for group, wanted in zip(self._groups, keys, strict=True)]
            missing = [place for place, (_, absent) in enumerate(found) if absent and self._ready(place)]
            asked = [Asked(self._groups[place].group.fingerprint, found[place][1]) for place in missing]
            read = dict(zip(missing, self._store.read_all(asked) if asked else (), strict=True))
        except StoreUnreachableError as error:
            self._tell(error)
            return [None] * len(self._groups)
        for place, states in read.items():
            known, absent = found[place]
            if states is not None:
                self._groups[place].keep(known, version, zip(absent, states, strict=True))
        return [
            known if not absent or read.get(place) is not None else None for place, (known, absent) in enumerate(found)
        ]

    def _ready(self, place: int) -> bool:
        try:
            self._groups[place].prepare()
        except StoreUnreachableError as error:
            self._tell(error)
            return False
        return True

    def _tell(self, error: StoreUnreachableError) -> None:
        """Once a minute, however many requests ask."""
        now = time.monotonic()
        if now - self._told.get(error.message, -math.inf) >= TOLD_EVERY_S:
            self._told[error.message] = now
            logger.warning("%s", error.message)
