"""What is asked while a server is measured: the rows that its model was trained from, as the requests they would be."""

from __future__ import annotations

from typing import Any

import msgspec

from mlsystem.capacity.profiling.open_loop import message
from mlsystem.errors import MlsystemError
from mlsystem.system.nodes import ModelNode
from mlsystem_runtime.contract.workspace import Workspace, latest_record

ROWS = "rows.parquet"  # of the runtime's data/__init__.py
KEPT = 256


def requests_of(model: ModelNode, workspace: Workspace, route: str) -> list[bytes]:
    """Whole HTTP messages of one row each: of the latest tenth of the rows, evenly. Raises MlsystemError where nothing
    was ingested."""
    columns = [column.name for column in model.contract.request]
    rows = latest_rows(workspace, model.examples.source, model.examples.at, columns)
    if not rows:
        raise MlsystemError(
            f"source '{model.examples.source}' has no rows here, so there is nothing to ask '{model.name}'",
            "mlsystem apply brings them in",
        )
    return [message(route, msgspec.json.encode(row)) for row in rows]


def latest_rows(workspace: Workspace, source: str, at: str, columns: list[str]) -> list[dict[str, Any]]:
    """At most KEPT; timestamps as microseconds. The import is lazy: pyarrow is part of the runtime."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    record = latest_record(workspace, f"ingest.{source}")
    if record is None:
        return []
    path = workspace.storage.fetch(record.output, ROWS) / ROWS
    table = pq.read_table(path, columns=list(dict.fromkeys([at, *columns]))).sort_by(at)
    table = table.slice(table.num_rows - max(table.num_rows // 10, min(table.num_rows, KEPT)))
    count = min(KEPT, table.num_rows)
    table = table.take([place * table.num_rows // count for place in range(count)]).select(columns)
    for place, column in enumerate(table.columns):
        if pa.types.is_timestamp(column.type):
            table = table.set_column(place, columns[place], pc.cast(column, pa.int64()))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
