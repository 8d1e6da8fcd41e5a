"""Feature groups: their source, entity and columns exist, keys agree in type, and every feature has a type."""

from __future__ import annotations

from msgspec.structs import replace

from mlsystem.passes.draft import Draft, Path, Problems
from mlsystem.spec import features as spec
from mlsystem.system.reads import columns_by_name
from mlsystem_runtime.contract.columns import Column, ColumnType, Derived, Source
from mlsystem_runtime.contract.features import (
    Aggregate,
    AggregateGroup,
    AnyGroup,
    Feature,
    KeyPart,
    LatestGroup,
    RequestGroup,
)

UNNAMED = ""
"""Fingerprints are set at the end, when everything that they hash is settled."""


def resolve_groups(draft: Draft, problems: Problems) -> Draft:
    """Request groups are typed where a model uses them: their fields are columns of the model's examples."""
    resolved: dict[str, AnyGroup] = {}
    for name, group in draft.spec.features.items():
        if isinstance(group, spec.RequestGroupSpec):
            continue
        result = resolve_stored(draft, name, group, problems)
        if result is not None:
            resolved[name] = result
    return replace(draft, groups=resolved)


def resolve_stored(
    draft: Draft, name: str, group: spec.LatestGroupSpec | spec.AggregateGroupSpec, problems: Problems
) -> LatestGroup | AggregateGroup | None:
    path = ("features", name)
    before = problems.errors
    message = f"feature group '{name}' reads source '{group.source}', which is not declared"
    problems.known("MLS201", message, group.source, draft.spec.sources, (*path, "source"))
    message = f"feature group '{name}' is about entity '{group.entity}', which is not declared"
    problems.known("MLS203", message, group.entity, draft.spec.entities, (*path, "entity"))
    source = draft.sources.get(group.source)
    if source is None or group.entity not in draft.spec.entities:
        return None
    key = resolve_key(draft, group, source, path, problems)
    made: LatestGroup | AggregateGroup
    if isinstance(group, spec.LatestGroupSpec):
        features = resolve_latest(group, source, path, problems)
        made = LatestGroup(
            name=name, fingerprint=UNNAMED, source=source.name, key=key, columns=features, ttl_us=group.ttl
        )
    else:
        aggregates = resolve_aggregates(group, source, path, problems)
        made = AggregateGroup(name=name, fingerprint=UNNAMED, source=source.name, key=key, aggregates=aggregates)
    return made if problems.errors == before else None


def resolve_key(
    draft: Draft, group: spec.StoredGroupSpec, source: Source, path: Path, problems: Problems
) -> tuple[KeyPart, ...]:
    """Each part of the entity's key, and the column of the source that holds it (`on`, else the same name)."""
    entity = draft.spec.entities[group.entity]
    columns = columns_by_name(source)
    for part in group.on:
        message = f"entity '{group.entity}' has no key part '{part}'"
        problems.known("MLS207", message, part, entity.key, (*path, "on", part), key=True)
    if not group.on.keys() <= entity.key.keys():
        return ()
    parts: list[KeyPart] = []
    for part, wanted in entity.key.items():
        column = group.on.get(part, part)
        place = (*path, "on", part) if part in group.on else (*path, "entity")
        message = (
            f"source '{source.name}' has no column '{column}' for the key part '{part}' of entity '{group.entity}'"
        )
        if column not in columns:
            problems.error("MLS207", message, place, f"say which column holds it: on: {{{part}: COLUMN}}")
            continue
        if columns[column].type is not wanted:
            found = columns[column].type
            problems.error("MLS207", f"key part '{part}' is {wanted}, but column '{column}' is {found}", place)
        parts.append(KeyPart(name=part, column=column, type=wanted))
    return tuple(parts)


def resolve_latest(group: spec.LatestGroupSpec, source: Source, path: Path, problems: Problems) -> tuple[Feature, ...]:
    columns = columns_by_name(source)
    features: list[Feature] = []
    for index, name in enumerate(group.columns):
        message = f"source '{source.name}' has no column '{name}'"
        if problems.known("MLS202", message, name, columns, (*path, "columns", index)):
            features.append(Feature(name=name, type=columns[name].type))
    return tuple(features)


def resolve_aggregates(
    group: spec.AggregateGroupSpec, source: Source, path: Path, problems: Problems
) -> tuple[Aggregate, ...]:
    columns = columns_by_name(source)
    aggregates: list[Aggregate] = []
    for name, written in group.aggregate.items():
        place = (*path, "aggregate", name, written.function)
        column = written.column
        message = f"source '{source.name}' has no column '{column}'"
        if column is not None and not problems.known("MLS202", message, column, columns, place):
            continue
        found = None if column is None else columns[column]
        result = aggregate_type(written.function, found)
        if result is None and found is not None:
            help = "count works for every type; derive a number from it for the others"
            problems.error("MLS206", f"'{column}' is {found.type}, which has no {written.function}", place, help)
            continue
        assert result is not None, "count has a type"
        aggregates.append(
            Aggregate(
                name=name,
                function=written.function,
                column=column,
                window_us=written.over,
                tail_us=written.tail,
                type=result,
            )
        )
    return tuple(aggregates)


def aggregate_type(function: str, column: Column | None) -> ColumnType | None:
    """The type of `function` over `column`; None where it has no meaning. True counts as 1 in sums and means."""
    if function == "count":
        return ColumnType.INT
    assert column is not None, "only count works without a column"
    if function == "mean":
        return ColumnType.FLOAT if column.type.numeric or column.type is ColumnType.BOOL else None
    if function == "sum":
        return {
            ColumnType.BOOL: ColumnType.INT,
            ColumnType.INT: ColumnType.INT,
            ColumnType.FLOAT: ColumnType.FLOAT,
        }.get(column.type)
    return column.type if column.type.numeric else None


def resolve_request(name: str, group: spec.RequestGroupSpec, source: Source, problems: Problems) -> RequestGroup | None:
    """A request group as one model uses it: fields typed as in the examples' source."""
    path = ("features", name)
    columns = columns_by_name(source)
    before = problems.errors
    fields: dict[str, Column] = {}
    for index, field in enumerate(group.fields):
        message = f"'{field}' is not a column of '{source.name}', the source of the examples"
        if problems.known("MLS202", message, field, columns, (*path, "fields", index)):
            fields[field] = columns[field]
    compute: list[Derived] = []
    if problems.errors == before:
        for feature, text in group.compute.items():
            typed = problems.expression(text, fields, (*path, "compute", feature))
            if typed is not None:
                compute.append(Derived(name=feature, expression=typed.text, type=typed.type, nullable=typed.nullable))
    if problems.errors > before:
        return None
    return RequestGroup(name=name, fingerprint=UNNAMED, fields=tuple(fields.values()), compute=tuple(compute))
