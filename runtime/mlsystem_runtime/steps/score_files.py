"""The files of batch scoring: which are read and what they hold, their rows part by part, and how parts are written."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.files import write_atomically
from mlsystem_runtime.data.requests import is_text

BLOCK = 1 << 18
READ_BYTES = 1 << 16  # of each column at a time


class Input(Struct):
    """One file. `crc32` is that of its bytes: it tells a file that changed between two runs in a third of the time of a
    cryptographic digest, which would be a twentieth of all that scoring takes."""

    name: str
    bytes: int
    crc32: str
    rows: int


def input_files(pattern: str) -> list[Path]:
    """A file, or all that a pattern finds, in the order of their names."""
    whole = Path(pattern)
    found = [whole] if whole.exists() else Path(whole.anchor).glob(str(whole.relative_to(whole.anchor)))
    files = sorted(path for path in found if path.is_file())
    if not files:
        raise MlsystemError(f"there is no file {pattern}", "name a Parquet file, or several: 'folder/*.parquet'")
    return files


def described(file: Path) -> Input:
    try:
        rows = pq.read_metadata(file).num_rows
    except pa.ArrowInvalid as error:
        raise MlsystemError(
            f"{file} is not a Parquet file: {error}",
            f"scores are made of Parquet files; DuckDB writes one of others: COPY (FROM '{file.name}') TO "
            f"'{file.stem}.parquet'",
        ) from error
    return Input(name=file.name, bytes=file.stat().st_size, crc32=f"{checksum(file):08x}", rows=rows)


def checksum(file: Path) -> int:
    found, block = 0, memoryview(bytearray(BLOCK))
    with file.open("rb", buffering=0) as content:
        while count := content.readinto(block):
            found = zlib.crc32(block[:count], found)
    return found


def parts_of(file: Path, columns: Sequence[str], rows: int, first: int) -> Iterator[tuple[int, pa.Table]]:
    """(number, rows) of each part from number `first` on, with these columns. Row groups before it are not read. Raises
    MlsystemError for a file that is damaged."""
    try:
        yield from whole_parts(file, columns, rows, first)
    except (OSError, pa.ArrowException) as error:
        raise MlsystemError(f"{file} cannot be read: {error}", "it has to be a whole Parquet file") from error


def whole_parts(file: Path, columns: Sequence[str], rows: int, first: int) -> Iterator[tuple[int, pa.Table]]:
    """On one thread, since others score meanwhile, and a buffer at a time: a group of rows may be as large as the file.
    """
    with pq.ParquetFile(file, pre_buffer=False, buffer_size=READ_BYTES) as opened:
        groups, skipped = list(range(opened.num_row_groups)), 0
        while groups and skipped + opened.metadata.row_group(groups[0]).num_rows <= first * rows:
            skipped += opened.metadata.row_group(groups.pop(0)).num_rows
        held: list[pa.RecordBatch] = []
        have, place, drop = 0, first, first * rows - skipped
        for batch in opened.iter_batches(batch_size=rows, row_groups=groups, columns=columns, use_threads=False):
            left = batch.slice(min(drop, len(batch)))
            drop -= len(batch) - len(left)
            while len(left):
                held.append(left[: rows - have])
                left = left[len(held[-1]) :]
                have += len(held[-1])
                if have == rows:
                    yield place, pa.Table.from_batches(held)
                    held, have, place = [], 0, place + 1
        if held:
            yield place, pa.Table.from_batches(held)


def publish(table: pa.Table, path: Path) -> None:
    """In the encodings that fit: counted numbers by their differences, texts by a dictionary and compressed; answers,
    which hardly get smaller, as they are. What they were in Arrow is not written: a text is one for every reader."""
    counted = [field.name for field in table.schema if pa.types.is_int64(field.type)]
    texts = [field.name for field in table.schema if is_text(field.type)]
    buffer = pa.BufferOutputStream()
    pq.write_table(
        table, buffer, use_dictionary=texts, compression=dict.fromkeys(texts, "snappy"),
        column_encoding=dict.fromkeys(counted, "DELTA_BINARY_PACKED"), store_schema=False,
    )
    write_atomically(path, buffer.getvalue().to_pybytes())
