"""What an ingest step says of its rows beside the rows: digests that later steps are keyed by, and measured facts."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from mlsystem_runtime.contract.base import Struct, digest
from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.data.checks import CheckResult
from mlsystem_runtime.data.digest import column_digest


class SourceFacts(Struct):
    """`clock_us` is the greatest `available` (else `time`); None where there are no rows."""

    rows: int
    clock_us: int | None
    min_time_us: int | None
    max_time_us: int | None
    available_is_time: bool
    unique_key_time: bool
    checks: tuple[CheckResult, ...] = ()


def measure(table: pa.Table, source: Source, checks: Sequence[CheckResult] = ()) -> SourceFacts:
    """`unique_key_time` is what the key's check proved."""
    time = table[source.time].cast(pa.int64())
    available = time if source.available is None else table[source.available].cast(pa.int64())
    first, last = pc.min_max(time).as_py().values()
    return SourceFacts(
        rows=table.num_rows,
        clock_us=pc.max(available).as_py(),
        min_time_us=first,
        max_time_us=last,
        available_is_time=source.available is None or available.equals(time),
        unique_key_time=bool(source.key),
        checks=tuple(checks),
    )


def digests(table: pa.Table, facts: SourceFacts) -> dict[str, str]:
    """`rows` (how many), `clock`, and `column:NAME` for the full content of each column."""
    columns = {f"column:{name}": column_digest(table[name]) for name in table.column_names}
    return {"rows": digest(facts.rows), "clock": digest(facts.clock_us), **columns}
