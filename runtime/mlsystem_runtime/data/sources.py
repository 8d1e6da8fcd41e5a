"""A source becomes one Arrow table: declared columns, then derived ones, in file order."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.expressions import compile_expression
from mlsystem_runtime.data import duck
from mlsystem_runtime.data.convert import ARROW_TYPES, to_declared
from mlsystem_runtime.data.csv_files import read_csv
from mlsystem_runtime.data.files import files_of
from mlsystem_runtime.data.json_files import read_json
from mlsystem_runtime.data.parquet_files import read_parquet
from mlsystem_runtime.features.expressions.duckdb_sql import to_duckdb

READERS: dict[str, Callable[[Source, Path], Mapping[str, pa.ChunkedArray]]] = {
    "csv": read_csv,
    "json": read_json,
    "parquet": read_parquet,
}


NOT_READABLE = (OSError, EOFError, UnicodeDecodeError, csv.Error, zipfile.BadZipFile, zlib.error, pa.ArrowException)
"""What readers raise for a damaged or forbidden file, each in its own words, unless they know more to say."""


def read_source(source: Source, files: Sequence[Path] | None = None) -> pa.Table:
    """Every declared and derived column of `source`, typed; MlsystemError says which rows are not as declared.

    `files` are those of a source that lies elsewhere; None: those that its URI names.
    """
    tables = [read_file(source, file) for file in (files_of(source) if files is None else files)]
    return with_derived(source, pa.concat_tables(tables))


def read_file(source: Source, file: Path) -> pa.Table:
    try:
        raw = READERS[source.format](source, file)
    except NOT_READABLE as error:
        raise MlsystemError(
            f"source '{source.name}': {file} cannot be read: {what(error)}",
            f"it has to be a whole {source.format} file",
        ) from error
    try:
        columns = {column.name: to_declared(raw[column.name], column, source) for column in source.columns}
    except MlsystemError as error:
        raise MlsystemError(f"{file}: {error.message}", error.hint) from error
    return pa.table(columns)


def what(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.object[error.start]:#04x} is not UTF-8: save the file as UTF-8"
    if isinstance(error, OSError) and error.strerror is not None:
        return error.strerror
    return str(error).strip().replace("\n", " ")


def with_derived(source: Source, table: pa.Table) -> pa.Table:
    """`table` with the source's derived columns behind its own."""
    if not source.derived:
        return table
    columns = {column.name: column for column in source.columns}
    selected = ", ".join(
        f"{to_duckdb(compile_expression(derived.expression, columns))} AS {duck.quoted(derived.name)}"
        for derived in source.derived
    )
    computed = select(selected, table, source)
    for derived in source.derived:
        table = table.append_column(derived.name, computed[derived.name].cast(ARROW_TYPES[derived.type]))
    return table


def select(selected: str, table: pa.Table, source: Source) -> pa.Table:
    connection = duck.connect()
    connection.register("rows", table)
    try:
        return connection.sql(f"SELECT {selected} FROM rows").to_arrow_table()
    except duckdb.Error as error:
        raise MlsystemError(f"source '{source.name}': a derived column cannot be computed: {error}") from error
