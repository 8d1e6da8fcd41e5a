"""From a journal to its segment: a Parquet file with the columns that the journal's first line declares.

Arrow parses the lines and writes the file outside of Python's lock, so requests are answered meanwhile.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import json

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.contract.files import sync_path
from mlsystem_runtime.contract.records import INPUT, SEGMENT, Layout
from mlsystem_runtime.serve.journal import claimed

DAMAGED = ".damaged"
IN_A_RECORD = {
    ColumnType.STRING: pa.string(), ColumnType.INT: pa.int64(), ColumnType.FLOAT: pa.float64(),
    ColumnType.BOOL: pa.bool_(), ColumnType.TIMESTAMP: pa.int64(),
}
IN_A_SEGMENT = {**IN_A_RECORD, ColumnType.TIMESTAMP: pa.timestamp("us", "UTC")}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sealed:
    """What became of a journal. `segment` is None where there was no record in it; `torn` counts records that were cut
    off when their process was killed, or that cannot be read."""

    segment: Path | None
    torn: int


def seal(journal: Path) -> Sealed | None:
    """Makes the segment, whole or not at all, and removes the journal. None where somebody writes or seals it, or did.

    Whoever is interrupted leaves the journal, from which the same segment is made again. Raises OSError.
    """
    with claimed(journal) as content:
        if content is None:
            return None
        try:
            table, torn = read_journal(content)
        except (pa.ArrowInvalid, msgspec.MsgspecError) as error:
            journal.rename(journal.with_suffix(DAMAGED))
            logger.error("%s cannot be read and is kept as %s: %s", journal, DAMAGED, error)
            return Sealed(None, max(0, content.count(b"\n") - 1))
        segment = journal.with_suffix(SEGMENT) if len(table) else None
        if segment is not None:
            write_segment(table, segment)
        journal.unlink()
    del table
    pa.default_memory_pool().release_unused()  # a few times the journal's size, which would stay with this process
    return Sealed(segment, torn)


def read_journal(content: bytes) -> tuple[pa.Table, int]:
    """The records, typed, and how many were cut off. Raises ArrowInvalid or MsgspecError for what is no journal."""
    end = content.rfind(b"\n") + 1
    header, _, lines = content[:end].partition(b"\n")
    if not header:
        return pa.table({}), int(len(content) > 0)
    layout = msgspec.json.decode(header, type=Layout)
    return table_of(layout, lines), int(end < len(content))


def table_of(layout: Layout, lines: bytes) -> pa.Table:
    if not lines:
        return segment_schema(layout).empty_table()
    try:
        return _parsed(layout, lines, pa.int64())
    except pa.ArrowInvalid:  # a count, say, may reach the model as 13.0
        return _parsed(layout, lines, pa.float64())


def _parsed(layout: Layout, lines: bytes, whole: pa.DataType) -> pa.Table:
    """`whole` is how the whole numbers among the model's inputs are written; all others are written exactly."""
    inputs = {**IN_A_RECORD, ColumnType.INT: whole}
    groups = [
        (name, pa.struct(_fields(columns, inputs if name == INPUT else IN_A_RECORD)))
        for name, columns in layout.groups.items() if columns
    ]
    read = json.read_json(
        pa.BufferReader(lines),
        read_options=json.ReadOptions(use_threads=False, block_size=len(lines) + 1),  # a block holds whole lines
        parse_options=json.ParseOptions(
            explicit_schema=pa.schema([*_fields(layout.columns, IN_A_RECORD), *groups]),
            unexpected_field_behavior="ignore"),
    )
    return read.flatten().cast(segment_schema(layout))


def segment_schema(layout: Layout) -> pa.Schema:
    columns = [(column.name, column) for column in layout.columns]
    columns += [(f"{group}.{one.name}", one) for group, of_group in layout.groups.items() for one in of_group]
    return pa.schema([(name, IN_A_SEGMENT[column.type]) for name, column in columns])


def write_segment(table: pa.Table, path: Path) -> None:
    """Whole or not at all, and there after a crash."""
    temporary = path.with_name(f".{path.name}")
    try:
        with open(temporary, "wb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_path(path.parent)


def _fields(columns: Sequence[Column], types: Mapping[ColumnType, pa.DataType]) -> list[tuple[str, pa.DataType]]:
    return [(column.name, types[column.type]) for column in columns]
