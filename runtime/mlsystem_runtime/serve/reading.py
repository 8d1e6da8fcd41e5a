"""The prediction log as its readers want it: as tables, with what came of each row. No server imports this."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from mlsystem_runtime.contract.bucket import Bucket
from mlsystem_runtime.contract.counts import HOUR_US
from mlsystem_runtime.contract.records import FEEDBACK, GROUPS, JOURNAL, PREDICTIONS, SEGMENT, Prediction, hour_folder
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.data.arrays import read_columns
from mlsystem_runtime.serve.segments import read_journal

JOIN = """
SELECT predictions.*, outcome, known AS outcome_at
FROM predictions LEFT JOIN (
    SELECT request_id, row, outcome, coalesce("at", received) AS known
    FROM outcomes
    QUALIFY row_number() OVER (PARTITION BY request_id, row ORDER BY wall_us DESC) = 1
) USING (request_id, row)
ORDER BY "at", request_id, row
"""


def joined(workspace: Workspace, model: str, since_us: int, until_us: int) -> pa.Table:
    """Logged rows with since <= at < until and what came of each: `outcome`, and `outcome_at`, when that was known.

    Both are null for rows of which nothing was said. Where several outcomes of one row were, the last one counts.
    Columns that some version has not are null in its rows.
    """
    table = within(logged(workspace, PREDICTIONS, model, since_us, until_us), since_us, until_us)
    outcomes = logged(workspace, FEEDBACK, model)
    if not len(table) or not len(outcomes):
        at = pa.timestamp("us", "UTC")
        kind = outcomes.schema.field("outcome").type if len(outcomes) else pa.null()
        return table.append_column("outcome", pa.nulls(len(table), kind)).append_column(
            "outcome_at", pa.nulls(len(table), at))
    from mlsystem_runtime.data.duck import connect  # lazy: the server's image has no DuckDB

    with connect() as connection:
        connection.register("predictions", table)
        connection.register("outcomes", outcomes)
        return connection.sql(JOIN).to_arrow_table()


def within(table: pa.Table, since_us: int, until_us: int) -> pa.Table:
    if not len(table):
        return table
    at = table["at"].cast(pa.int64())
    return table.filter(pc.and_(pc.greater_equal(at, since_us), pc.less(at, until_us)))


def logged(
    workspace: Workspace, kind: str, model: str, since_us: int | None = None, until_us: int | None = None,
) -> pa.Table:
    """All records of the hours from `since_us` to `until_us`, in no order: of the segments, and on this machine of the
    journals that are not segments yet. `kind` is "predictions" or "feedback"."""
    first, last = (None if at is None else hour_name(at) for at in (since_us, until_us))

    def wanted(name: str) -> bool:
        """`name` ends in DATE/HOUR and what is below."""
        hour = tuple(name.split("/")[2:4])
        return (first is None or hour >= first) and (last is None or hour <= last)

    if workspace.bucket is not None:
        tables = list(from_bucket(workspace.bucket, f"{kind}/{model}/", wanted))
    else:
        tables = list(from_folder(workspace.root, f"{kind}/{model}", wanted))
    return pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})


def predictions(workspace: Workspace, model: str) -> list[Prediction]:
    """All records on this machine as they were written, by instant, request and row."""
    tables = from_folder(workspace.root, f"{PREDICTIONS}/{model}", lambda _: True)
    found = (msgspec.convert(record, Prediction) for table in tables for record in records(table))
    return sorted(found, key=lambda one: (one.at_us, one.request_id, one.row))


def from_folder(root: Path, start: str, wanted: Callable[[str], bool]) -> Iterator[pa.Table]:
    """Journals are looked for first: one that is gone when it is read is among the segments by then."""
    found = [path for path in root.joinpath(start).glob(f"*/*/[!.]*{JOURNAL}") if wanted(name_of(path, root))]
    contents = {}
    for path in found:
        with contextlib.suppress(FileNotFoundError):
            contents[path.with_suffix(SEGMENT)] = path.read_bytes()
    for path in sorted(root.joinpath(start).glob(f"*/*/[!.]*{SEGMENT}")):
        if wanted(name_of(path, root)):
            contents.pop(path, None)
            yield read_columns(path)
    for content in contents.values():
        table, _ = read_journal(content)
        if len(table):
            yield table


def from_bucket(bucket: Bucket, start: str, wanted: Callable[[str], bool]) -> Iterator[pa.Table]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "segment")
        for one in bucket.listing(start):
            if one.name.endswith(SEGMENT) and wanted(one.name):
                bucket.download(one.name, path)
                yield read_columns(path)


def records(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Rows as they stood in the journal: timestamps in microseconds, and an object for each group of columns."""
    columns = [column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column for column in table.columns]
    for values in zip(*(column.to_pylist() for column in columns), strict=True):
        record: dict[str, Any] = {group: {} for group in GROUPS}
        for name, value in zip(table.column_names, values, strict=True):
            group, _, column = name.partition(".")
            if column:
                record[group][column] = value
            else:
                record[name] = value
        yield record


def hour_name(at_us: int) -> tuple[str, ...]:
    return hour_folder(Path(), at_us // HOUR_US).parts


def name_of(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
