"""From a source's rows to the states of an online store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.features import LatestGroup, StoredGroup
from mlsystem_runtime.features import aggregate_states, packed_latest
from mlsystem_runtime.features.content import added, row_words
from mlsystem_runtime.features.keys import NO_KEY, key_bytes
from mlsystem_runtime.features.layout import knowledge_of, knowledge_text, layout_of
from mlsystem_runtime.features.rows import Rows
from mlsystem_runtime.features.store import Change, Generation, OnlineStore, Packed


@dataclass(frozen=True)
class Written:
    """`ahead`: the store had a later watermark already, so nothing was written."""

    keys: int
    changed: int
    removed: int
    ahead: bool = False


def generation_of(group: StoredGroup, source: Source, watermark_us: int) -> Generation:
    return Generation(group.fingerprint, group.name, knowledge_text(knowledge_of(group, source)), watermark_us)


def materialize(group: StoredGroup, source: Source, rows: Rows, store: OnlineStore, watermark_us: int) -> Written:
    """Bring the group's generation to exactly what `rows` say for any q >= watermark.

    Only entities whose rows are not those of the last time are written, so rows that arrive late, were corrected or
    taken back reach the store whatever their time. A store that is ahead of `watermark_us` is left alone.
    """
    generation = generation_of(group, source, watermark_us)
    held = store.generation(group.fingerprint)
    known = store.digests(group.fingerprint) if held is not None and held.knowledge == generation.knowledge else {}
    keys = [key_bytes(key, [part.type for part in group.key]) for key in rows.index.tuples()]
    digests = digests_of(rows)
    touched = np.array([known.get(key) != digest for key, digest in zip(keys, digests, strict=True)], bool)
    changes = [
        Change(keys[code], digests[code], state.body, state.head)
        for code, state in states(group, source, only(rows, touched), watermark_us)
    ]
    removed = sorted(known.keys() - set(keys))
    if not store.write(generation, changes, removed):
        return Written(len(keys), 0, 0, ahead=True)
    return Written(len(keys), len(changes), len(removed))


def digests_of(rows: Rows) -> list[int]:
    """A signed 64-bit hash of all rows of each key, whatever their order."""
    kept = np.flatnonzero(rows.codes >= 0)
    words = row_words(rows.table, rows.time, rows.available)[kept]
    return list(added(words, rows.codes[kept], rows.index.count).view(np.int64).tolist())


def only(rows: Rows, codes: np.ndarray) -> Rows:
    """The rows of these keys; the others count as without a key."""
    if len(codes) == 0 or codes.all():
        return rows
    return Rows(rows.index, np.where(codes[rows.codes], rows.codes, NO_KEY), rows.time, rows.available, rows.table)


def states(
    group: StoredGroup, source: Source, rows: Rows, watermark_us: int, revealed_us: int | None = None
) -> Iterator[tuple[int, Packed]]:
    """(code, state) of each key with rows; those that become known after `revealed_us` are left out."""
    knowledge = knowledge_of(group, source)
    if isinstance(group, LatestGroup):
        return packed_latest.states(rows, group, knowledge, watermark_us, revealed_us)
    return aggregate_states.states(rows, layout_of(group, knowledge), watermark_us, revealed_us)
