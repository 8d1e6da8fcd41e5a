"""What a source and a feature group are, as flat values, and the identity of a group: its definition and what it reads.

The compiler builds plans from the same values; the runtime recognises by them which definitions of old model versions
still mean what they meant, so that their online rows can be kept fresh.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.expressions import compile_expression
from mlsystem_runtime.contract.features import (
    Aggregate,
    AggregateGroup,
    AnyGroup,
    FeatureContract,
    LatestGroup,
    RequestGroup,
    StoredGroup,
)
from mlsystem_runtime.contract.quantities import duration

SOURCE_SEMANTICS = 1
GROUP_SEMANTICS = 1
"""Raised when the meaning of the kind changes."""

CONTENT = "content"
"""The path under which a plan observes the content of a source's rows."""

ROWS = (CONTENT, "uri", "format", "time", "timezone", "available")

Values = dict[str, Any]


def source_values(source: Source) -> Values:
    values: Values = {
        "uri": source.uri,
        "format": source.format,
        "time": source.time,
        "timezone": source.timezone,
        "available": source.available,
        "key": list(source.key),
    }
    values |= {f"columns.{column.name}": f"{column.type}{'?' if column.nullable else ''}" for column in source.columns}
    values |= {f"columns.{derived.name}": f"{derived.type} = {derived.expression}" for derived in source.derived}
    return values | {f"known_at_time.{name}": True for name in source.known_at_time}


def group_values(group: AnyGroup) -> Values:
    match group:
        case LatestGroup():
            return {"kind": "latest", "ttl": duration(group.ttl_us), **key_values(group)} | {
                f"columns.{column.name}": str(column.type) for column in group.columns
            }
        case AggregateGroup():
            return {"kind": "aggregate", **key_values(group)} | {
                f"aggregate.{one.name}": aggregate_text(one) for one in group.aggregates
            }
        case RequestGroup():
            return (
                {"kind": "request"}
                | {f"compute.{one.name}": f"{one.type} = {one.expression}" for one in group.compute}
                | {f"fields.{field.name}": str(field.type) for field in group.fields}
            )


def aggregate_text(one: Aggregate) -> str:
    return f"{one.function}({one.column or '*'}) over {duration(one.window_us)}, tail {duration(one.tail_us)}"


def key_values(group: StoredGroup) -> Values:
    return {f"key.{part.name}": f"{part.column}: {part.type}" for part in group.key}


def stored_groups(contract: FeatureContract) -> list[StoredGroup]:
    return [group for group in contract.groups if not isinstance(group, RequestGroup)]


def group_columns(group: StoredGroup) -> set[str]:
    """The columns of its source that a group names."""
    keys = {part.column for part in group.key}
    if isinstance(group, LatestGroup):
        return keys | {column.name for column in group.columns}
    return keys | {one.column for one in group.aggregates if one.column}


def with_inputs(source: Source, names: Iterable[str]) -> set[str]:
    """These columns, what times the rows, and the columns that the derived ones among them are computed from."""
    wanted = set(names) | {source.time} | ({source.available} if source.available else set())
    declared = {column.name: column for column in source.columns}
    for derived in source.derived:
        if derived.name in wanted:
            wanted |= compile_expression(derived.expression, declared).inputs
    return wanted


def read_paths(source: Source, names: Iterable[str]) -> tuple[str, ...]:
    """The paths of a source's values that decide these columns and when they are known."""
    return ROWS + tuple(
        f"{kind}.{name}" for name in sorted(with_inputs(source, names)) for kind in ("columns", "known_at_time")
    )


def group_fingerprint(group: AnyGroup, source: Source | None) -> str:
    """The identity of a group, or of the part of it that a model uses; `source` None for a request group."""
    read: list[Values] = []
    if source is not None and not isinstance(group, RequestGroup):
        paths = set(read_paths(source, group_columns(group)))
        read = [{path: value for path, value in source_values(source).items() if path in paths}]
    return digest({"semantics": [GROUP_SEMANTICS, SOURCE_SEMANTICS], "values": group_values(group), "reads": read})
