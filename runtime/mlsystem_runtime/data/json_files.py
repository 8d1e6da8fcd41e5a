"""JSON: one object a line, or one array of objects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from mlsystem_runtime.contract.columns import Column, ColumnType, Source
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.data.convert import ARROW_TYPES
from mlsystem_runtime.data.files import open_content
from mlsystem_runtime.data.problems import bad_rows

ACCEPTED: dict[ColumnType, tuple[type, ...]] = {
    ColumnType.STRING: (str,),
    ColumnType.INT: (int,),
    ColumnType.FLOAT: (int, float),
    ColumnType.BOOL: (bool,),
    ColumnType.TIMESTAMP: (str,),
}


def read_json(source: Source, file: Path) -> Mapping[str, pa.ChunkedArray]:
    """The declared columns by name; timestamps are still text. A key that an object lacks is null there."""
    with open_content(source, file) as stream:
        rows = objects(source, file, stream.read())
    refuse_absent(source, rows)
    return {column.name: typed(source, column, [row.get(column.name) for row in rows]) for column in source.columns}


def objects(source: Source, file: Path, data: bytes) -> list[dict[str, Any]]:
    try:
        if data.lstrip()[:1] == b"[":
            return msgspec.json.decode(data, type=list[dict[str, Any]])
        return msgspec.json.Decoder(dict[str, Any]).decode_lines(data)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        hint = "the file is one array of objects, or one object a line"
        raise MlsystemError(f"source '{source.name}': {file} is not readable JSON: {error}", hint) from error


def refuse_absent(source: Source, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    for column in source.columns:
        if not any(column.name in row for row in rows):
            raise MlsystemError(
                f"source '{source.name}' has no column {column.name!r}", f"its first object has: {', '.join(rows[0])}"
            )


def typed(source: Source, column: Column, values: list[Any]) -> pa.ChunkedArray:
    accepted = ACCEPTED[column.type]
    bad = [(row, value) for row, value in enumerate(values) if value is not None and not fits(value, accepted)]
    if bad:
        hint = (
            "numbers are not read as timestamps: write ISO 8601 texts"
            if column.type is ColumnType.TIMESTAMP
            else (f"declare {column.name} with the type that the data has")
        )
        raise bad_rows(source.name, column.name, f"declared {column.type}, but", bad, hint, total=len(bad))
    kind = pa.string() if column.type is ColumnType.TIMESTAMP else ARROW_TYPES[column.type]
    try:
        return pa.chunked_array([pa.array(values, kind)], kind)
    except (pa.ArrowInvalid, OverflowError) as error:
        large = ((row, value) for row, value in enumerate(values) if isinstance(value, int) and abs(value) > 2**53)
        raise bad_rows(
            source.name, column.name, f"out of the range of {column.type}", large, "write it as text"
        ) from error


def fits(value: Any, accepted: tuple[type, ...]) -> bool:
    """True and False are not numbers here."""
    return isinstance(value, accepted) and (bool in accepted or not isinstance(value, bool))
