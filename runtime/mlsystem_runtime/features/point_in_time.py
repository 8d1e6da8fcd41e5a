"""Point-in-time features of one group: for every key and instant, exactly what was known then (spec.md)."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.features import AggregateGroup, LatestGroup, StoredGroup
from mlsystem_runtime.data.arrays import arrow
from mlsystem_runtime.features.keys import Ints
from mlsystem_runtime.features.latest import NO_ROW, latest_rows
from mlsystem_runtime.features.layout import known_at_time
from mlsystem_runtime.features.rows import Rows
from mlsystem_runtime.features.windows import Spans, aggregate_columns


def features_at(group: StoredGroup, source: Source, rows: Rows, keys: Sequence[pa.ChunkedArray], at: Ints) -> pa.Table:
    """One row for each (key, instant in UTC microseconds), in their order; one column for each of the group's.

    `keys` holds a column per part of the group's key.
    """
    codes = rows.index.codes(keys)
    if isinstance(group, LatestGroup):
        return latest_table(group, source, rows, codes, at)
    return aggregate_table(group, source, rows, codes, at)


def latest_table(group: LatestGroup, source: Source, rows: Rows, codes: Ints, at: Ints) -> pa.Table:
    columns: dict[str, pa.ChunkedArray] = {}
    for known in (True, False):
        names = [feature.name for feature in group.columns if known_at_time(source, feature.name) is known]
        if names:
            found = latest_rows(rows, names, known, codes, at, group.ttl_us)
            taken = rows.table.select(names).take(arrow(found, found == NO_ROW))
            columns.update(zip(names, taken.columns, strict=True))
    return pa.table({feature.name: columns[feature.name] for feature in group.columns})


def aggregate_table(group: AggregateGroup, source: Source, rows: Rows, codes: Ints, at: Ints) -> pa.Table:
    columns: dict[str, pa.Array] = {}
    for known in (True, False):
        aggregates = [one for one in group.aggregates if known_at_time(source, one.column) is known]
        if aggregates:
            columns.update(aggregate_columns(Spans(rows, known, codes, at), aggregates))
    return pa.table({aggregate.name: columns[aggregate.name] for aggregate in group.aggregates})
