"""A source becomes one Arrow table: declared columns, then derived ones, in file order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def read_source(source: Source) -> pa.Table:
    """Every declared and derived column of `source`, typed; MlsystemError says which rows are not as declared."""
    tables = [read_file(source, file) for file in files_of(source)]
    return with_derived(source, pa.concat_tables(tables))


def read_file(source: Source, file: Path) -> pa.Table:
    raw = READERS[source.format](source, file)
    try:
        columns = {column.name: to_declared(raw[column.name], column, source) for column in source.columns}
    except MlsystemError as error:
        raise MlsystemError(f"{file}: {error.message}", error.hint) from error
    return pa.table(columns)


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
