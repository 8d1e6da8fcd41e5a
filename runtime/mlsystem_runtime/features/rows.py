"""The rows of a source as arrays: whose they are, when they happened, when they could be known, sorted for look-ups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.features import StoredGroup
from mlsystem_runtime.data.arrays import numbers, read_columns
from mlsystem_runtime.features.keys import Ints, KeyIndex, index_keys
from mlsystem_runtime.features.layout import value_columns

NEVER = np.iinfo(np.int64).max
LARGEST_PAIR = 2**62


@dataclass(frozen=True)
class Rows:
    """The columns of `table` that a group reads. `available` is the array `time` itself where it is not declared."""

    index: KeyIndex
    codes: Ints
    time: Ints
    available: Ints
    table: pa.Table

    def __len__(self) -> int:
        return len(self.time)

    def knowable(self, known_at_time: bool) -> Ints:
        """When columns of this kind become known; NEVER for a row whose `available` is null."""
        return self.time if known_at_time else self.available


def rows_of(group: StoredGroup, source: Source, table: pa.Table) -> Rows:
    """`table` holds at least the group's columns, its key, and `time` and `available` of `source`."""
    index, codes = index_keys([table[part.column] for part in group.key])
    time = micros(table[source.time])
    available = time if source.available is None else micros(table[source.available])
    return Rows(index, codes, time, available, table.select(value_columns(group)))


def micros(column: pa.ChunkedArray) -> Ints:
    found, present = numbers(column.combine_chunks())
    return found if present.all() else np.where(present, found, NEVER)


def columns_read(group: StoredGroup, source: Source) -> list[str]:
    """Every column of the source's rows that the group reads, sorted."""
    instants = {source.time} | ({source.available} if source.available else set())
    return sorted({*value_columns(group), *(part.column for part in group.key), *instants})


def read_rows(group: StoredGroup, source: Source, path: Path) -> Rows:
    """From the output of the source's ingest step."""
    return rows_of(group, source, read_columns(path, columns_read(group, source)))


class Pairs:
    """(code, instant) as one int64 whose order is theirs, for codes 0..count-1 and the given instants.

    Where both do not fit into 62 bits, instants are replaced by their rank.
    """

    def __init__(self, count: int, instants: Ints) -> None:
        self.low = int(instants.min()) if len(instants) else 0
        self.high = int(instants.max()) if len(instants) else 0
        self.ranked = None
        self.span = self.high - self.low + 2
        if (count + 1) * self.span >= LARGEST_PAIR:
            self.ranked = np.unique(instants)
            self.span = len(self.ranked) + 1

    def of(self, codes: Ints, instants: Ints) -> Ints:
        """For any instants: those between two of the given ones count as the earlier."""
        if self.ranked is not None:
            return codes * self.span + np.searchsorted(self.ranked, instants, side="right")
        return codes * self.span + (np.clip(instants, self.low - 1, self.high) - (self.low - 1))


class Timeline:
    """Rows in the order of (code, instant): how many of them a (code, instant) has at or before it."""

    def __init__(self, count: int, codes: Ints, instants: Ints) -> None:
        self.pairs = Pairs(count, instants)
        unsorted = self.pairs.of(codes, instants)
        self.order: Ints = np.argsort(unsorted)
        self.sorted = unsorted[self.order]

    def upto(self, codes: Ints, instants: Ints) -> Ints:
        """Rows of all smaller codes, and those of the same one with an instant <= this. Negative codes have none."""
        return np.searchsorted(self.sorted, self.pairs.of(codes, instants), side="right")


def usable(codes: Ints, knowable: Ints, revealed_us: int | None = None) -> Ints | None:
    """Rows that can ever answer: with a key, and known some day (by `revealed_us`); None where all can."""
    last = NEVER - 1 if revealed_us is None else revealed_us
    mask = (codes >= 0) & (knowable <= last)
    return None if mask.all() else np.flatnonzero(mask)


def chosen(rows: Ints | None, *arrays: Ints) -> Sequence[Ints]:
    """These rows of each array; an array given twice stays one array."""
    if rows is None:
        return arrays
    taken = {id(array): array[rows] for array in arrays}
    return [taken[id(array)] for array in arrays]
