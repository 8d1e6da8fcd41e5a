"""The bytes that name an entity in an online store. Apart from `keys` for weight: a server needs no pyarrow to read."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlsystem_runtime.contract.columns import ColumnType


def key_bytes(key: Sequence[Any], types: Sequence[ColumnType]) -> bytes:
    """The name of an entity: each part with a tag for its type and, for text, its length; no two keys share one."""
    return b"".join(ENCODERS[kind](value) for kind, value in zip(types, key, strict=True))


def text_bytes(value: str) -> bytes:
    data = value.encode()
    return b"s" + len(data).to_bytes(4, "big") + data


ENCODERS: Mapping[ColumnType, Callable[[Any], bytes]] = {
    ColumnType.STRING: text_bytes,
    ColumnType.INT: lambda value: b"i" + struct.pack(">q", value),
    ColumnType.TIMESTAMP: lambda value: b"t" + struct.pack(">q", value),
    ColumnType.FLOAT: lambda value: b"f" + struct.pack(">d", value + 0.0),
    ColumnType.BOOL: lambda value: b"1" if value else b"0",
}
