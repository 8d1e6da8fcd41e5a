"""One raw column becomes one declared column, or an error that names its first bad rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsystem_runtime.contract.columns import Column, ColumnType, Source
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.data import instants
from mlsystem_runtime.data.arrays import arrow, numbers
from mlsystem_runtime.data.problems import SHOWN, bad_rows, castable, null_rows

ARROW_TYPES: dict[ColumnType, pa.DataType] = {
    ColumnType.STRING: pa.string(),
    ColumnType.INT: pa.int64(),
    ColumnType.FLOAT: pa.float64(),
    ColumnType.BOOL: pa.bool_(),
    ColumnType.TIMESTAMP: instants.UTC_MICROSECONDS,
}


def to_declared(raw: pa.ChunkedArray, column: Column, source: Source) -> pa.ChunkedArray:
    """`raw` typed as declared: NaN and infinities are null, and a null where none may be is an error."""
    if pa.types.is_null(raw.type):
        raw = raw.cast(ARROW_TYPES[column.type])
    if pa.types.is_dictionary(raw.type):
        raw = raw.cast(raw.type.value_type)
    typed = finite(CONVERSIONS[column.type](raw, column, source))
    refuse_nulls(typed, raw, column, source)
    return typed


def finite(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """NaN and infinities become null, -0.0 becomes 0.0."""
    if not pa.types.is_floating(values.type):
        return values
    return pa.chunked_array([finite_chunk(chunk) for chunk in values.chunks], pa.float64())


def finite_chunk(values: pa.Array) -> pa.Array:
    found, has_value = numbers(values)
    return arrow(found + 0.0, ~(has_value & np.isfinite(found)))


def refuse_nulls(typed: pa.ChunkedArray, raw: pa.ChunkedArray, column: Column, source: Source) -> None:
    required = not column.nullable or column.name == source.time
    if not required or typed.null_count == 0:
        return
    rows = null_rows(typed)
    if column.name == source.time:
        hint = "every row needs its event time: remove these rows or fill them in"
    else:
        hint = f'declare it nullable ({column.name}: "{column.type}?"), or fill the rows in'
    found = ((row, raw[row].as_py()) for row in rows)
    raise bad_rows(source.name, column.name, f"{len(rows):,} rows have no value", found, hint, total=len(rows))


def to_string(raw: pa.ChunkedArray, column: Column, source: Source) -> pa.ChunkedArray:
    if not (pa.types.is_string(raw.type) or pa.types.is_large_string(raw.type) or pa.types.is_string_view(raw.type)):
        raise wrong_type(raw, column, source)
    return raw.cast(pa.string())


def to_int(raw: pa.ChunkedArray, column: Column, source: Source) -> pa.ChunkedArray:
    """Integers of any width; floats when every one is whole (nullable integers are often stored so)."""
    if not (pa.types.is_integer(raw.type) or pa.types.is_floating(raw.type) or pa.types.is_decimal(raw.type)):
        raise wrong_type(raw, column, source)
    if pa.types.is_floating(raw.type):
        raw = pc.if_else(pc.is_nan(raw), None, raw)
    return checked(raw, pa.int64(), column, source, f"declare {column.name} as float")


def to_float(raw: pa.ChunkedArray, column: Column, source: Source) -> pa.ChunkedArray:
    if pa.types.is_floating(raw.type) or pa.types.is_decimal(raw.type):
        return raw.cast(pa.float64())
    if not pa.types.is_integer(raw.type):
        raise wrong_type(raw, column, source)
    return checked(raw, pa.float64(), column, source, f"declare {column.name} as int: a float cannot hold it exactly")


def to_bool(raw: pa.ChunkedArray, column: Column, source: Source) -> pa.ChunkedArray:
    if not pa.types.is_boolean(raw.type):
        raise wrong_type(raw, column, source)
    return raw


def to_timestamp(raw: pa.ChunkedArray, column: Column, source: Source) -> pa.ChunkedArray:
    try:
        if pa.types.is_timestamp(raw.type) or pa.types.is_date(raw.type):
            return instants.from_arrow(raw, source.timezone)
        if pa.types.is_string(raw.type) or pa.types.is_large_string(raw.type):
            return instants.from_text(raw.cast(pa.string()), source.timezone)
    except instants.NoZoneError as error:
        raise without_zone(source, column, first(raw, lambda _: True)) from error
    except instants.NotATimestampError as error:
        wrong = error.values
        found = first(raw, lambda value: isinstance(value, str) and value.strip() in wrong)
        if error.naive:
            raise without_zone(source, column, found) from error
        hint = "timestamps are ISO 8601 texts, such as 2013-03-10T07:30:00Z or 2013-03-10 02:30:00"
        raise bad_rows(source.name, column.name, "not a timestamp", found, hint) from error
    except pa.ArrowInvalid as error:
        hint = "its year is outside what microseconds since 1970 can hold"
        raise bad_rows(
            source.name, column.name, "a timestamp out of range", first(raw, lambda _: True), hint
        ) from error
    raise wrong_type(raw, column, source)


def without_zone(source: Source, column: Column, found: Iterator[tuple[int, Any]]) -> MlsystemError:
    hint = f"declare the zone of these wall times: sources.{source.name}.timezone (UTC, America/New_York, …)"
    return bad_rows(source.name, column.name, "the timestamps carry no zone", found, hint)


def checked(raw: pa.ChunkedArray, kind: pa.DataType, column: Column, source: Source, hint: str) -> pa.ChunkedArray:
    """A cast that may lose nothing."""
    try:
        return raw.cast(kind)
    except pa.ArrowInvalid as error:
        found = first(raw, lambda value: not castable(pa.scalar(value, raw.type), kind))
        raise bad_rows(source.name, column.name, f"not {article(column.type)}", found, hint) from error


def wrong_type(raw: pa.ChunkedArray, column: Column, source: Source) -> MlsystemError:
    hint = f"declare {column.name} with the type that the data has, or write the data as {column.type}"
    if column.type is ColumnType.TIMESTAMP and pa.types.is_integer(raw.type):
        hint = "numbers are not read as timestamps, their unit would be a guess: write timestamps or ISO 8601 texts"
    found = first(raw, lambda value: value is not None)
    return bad_rows(source.name, column.name, f"declared {column.type}, but the data has {raw.type}", found, hint)


def first(raw: pa.ChunkedArray, wanted: Callable[[Any], bool]) -> Iterator[tuple[int, Any]]:
    """The first few rows whose value is `wanted`."""
    shown = 0
    for row in range(len(raw)):
        value = raw[row].as_py()
        if wanted(value):
            yield row, value
            shown += 1
        if shown == SHOWN:
            return


def article(kind: ColumnType) -> str:
    return f"an {kind}" if kind is ColumnType.INT else f"a {kind}"


CONVERSIONS: dict[ColumnType, Callable[[pa.ChunkedArray, Column, Source], pa.ChunkedArray]] = {
    ColumnType.STRING: to_string,
    ColumnType.INT: to_int,
    ColumnType.FLOAT: to_float,
    ColumnType.BOOL: to_bool,
    ColumnType.TIMESTAMP: to_timestamp,
}
