"""From a source's rows to the states of an online store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.features import LatestGroup, StoredGroup
from mlsystem_runtime.features import aggregate_states, latest_states
from mlsystem_runtime.features.content import added, row_words
from mlsystem_runtime.features.entities import key_bytes
from mlsystem_runtime.features.keys import NO_KEY
from mlsystem_runtime.features.layout import knowledge_of, knowledge_text, layout_of
from mlsystem_runtime.features.rows import Rows
from mlsystem_runtime.features.store import Change, Generation, OnlineStore, Packed


@dataclass(frozen=True)
class Written:
    """`ahead`: the store holds the rows of a later ingest already, so nothing was written."""

    keys: int
    changed: int
    removed: int
    ahead: bool = False


def generation_of(
    group: StoredGroup, source: Source, watermark_us: int, ingested: int = 0, made_from: str = ""
) -> Generation:
    knowledge = knowledge_text(knowledge_of(group, source))
    return Generation(group.fingerprint, group.name, knowledge, watermark_us, ingested, made_from)


def materialize(
    group: StoredGroup,
    source: Source,
    rows: Rows,
    store: OnlineStore,
    watermark_us: int,
    ingested: int = 0,
    made_from: str = "",
) -> Written:
    """Bring the group's generation to exactly what `rows` say for any q >= its watermark, which never falls.

    Only entities whose rows are not those of the last time are written, so rows that arrive late, were corrected or
    taken back reach the store whatever their time. A store with rows of an ingest after `ingested` is left alone.
    """
    while True:
        held = store.generation(group.fingerprint)
        if held is not None and held.ingested > ingested:
            return Written(rows.index.count, 0, 0, ahead=True)
        reached_us = watermark_us if held is None else max(watermark_us, held.watermark_us)
        generation = generation_of(group, source, reached_us, ingested, made_from)
        written = replaced(held, generation, group, source, rows, store)
        if written is not None:
            return written


def replaced(
    held: Generation | None, new: Generation, group: StoredGroup, source: Source, rows: Rows, store: OnlineStore
) -> Written | None:
    """Replace generation `held` by `new`, made from `rows`; None where another writer has replaced it meanwhile."""
    stored = {} if held is None else store.digests(new.fingerprint)
    known = stored if held is not None and held.knowledge == new.knowledge else {}
    keys = [key_bytes(key, [part.type for part in group.key]) for key in rows.index.tuples()]
    digests = digests_of(rows)
    touched = np.array([known.get(key) != digest for key, digest in zip(keys, digests, strict=True)], bool)
    changes = [
        Change(keys[code], digests[code], state.body, state.head)
        for code, state in states(group, source, only(rows, touched), new.watermark_us)
    ]
    removed = sorted(stored.keys() - set(keys))
    if not store.write(new, changes, removed, held):
        return None
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
        return latest_states.states(rows, group, knowledge, watermark_us, revealed_us)
    return aggregate_states.states(rows, layout_of(group, knowledge), watermark_us, revealed_us)
