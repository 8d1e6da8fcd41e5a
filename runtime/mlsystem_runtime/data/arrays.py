"""Between numpy and Arrow, through their buffers: Arrow's own conversions (`pa.array`, `pa.scalar`, `to_numpy`), and
`pq.read_table`, import pandas wherever it is installed, a second that no step has to spare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

TYPES = {"int64": pa.int64(), "float64": pa.float64()}


def arrow(values: np.ndarray[Any, Any], null: np.ndarray[Any, Any] | None = None) -> pa.Array:
    """64-bit numbers as an Arrow array, null where `null` is true."""
    bitmap = None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))
    content = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(TYPES[values.dtype.name], len(values), [bitmap, content])


def text(values: Sequence[str]) -> pa.Array:
    encoded = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    content = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(values), content)


def bits(values: np.ndarray[Any, Any]) -> pa.Array:
    """Booleans as an Arrow array."""
    packed = np.packbits(values, bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(packed)])


def numbers(values: pa.Array) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(64-bit numbers with zero for null, which are not null). Timestamps count their unit, true is 1, a text 0."""
    has_value = present(values)
    if pa.types.is_string(values.type):
        return np.zeros(len(values), np.int64), has_value
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    if not pa.types.is_floating(values.type):
        values = values.cast(pa.int64())
    kind = np.float64 if pa.types.is_floating(values.type) else np.int64
    content = values.buffers()[1]
    found = (
        np.frombuffer(content, kind)[values.offset : values.offset + len(values)] if len(values) else np.empty(0, kind)
    )
    return (found if values.null_count == 0 else np.where(has_value, found, kind(0))), has_value


def present(values: pa.Array) -> np.ndarray[Any, Any]:
    """Which values are not null."""
    bitmap = values.buffers()[0]
    if values.null_count == 0 or bitmap is None:
        return np.full(len(values), values.null_count == 0)
    bits = np.unpackbits(np.frombuffer(bitmap, np.uint8), bitorder="little")
    return bits[values.offset : values.offset + len(values)].astype(bool)


def read_columns(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """These columns (None: all) of one parquet file."""
    with pq.ParquetFile(path) as file:
        return file.read(columns=None if columns is None else list(columns))
