"""One write of a generation: versions of states beside those in force, and the commit that brings them in force."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from mlsystem_runtime.contract.feature_table import EXPIRES
from mlsystem_runtime.features.dynamo_items import (
    INLINE,
    LONGEST_ENTITY,
    Directory,
    Entry,
    Places,
    Record,
    TornError,
    added,
    cut,
    directory_of,
    pruned,
    record_of,
)
from mlsystem_runtime.features.dynamo_table import ConditionError, Item, Key, Table, TableError

MOST_STAGED = 2            # versions of other writers beside one's own: one more, and the older ones are given up on
TRIES = 50                 # of an item that others write at the same time


class OvertakenError(Exception):
    """Another write was committed meanwhile."""


class Write:
    """On top of `base`, which may be what others write on top of as well: the first to commit wins.

    Raises OvertakenError, and TableError.
    """

    def __init__(self, table: Table, places: Places, fingerprint: str, base: Record) -> None:
        self._table, self._places, self._fingerprint = table, places, fingerprint
        self._at = places.record(fingerprint)
        drawn = table.update(self._at, f"ADD last_epoch :one SET written_us = :now REMOVE {EXPIRES}",
                             {":one": {"N": "1"}, ":now": number(now_us())})  # fmt: skip
        if base.contents is None:  # before any state, so that whatever a killed writer leaves is found
            table.put(places.listed(fingerprint), {})
        self._base = record_of(drawn)
        self.epoch = self._base.last
        self._fence = self._base.fence
        self._gone: list[Key] = []
        if self._base.epoch != base.epoch:
            raise OvertakenError

    def stage(self, states: Mapping[bytes, bytes | None]) -> None:
        """None for a state that is removed."""
        keys = {entity: self._places.state(self._fingerprint, entity) for entity in states}
        first = self._base.epoch == 0  # there are none yet; what a killed writer left is seen when it is in the way
        seen = {} if first else self._table.get(keys.values(), ("d",))
        self._table.each(lambda one: self._stage(one, states[one], keys[one], seen.get(keys[one])), list(states))

    def commit(self, contents: bytes | None) -> bool:
        """False where another write was committed first. None forgets the generation, and all that was ever staged."""
        skipped = self._base.skipping(self.epoch) if contents is not None else everything(self.epoch)
        values: dict[str, dict[str, Any]] = {
            ":epoch": number(self.epoch), ":skipped": {"B": skipped}, ":now": number(now_us()), **self._base_value(),
        }
        expression = "SET epoch = :epoch, skipped = :skipped, written_us = :now"
        if contents is None:
            expression += " REMOVE contents, made_us"
        else:
            expression += ", contents = :contents, made_us = if_not_exists(made_us, :now)"
            values[":contents"] = {"B": contents}
        condition = f"{self._unmoved()} AND (attribute_not_exists(fence) OR fence < :epoch)"
        try:
            self._table.set(self._at, expression, values, condition)
        except ConditionError:
            found = record_of(self._table.get([self._at]).get(self._at))
            if found.epoch != self.epoch:  # else it was committed, and the answer was lost
                return False
        with contextlib.suppress(TableError):  # it is written; these are found when the generation is dropped
            self._table.delete(self._gone)
        return True

    def _stage(self, entity: bytes, state: bytes | None, key: Key, item: Item | None) -> None:
        pieces = cut(state)
        entry = Entry(self.epoch, (state or b"")[:8].ljust(8, b"\0"), len(pieces))
        for place, piece in zip(self._places.pieces(self._fingerprint, entity, entry), pieces, strict=False):
            self._table.put(place, {"b": {"B": piece}})
        for attempt in range(TRIES):
            before = directory_of(item)
            if attempt and entry in before.entries:
                return  # it was written, and the answer was lost
            after = added(self._pruned(before), entry)
            gone = [one for one in before.entries if one not in after.entries and one.epoch != self.epoch]
            try:
                self._lay(key, entity, after, gone, state if entry.pieces == INLINE else None, item)
            except ConditionError:
                item = self._table.get([key], ("d",)).get(key)
                continue
            self._gone += [piece for one in gone for piece in self._places.pieces(self._fingerprint, entity, one)]
            return
        raise TableError("others write all the time")

    def _lay(
        self, key: Key, entity: bytes, after: Directory, gone: list[Entry], state: bytes | None, item: Item | None
    ) -> None:
        """Raises ConditionError where the item is not `item` any more."""
        values = {":d": {"B": after.encoded()}}
        expression = "SET d = :d"
        if state is not None:
            expression, values[":v"] = f"{expression}, {version(self.epoch)} = :v", {"B": state}
        if len(entity) > LONGEST_ENTITY:
            expression, values[":k"] = f"{expression}, k = :k", {"B": entity}
        if gone:
            expression += f" REMOVE {', '.join(version(one.epoch) for one in gone)}"
        if item is not None:
            values[":seen"] = {"B": item["d"]["B"]}
        self._table.set(key, expression, values, "attribute_not_exists(d)" if item is None else "d = :seen")

    def _pruned(self, before: Directory) -> Directory:
        try:
            kept = pruned(before, self._base)
        except TornError:
            raise OvertakenError from None
        staged = [one.epoch for one in kept.entries if self._base.epoch < one.epoch < self.epoch]
        if len(staged) > MOST_STAGED and self._fence < max(staged):
            self._give_up_on_earlier()
        dead = [one for one in kept.entries if self._base.epoch < one.epoch <= self._fence and one.epoch < self.epoch]
        return Directory(kept.floor, tuple(one for one in kept.entries if one not in dead))

    def _give_up_on_earlier(self) -> None:
        """Who began before this write cannot commit any more: an item has no room for what killed writers left."""
        condition = f"{self._unmoved()} AND (attribute_not_exists(fence) OR fence <= :fence)"
        values = {":fence": number(self.epoch - 1), **self._base_value()}
        try:
            self._table.set(self._at, "SET fence = :fence", values, condition)
        except ConditionError:
            raise OvertakenError from None
        self._fence = self.epoch - 1

    def _unmoved(self) -> str:
        return "epoch = :base" if self._base.epoch else "attribute_not_exists(epoch)"

    def _base_value(self) -> dict[str, dict[str, str]]:
        return {":base": number(self._base.epoch)} if self._base.epoch else {}


def everything(until: int) -> bytes:
    """What is skipped where nothing up to an epoch is in force."""
    return Record().skipping(until + 1)


def version(epoch: int) -> str:
    """The attribute that holds the state of an epoch."""
    return f"v{epoch}"


def number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def now_us() -> int:
    return time.time_ns() // 1000
