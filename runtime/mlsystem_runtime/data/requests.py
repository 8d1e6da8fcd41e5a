"""Rows of a file as requests: the same types as a server takes, and what is wrong with a row is told of that row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.data.arrays import bits, numbers, present
from mlsystem_runtime.data.convert import ARROW_TYPES

LARGEST_INT = 2**63 - 1
FIRST_US, LAST_US = -62_135_596_800_000_000, 253_402_214_400_000_000  # the years 1 to 9999


@dataclass(frozen=True)
class Problem:
    """`row` counts from 0 in the table that was typed."""

    row: int
    field: str
    message: str


@dataclass(frozen=True)
class TypedRows:
    """`table` has the good rows alone, with every column of the request; `kept` are their places among all."""

    table: pa.Table
    kept: np.ndarray
    problems: tuple[Problem, ...]


def check_columns(columns: Sequence[Column], schema: pa.Schema, name: str) -> None:
    """Raises MlsystemError where the file `name` lacks a column, or has one of another type."""
    for column in columns:
        if column.name in schema.names:
            kind = schema.field(column.name).type
            if not (pa.types.is_null(kind) or FITS[column.type](kind)):
                raise MlsystemError(
                    f"column '{column.name}' of {name} is of type {kind}, and the model takes {WORDS[column.type]}",
                    "write it in that type",
                )
        elif not column.nullable:
            raise MlsystemError(f"{name} has no column '{column.name}'", "every field of a request is a column")


def typed_rows(columns: Sequence[Column], table: pa.Table) -> TypedRows:
    """`table` passed `check_columns`. A nullable column may be absent."""
    bad = np.zeros(table.num_rows, bool)
    problems: list[Problem] = []
    typed: dict[str, pa.ChunkedArray] = {}
    given = dict(zip(table.column_names, table.columns, strict=True))
    for column in columns:
        if column.name not in given:
            typed[column.name] = pa.chunked_array([pa.nulls(table.num_rows, ARROW_TYPES[column.type])])
            continue
        chunks, first = [plain(chunk) for chunk in given[column.name].chunks], 0
        for values in chunks:  # as they are: one array of all would be a copy of the file
            for message, wrong in wrong_values(column, values):
                bad[first : first + len(values)] |= wrong
                problems += [Problem(first + int(row), column.name, message) for row in np.flatnonzero(wrong)]
            first += len(values)
        typed[column.name] = pa.chunked_array([in_type(column, one) for one in chunks], ARROW_TYPES[column.type])
    made = pa.table(typed)
    kept = made if not bad.any() else made.filter(bits(~bad))
    return TypedRows(kept, np.flatnonzero(~bad), tuple(sorted(problems, key=place)))


def place(problem: Problem) -> tuple[int, str]:
    return problem.row, problem.field


def plain(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def wrong_values(column: Column, values: pa.Array) -> list[tuple[str, np.ndarray]]:
    """Messages as a server has them, each with the rows that it is about."""
    found = [] if column.nullable or not values.null_count else [("must not be null", ~present(values))]
    kind = values.type
    if column.type is ColumnType.FLOAT and pa.types.is_floating(kind):
        finite = np.isfinite(numbers(values.cast(pa.float64()))[0])  # as zero is, which stands for null
        if not finite.all():
            found.append(("must be a finite number", ~finite))
    if column.type is ColumnType.INT and kind == pa.uint64():
        too_large = pc.fill_null(pc.greater(values, pa.scalar(LARGEST_INT, kind)), False)
        found.append(("must fit into 64 bits", truth(too_large)))
    if column.type is ColumnType.TIMESTAMP and not pa.types.is_null(kind):
        instants, _ = numbers(microseconds(values))
        found.append(("must lie in the years 1 to 9999", (instants < FIRST_US) | (instants > LAST_US)))
    return [(message, wrong) for message, wrong in found if wrong.any()]


def in_type(column: Column, values: pa.Array) -> pa.Array:
    """What is wrong becomes whatever comes of it: these rows are left out."""
    if column.type is ColumnType.TIMESTAMP and not pa.types.is_null(values.type):
        return microseconds(values).cast(ARROW_TYPES[column.type])
    return values.cast(ARROW_TYPES[column.type], safe=False)


def microseconds(values: pa.Array) -> pa.Array:
    """Whole numbers are microseconds since 1970 already. Nanoseconds are cut off, as they are of a source."""
    if pa.types.is_integer(values.type):
        return values.cast(pa.int64(), safe=False)
    return values.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64())


def truth(values: pa.Array) -> np.ndarray:
    return numbers(values)[0] > 0


def is_text(kind: pa.DataType) -> bool:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(plain) or pa.types.is_large_string(plain))


def is_instant(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or (pa.types.is_timestamp(kind) and kind.tz is not None))


FITS: Mapping[ColumnType, Callable[[pa.DataType], bool]] = {
    ColumnType.STRING: is_text,
    ColumnType.INT: pa.types.is_integer,
    ColumnType.FLOAT: lambda kind: pa.types.is_integer(kind) or pa.types.is_floating(kind),
    ColumnType.BOOL: pa.types.is_boolean,
    ColumnType.TIMESTAMP: is_instant,
}
WORDS: Mapping[ColumnType, str] = {
    ColumnType.STRING: "text",
    ColumnType.INT: "whole numbers",
    ColumnType.FLOAT: "numbers",
    ColumnType.BOOL: "true and false",
    ColumnType.TIMESTAMP: "timestamps with a zone, or whole microseconds since 1970",
}
