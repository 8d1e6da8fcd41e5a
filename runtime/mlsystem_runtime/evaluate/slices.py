"""Slices: the test rows that share a value of a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsystem_runtime.evaluate.metrics import Array

NULL = "null"


@dataclass(frozen=True)
class Slice:
    """`rows_B` are ascending positions among the test rows."""

    column: str
    value: str
    rows_B: Array

    @property
    def name(self) -> str:
        return f"{self.column}={self.value}"


def slices_of(source: pa.Table, columns: Sequence[str]) -> tuple[Slice, ...]:
    """One slice per value of each column of `source` (the source's rows behind the test rows), largest first.

    Values are compared as text; null is a value.
    """
    return tuple(one for column in columns for one in _by_value(column, source[column]))


def _by_value(column: str, values: pa.ChunkedArray) -> list[Slice]:
    encoded = pc.fill_null(pc.cast(values, pa.string()), NULL).combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes, minlength=len(encoded.dictionary))
    groups = np.split(order, np.cumsum(counts)[:-1])
    found = [Slice(column, text, rows) for text, rows in zip(encoded.dictionary.to_pylist(), groups, strict=True)]
    return sorted(found, key=lambda one: (-len(one.rows_B), one.value))
