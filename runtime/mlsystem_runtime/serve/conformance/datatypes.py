"""The tensor data types of the protocol: their bytes, their JSON, and the numbers that they hold."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

NUMPY: Mapping[str, str] = {
    "BOOL": "?", "INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8",
    "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8",
    "FP16": "<f2", "FP32": "<f4", "FP64": "<f8", "BF16": "<f4", "BYTES": "O",
}  # fmt: skip
"""BF16 is kept as the 32-bit numbers that it is the upper half of, BYTES as Python strings."""

INTEGERS = tuple(name for name in NUMPY if "INT" in name)
FLOATS = ("FP16", "FP32", "FP64", "BF16")


def bounds(datatype: str) -> tuple[int, int]:
    """The least and the greatest integer of an integer type."""
    info = np.iinfo(np.dtype(NUMPY[datatype]))
    return int(info.min), int(info.max)


def array_of(datatype: str, values: Sequence[Any], shape: Sequence[int]) -> Array:
    """Raises ValueError or OverflowError where a value is none of the type or the shape needs another number."""
    return np.array(list(values), dtype=NUMPY[datatype]).reshape(tuple(shape))


def flat(values: object) -> list[Any]:
    """Nested JSON lists as one, row by row."""
    if not isinstance(values, list):
        return [values]
    return [one for value in values for one in flat(value)]


def to_bytes(datatype: str, array: Array) -> bytes:
    """Little-endian, row by row; an element of BYTES has its length before it, four bytes."""
    if datatype == "BYTES":
        return b"".join(framed(str(text).encode()) for text in array.ravel())
    if datatype == "BF16":
        return (array.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return array.astype(NUMPY[datatype]).tobytes()


def framed(text: bytes) -> bytes:
    return struct.pack("<I", len(text)) + text


def from_bytes(datatype: str, data: bytes, shape: Sequence[int]) -> Array:
    """The inverse of `to_bytes`; raises ValueError where the bytes are not exactly those of that shape."""
    if datatype == "BYTES":
        return array_of(datatype, unframed(data), shape)
    if datatype == "BF16":
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").reshape(tuple(shape))
    return np.frombuffer(data, NUMPY[datatype]).reshape(tuple(shape))


def unframed(data: bytes) -> list[str]:
    texts = []
    while data:
        if len(data) < 4 or len(data) - 4 < (size := struct.unpack_from("<I", data)[0]):
            raise ValueError("an element of BYTES is cut short")
        texts.append(data[4 : 4 + size].decode())
        data = data[4 + size :]
    return texts


def same(left: Array, right: Array) -> bool:
    """Equal but for what another order of additions changes."""
    if left.shape != right.shape or left.dtype.kind != right.dtype.kind:
        return False
    if left.dtype.kind == "f":
        return bool(np.allclose(left.astype(float), right.astype(float), rtol=1e-4, atol=1e-5, equal_nan=True))
    return bool(np.array_equal(left, right))
