"""Hashes of the full content of columns: equal values, equal digest, however they are chunked or encoded."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsystem_runtime.data.arrays import numbers, present


def column_digest(values: pa.ChunkedArray) -> str:
    """SHA-256 over type, nulls and values. What lies in memory under a null does not count."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    nulls, sizes, content = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
    for chunk in values.chunks:
        nulls.update(present(chunk).tobytes())
        if pa.types.is_string(values.type):
            texts = chunk.drop_null()
            sizes.update(numbers(pc.binary_length(texts))[0].tobytes())
            content.update(text_bytes(texts))
        else:
            content.update(numbers(chunk)[0].tobytes())
    parts = (str(values.type), str(len(values)), nulls.hexdigest(), sizes.hexdigest(), content.hexdigest())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def text_bytes(texts: pa.Array) -> memoryview:
    """The bytes of all texts of an array without nulls, one after the other."""
    _, offsets, data = texts.buffers()
    edges = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return memoryview(data or b"")[int(edges[0]) : int(edges[-1])] if len(edges) else memoryview(b"")


def table_digest(table: pa.Table) -> str:
    """SHA-256 over the names and digests of all columns, in order."""
    lines = [f"{name}\0{column_digest(table[name])}\n" for name in table.column_names]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
