"""CSV with a header line; only declared columns are parsed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from mlsystem_runtime.contract.columns import Column, ColumnType, Source
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.data.files import open_content
from mlsystem_runtime.data.problems import SHOWN, bad_rows, castable

NULLS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
"""An empty field is null in every column, the other spellings in all columns but strings."""
TRUE = ("true", "True", "TRUE", "1")
FALSE = ("false", "False", "FALSE", "0")

PARSED: dict[ColumnType, pa.DataType] = {
    ColumnType.STRING: pa.string(),
    ColumnType.INT: pa.int64(),
    ColumnType.FLOAT: pa.float64(),
    ColumnType.BOOL: pa.bool_(),
    ColumnType.TIMESTAMP: pa.string(),
}


def read_csv(source: Source, file: Path) -> Mapping[str, pa.ChunkedArray]:
    """The declared columns by name; timestamps are still text."""
    check_header(source, header(source, file))
    try:
        table = parse(source, file, {column.name: PARSED[column.type] for column in source.columns})
    except pa.ArrowInvalid as error:
        texts = parse(source, file, {column.name: pa.string() for column in source.columns}, error)
        raise first_bad_field(source, texts, error) from error
    return {column.name: empty_to_null(table[column.name], column) for column in source.columns}


def header(source: Source, file: Path) -> list[str]:
    with open_content(source, file) as stream:
        line = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        return next(csv.reader(line), [])


def check_header(source: Source, names: list[str]) -> None:
    missing = [column.name for column in source.columns if column.name not in names]
    if missing:
        raise MlsystemError(
            f"source '{source.name}' has no column {', '.join(map(repr, missing))}",
            f"its header has: {', '.join(names) or 'nothing'}",
        )
    twice = [column.name for column in source.columns if names.count(column.name) > 1]
    if twice:
        raise MlsystemError(
            f"source '{source.name}' has two columns named {twice[0]!r}", "rename one of them in the file"
        )


def parse(
    source: Source, file: Path, kinds: Mapping[str, pa.DataType], instead_of: Exception | None = None
) -> pa.Table:
    """Raises ArrowInvalid when a field does not parse; when the lines themselves are broken, MlsystemError."""
    options = pa_csv.ConvertOptions(
        column_types=kinds,
        include_columns=list(kinds),
        null_values=NULLS,
        true_values=TRUE,
        false_values=FALSE,
        strings_can_be_null=False,
    )
    with open_content(source, file) as stream:
        try:
            return pa_csv.read_csv(
                stream, convert_options=options, parse_options=pa_csv.ParseOptions(newlines_in_values=True)
            )
        except pa.ArrowInvalid as error:
            if instead_of is None:
                raise
            raise MlsystemError(
                f"source '{source.name}': {file} is not a readable CSV file: {error}", "correct that line"
            ) from error


def empty_to_null(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if not pa.types.is_string(values.type):
        return values
    nulls = NULLS if column.type is ColumnType.TIMESTAMP else NULLS[:1]
    empty = pc.match_substring_regex(values, f"^(?:{'|'.join(nulls)})$")
    return pc.if_else(empty, pa.nulls(len(values), pa.string()), values)


def first_bad_field(source: Source, texts: pa.Table, error: Exception) -> MlsystemError:
    """What a whole-file parse refused, found field by field."""
    for column in source.columns:
        bad = [
            (row, value)
            for row, value in enumerate(texts[column.name].to_pylist())
            if value not in NULLS and not READABLE[column.type](value)
        ]
        if bad:
            hint = f"declare {column.name} as string, or correct the file; empty and NA mean null"
            return bad_rows(source.name, column.name, f"declared {column.type}, but", bad[:SHOWN], hint, total=len(bad))
    return MlsystemError(
        f"source '{source.name}' cannot be read: {error}", "compare the declared columns with the file"
    )


def casts(kind: pa.DataType) -> Callable[[str], bool]:
    return lambda text: castable(pa.scalar(text.strip()), kind)


READABLE: dict[ColumnType, Callable[[str], bool]] = {
    ColumnType.STRING: lambda _: True,
    ColumnType.INT: casts(pa.int64()),
    ColumnType.FLOAT: casts(pa.float64()),
    ColumnType.BOOL: lambda text: text in TRUE or text in FALSE,
    ColumnType.TIMESTAMP: lambda _: True,
}
