"""An empty store filled as time goes by: each row from the instant on at which it is known, so a replay cannot leak."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.features import LatestGroup, StoredGroup
from mlsystem_runtime.data.arrays import arrow
from mlsystem_runtime.features import aggregate_states, latest_states
from mlsystem_runtime.features.entities import key_bytes
from mlsystem_runtime.features.keys import Ints, plain
from mlsystem_runtime.features.layout import Lane, Part, knowledge_of, layout_of, parts_of
from mlsystem_runtime.features.materializer import generation_of, states
from mlsystem_runtime.features.packed_aggregate import HeadRow
from mlsystem_runtime.features.packed_latest import Entry
from mlsystem_runtime.features.rows import Rows, usable
from mlsystem_runtime.features.store import Change, Generation, OnlineStore, Packed

Merge = Callable[[Packed | None, Mapping[int, Sequence[Any]], int], tuple[bytes | None, bytes]]
"""(state, further rows by part or lane, watermark) → (body, or None where it stays; head)."""


class Feed:
    """The rows of one part or lane in the order in which they become known, as what a state keeps of each."""

    def __init__(self, rows: Rows, at_time: bool, kept_of: Callable[[Ints], Sequence[Any]]) -> None:
        knowable = rows.knowable(at_time)
        kept = usable(rows.codes, knowable)
        chosen = np.arange(len(rows)) if kept is None else kept
        chosen = chosen[np.argsort(knowable[chosen], kind="stable")]
        self.known = knowable[chosen]
        self.codes = rows.codes[chosen].tolist()
        self.items = kept_of(chosen)
        self.given = 0

    def upto(self, until_us: int) -> range:
        """The places of the rows known by `until_us` that were not given yet."""
        start, self.given = self.given, int(np.searchsorted(self.known, until_us, side="right"))
        return range(start, self.given)


class Filler:
    """Fills the generation of `group` in `store`, which belongs to it alone.

    After `advance(t)` the store answers any q >= t as if no row existed that is known only after t.
    """

    def __init__(self, group: StoredGroup, source: Source, rows: Rows, store: OnlineStore) -> None:
        self.group, self.source, self.rows, self.store = group, source, rows, store
        self._keys = [key_bytes(key, [part.type for part in group.key]) for key in rows.index.tuples()]
        self._feeds, self._merge = feeds_of(group, source, rows)
        self._held: Generation | None = None

    def advance(self, until_us: int) -> None:
        """`until_us` never falls from call to call."""
        changes = self._first(until_us) if self._held is None else self._changes(until_us)
        generation = generation_of(self.group, self.source, until_us)
        written = self.store.write(generation, changes, (), self._held)
        assert written, "a shadow store has one writer"
        self._held = generation

    def _first(self, until_us: int) -> list[Change]:
        for feed in self._feeds:
            feed.upto(until_us)
        made = states(self.group, self.source, self.rows, until_us, revealed_us=until_us)
        return [Change(self._keys[code], 0, state.body, state.head) for code, state in made]

    def _changes(self, until_us: int) -> list[Change]:
        added: defaultdict[int, defaultdict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
        for number, feed in enumerate(self._feeds):
            for place in feed.upto(until_us):
                added[feed.codes[place]][number].append(feed.items[place])
        held = self.store.read(self.group.fingerprint, [self._keys[code] for code in added]) if added else []
        return [
            Change(self._keys[code], 0, *self._merge(state, rows, until_us))
            for (code, rows), state in zip(added.items(), held, strict=True)
        ]


def feeds_of(group: StoredGroup, source: Source, rows: Rows) -> tuple[list[Feed], Merge]:
    knowledge = knowledge_of(group, source)
    if isinstance(group, LatestGroup):
        parts = parts_of(group, knowledge)
        feeds = [Feed(rows, part.at_time, partial(latest_items, rows, part)) for part in parts]
        return feeds, lambda state, added, until_us: latest_states.merged(state, parts, added, until_us)
    layout = layout_of(group, knowledge)
    feeds = [Feed(rows, lane.at_time, partial(aggregate_items, rows, lane)) for lane in layout.lanes]
    return feeds, lambda state, added, until_us: aggregate_states.merged(state, layout, added, until_us)


def latest_items(rows: Rows, part: Part, chosen: Ints) -> list[Entry]:
    table = rows.table.select(list(part.names)).take(arrow(chosen))
    columns = [plain(table[name].combine_chunks()) for name in part.names]
    times = (array[chosen].tolist() for array in (rows.time, rows.knowable(part.at_time)))
    return [list(entry) for entry in zip(*times, *columns, strict=True)]


def aggregate_items(rows: Rows, lane: Lane, chosen: Ints) -> list[HeadRow]:
    return [tuple(row) for row in aggregate_states.head_words(rows, lane, chosen).tolist()]
