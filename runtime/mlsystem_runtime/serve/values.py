"""From the JSON of a request to typed rows. Whatever a client gets wrong is a `RefusedError`, 422."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.serve.refused import RefusedError

Value = str | int | float | bool | None
Row = Mapping[str, Value]

MAX_ROWS = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FIRST_US = (datetime(1, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
LAST_US = (datetime(9999, 12, 31, tzinfo=UTC) - EPOCH) // MICROSECOND


@dataclass(frozen=True)
class Body:
    """A request as it was written: its rows, not yet typed, and the instant it asks for, where it does."""

    rows: tuple[Mapping[str, Any], ...]
    at_us: int | None


def read_body(data: bytes, fields: frozenset[str]) -> Body:
    """One row as an object, or `{"rows": [...]}`; beside them `"at"`, unless that is a field of the model's own."""
    content = decode_object(data, 'one row, or {"rows": [...]}')
    batch = "rows" in content and "rows" not in fields
    at_us = None
    if "at" in content and (batch or "at" not in fields):
        at_us = _instant(content.pop("at"))
    if not batch:
        return Body((content,), at_us)
    for name in content:
        if name != "rows":
            raise RefusedError(422, f"'{name}' is not expected beside 'rows'", field=name)
    return Body(_rows(content["rows"]), at_us)


def decode_object(data: bytes, form: str) -> dict[str, Any]:
    """JSON. Raises RefusedError: `form` is what the object should be."""
    try:
        content = msgspec.json.decode(data)
    except (ValueError, RecursionError) as error:  # bad syntax, bad UTF-8, numbers or nesting without end
        raise RefusedError(422, f"the body is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise RefusedError(422, f"the body must be an object: {form}")
    return content


def _rows(rows: object) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(rows, list) or not rows:
        raise RefusedError(422, "'rows' must be a list of at least one object", field="rows")
    if len(rows) > MAX_ROWS:
        raise RefusedError(422, f"'rows' holds {len(rows)} rows, at most {MAX_ROWS} are answered at once", field="rows")
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise RefusedError(422, "a row must be an object", field="rows", row=number)
    return tuple(rows)


def _instant(raw: object) -> int:
    try:
        return timestamp(raw)
    except ValueError as error:
        raise RefusedError(422, f"'at' {error}", field="at") from error


def typed_row(columns: Sequence[Column], raw: Mapping[str, Any], row: int) -> dict[str, Value]:
    """The row with every column of the request, in order. A nullable column may be null or absent."""
    typed = {column.name: typed_value(column, raw.get(column.name), column.name in raw, row) for column in columns}
    for name in raw:
        if name not in typed:
            known = ", ".join(typed)
            raise RefusedError(422, f"'{name}' is not a field of this model; it has {known}", field=name, row=row)
    return typed


def typed_value(column: Column, raw: object, given: bool, row: int) -> Value:
    if raw is None:
        if column.nullable:
            return None
        problem = "must not be null" if given else "is missing"
        raise RefusedError(422, f"'{column.name}' {problem}", field=column.name, row=row)
    try:
        return READERS[column.type](raw)
    except ValueError as error:
        raise RefusedError(422, f"'{column.name}' {error}", field=column.name, row=row) from error


def text(raw: object) -> str:
    if isinstance(raw, str):
        return raw
    raise ValueError("must be a string")


def whole(raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise ValueError("must be a whole number")
    if not -(2**63) <= raw < 2**63:
        raise ValueError("must fit into 64 bits")
    return raw


def number(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise ValueError("must be a number")
    if abs(raw) > 1.7976931348623157e308 or not math.isfinite(raw):  # an integer may be beyond any float
        raise ValueError("must be a finite number")
    return float(raw)


def truth(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    raise ValueError("must be true or false")


def timestamp(raw: object) -> int:
    """Microseconds since 1970, UTC, from themselves or from ISO 8601 with an offset; years 1 to 9999."""
    instant = whole(raw) if not isinstance(raw, str) else _iso(raw)
    if not FIRST_US <= instant <= LAST_US:
        raise ValueError("must lie in the years 1 to 9999")
    return instant


def _iso(raw: str) -> int:
    try:
        instant = datetime.fromisoformat(raw)
    except ValueError as error:
        raise ValueError("must be a timestamp: ISO 8601 with an offset, or whole microseconds since 1970") from error
    if instant.tzinfo is None:
        raise ValueError("must have an offset, such as 'Z' or '-05:00'")
    return (instant - EPOCH) // MICROSECOND


READERS: Mapping[ColumnType, Callable[[object], Value]] = {
    ColumnType.STRING: text,
    ColumnType.INT: whole,
    ColumnType.FLOAT: number,
    ColumnType.BOOL: truth,
    ColumnType.TIMESTAMP: timestamp,
}
