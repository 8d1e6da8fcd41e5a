"""Entity keys as dense codes, for whole columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsystem_runtime.data.arrays import arrow, numbers, present

NO_KEY = -2
UNKNOWN = -1

Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Part:
    """One part of a key: its distinct values, and which pairs (code of the parts before, of this one) occur, sorted."""

    values: pa.Array
    pairs: Ints | None


@dataclass(frozen=True)
class KeyIndex:
    """Codes 0..count-1 of the distinct keys of a table. Keys are compared part by part, never as joined text."""

    parts: tuple[Part, ...]
    count: int

    def codes(self, columns: Sequence[pa.ChunkedArray]) -> Ints:
        """One code a row: UNKNOWN for a key that does not occur, NO_KEY where any part is null."""
        codes = np.zeros(len(columns[0]), np.int64)
        missing = np.zeros(len(columns[0]), bool)
        for part, column in zip(self.parts, columns, strict=True):
            found = pc.index_in(column.cast(part.values.type), value_set=part.values).combine_chunks()
            position, known = numbers(found)
            missing |= ~present(column.combine_chunks())
            codes = self._joined(part, codes, np.where(known, position, UNKNOWN))
        codes[missing] = NO_KEY
        return codes

    def _joined(self, part: Part, codes: Ints, position: Ints) -> Ints:
        if part.pairs is None:
            return position
        if len(part.pairs) == 0:
            return np.full(len(codes), UNKNOWN)
        pairs = codes * len(part.values) + position
        at = np.minimum(np.searchsorted(part.pairs, pairs), len(part.pairs) - 1)
        known = (codes >= 0) & (position >= 0)
        known[known] = part.pairs[at[known]] == pairs[known]
        return np.where(known, at, UNKNOWN)

    def tuples(self) -> list[tuple[Any, ...]]:
        """The key of each code, in order."""
        columns: list[list[Any]] = []
        codes = np.arange(self.count)
        for part in reversed(self.parts):
            if part.pairs is not None:
                codes, position = np.divmod(part.pairs[codes], len(part.values))
            else:
                position = codes
            columns.append(plain(part.values.take(arrow(position))))
        return list(zip(*reversed(columns), strict=True))


def index_keys(columns: Sequence[pa.ChunkedArray]) -> tuple[KeyIndex, Ints]:
    """The index of all keys in `columns` (one a part), and the code of each row: NO_KEY where a part is null."""
    parts: list[Part] = []
    codes = np.zeros(len(columns[0]), np.int64)
    complete = np.ones(len(columns[0]), bool)
    count = 0
    for column in columns:
        encoded = column.combine_chunks().dictionary_encode()
        position, has_value = numbers(encoded.indices)
        complete &= has_value
        values = encoded.dictionary
        if not parts:
            pairs, codes, count = None, position.copy(), len(values)
        else:
            pairs, joined = np.unique((codes * len(values) + position)[complete], return_inverse=True)
            codes, count = np.zeros_like(codes), len(pairs)
            codes[complete] = joined
        parts.append(Part(values, pairs))
    codes[~complete] = NO_KEY
    return KeyIndex(tuple(parts), count), codes


def plain(values: pa.Array) -> list[Any]:
    """Python values; timestamps as microseconds."""
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    return list(values.to_pylist())
