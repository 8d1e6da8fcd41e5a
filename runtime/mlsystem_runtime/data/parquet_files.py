"""Parquet: one file, or a folder of files with the declared columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.errors import MlsystemError


def read_parquet(source: Source, file: Path) -> Mapping[str, pa.ChunkedArray]:
    """The declared columns by name, as the file types them."""
    names = [column.name for column in source.columns]
    try:
        with pq.ParquetFile(file) as opened:
            missing = [name for name in names if name not in opened.schema_arrow.names]
            if missing:
                raise MlsystemError(
                    f"source '{source.name}': {file} has no column {', '.join(map(repr, missing))}",
                    f"it has: {', '.join(opened.schema_arrow.names)}",
                )
            table = opened.read(columns=names)
    except pa.ArrowInvalid as error:
        raise MlsystemError(
            f"source '{source.name}': {file} is not a readable parquet file: {error}", "write it again"
        ) from error
    return {name: table[name] for name in names}
