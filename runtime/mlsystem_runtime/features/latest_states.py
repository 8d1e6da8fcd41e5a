"""The states of all entities of a latest group at once, from the source's rows; and one with further rows in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from mlsystem_runtime.contract.features import LatestGroup
from mlsystem_runtime.data.arrays import arrow
from mlsystem_runtime.features.content import content_word
from mlsystem_runtime.features.keys import Ints, plain
from mlsystem_runtime.features.latest import Arrivals, arrivals
from mlsystem_runtime.features.layout import Knowledge, Part, parts_of
from mlsystem_runtime.features.packed_latest import Entry, State, decode, encode
from mlsystem_runtime.features.rows import Rows
from mlsystem_runtime.features.store import Packed


def states(
    rows: Rows, group: LatestGroup, knowledge: Knowledge, watermark_us: int, revealed_us: int | None
) -> Iterator[tuple[int, Packed]]:
    """(code, state) of every key that has one; rows that become known after `revealed_us` are left out."""
    made: dict[int, State] = {}
    parts = parts_of(group, knowledge)
    for number, part in enumerate(parts):
        for code, entry in entries_of(rows, part, watermark_us, revealed_us):
            made.setdefault(code, [[] for _ in parts])[number].append(entry)
    for code, state in made.items():
        yield code, Packed(encode(state))


def entries_of(rows: Rows, part: Part, watermark_us: int, revealed_us: int | None) -> Iterator[tuple[int, Entry]]:
    """The rows that each key keeps, with the greatest rank first."""
    found = arrivals(rows, list(part.names), part.at_time, revealed_us)
    if found is None:
        return
    kept = found.rows[answering(found, watermark_us)][::-1]
    knowable = rows.knowable(part.at_time)
    table = rows.table.select(list(part.names)).take(arrow(kept))
    columns = [plain(table[name].combine_chunks()) for name in part.names]
    codes, time, available = (array[kept].tolist() for array in (rows.codes, rows.time, knowable))
    for code, *entry in zip(codes, time, available, *columns, strict=True):
        yield code, entry


def answering(found: Arrivals, watermark_us: int) -> Ints:
    """Places of the rows that answer at some q >= watermark, ascending by key and rank."""
    new_best = np.append(True, found.winner[1:] != found.winner[:-1])
    waits = found.instant > watermark_us
    next_differs = np.append(found.code[1:] != found.code[:-1], True)
    last_arrived = ~waits & (next_differs | np.append(waits[1:], True))
    best_now = found.winner[last_arrived]
    return np.unique(np.concatenate([best_now, found.winner[new_best & waits]]))


def merged(
    packed: Packed | None, parts: tuple[Part, ...], added: Mapping[int, Iterable[Entry]], watermark_us: int
) -> tuple[bytes, bytes]:
    """The state with further rows (by part), as (body, head): an older row never replaces a newer one."""
    state: State = [[] for _ in parts] if packed is None else decode(packed.body)
    for number, entries in added.items():
        state[number] = pruned([*state[number], *entries], parts[number], watermark_us)
    return encode(state), b""


def pruned(entries: Iterable[Entry], part: Part, watermark_us: int) -> list[Entry]:
    """Those that answer at some q >= watermark, with the greatest rank first."""
    kept: list[Entry] = []
    earliest: float = np.inf
    for entry in sorted(entries, key=lambda entry: rank(entry, part), reverse=True):
        arrives = max(entry[0], entry[1], watermark_us)
        if arrives < earliest:
            kept.append(entry)
            earliest = arrives
    return kept


def rank(entry: Entry, part: Part) -> tuple[int, int, int]:
    return entry[0], entry[1], content_word(dict(zip(part.names, entry[2:], strict=True)))
