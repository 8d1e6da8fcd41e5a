"""Features of a model: uses of groups become a feature contract that holds nothing a request cannot know."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from mlsystem.passes.draft import Draft, Path, Problems
from mlsystem.passes.groups import resolve_request
from mlsystem.spec.features import RequestGroupSpec
from mlsystem.spec.model import FeatureRef, ModelSpec
from mlsystem.system.reads import columns_by_name
from mlsystem_runtime.contract.columns import Column, ColumnType, Source
from mlsystem_runtime.contract.features import (
    AggregateGroup,
    AnyGroup,
    FeatureContract,
    FeatureUse,
    LatestGroup,
    Lookup,
    ModelInput,
    RequestGroup,
)


def resolve_features(
    draft: Draft, model: ModelSpec, source: Source, path: Path, problems: Problems
) -> FeatureContract | None:
    """Uses in the order of the file; of each group the columns that some use names. None where a use has a mistake."""
    before, complete = problems.errors, True
    uses: list[FeatureUse] = []
    groups: dict[str, AnyGroup] = {}
    request: dict[str, Column] = {}
    for index, reference in enumerate(model.features):
        place = (*path, "model", "features", index)
        group = find_group(draft, reference, source, place, problems)
        if group is None:
            complete = False
            continue
        groups[group.name] = group
        uses.append(use(group, reference, place, problems))
        check_alias(uses, place, problems)
        for column in request_columns(group, reference, source, place, problems):
            request[column.name] = column
    if not complete or problems.errors > before:
        return None
    uses = merged(uses)
    used = {group: {column for one in uses if one.group == group for column in one.columns} for group in groups}
    return FeatureContract(
        request=tuple(request.values()),
        groups=tuple(part(group, used[name]) for name, group in groups.items()),
        uses=tuple(uses),
        inputs=tuple(inputs(uses, groups)),
    )


def find_group(draft: Draft, reference: FeatureRef, source: Source, place: Path, problems: Problems) -> AnyGroup | None:
    message = f"feature group '{reference.group}' is not declared"
    if not problems.known("MLS204", message, reference.group, draft.spec.features, place):
        return None
    written = draft.spec.features[reference.group]
    if isinstance(written, RequestGroupSpec):
        return resolve_request(reference.group, written, source, problems)
    return draft.groups.get(reference.group)


def feature_types(group: AnyGroup) -> dict[str, ColumnType]:
    match group:
        case LatestGroup():
            return {column.name: column.type for column in group.columns}
        case AggregateGroup():
            return {one.name: one.type for one in group.aggregates}
        case RequestGroup():
            return {one.name: one.type for one in group.compute}


def use(group: AnyGroup, reference: FeatureRef, place: Path, problems: Problems) -> FeatureUse:
    types = feature_types(group)
    wanted = reference.columns if reference.columns is not None else tuple(types)
    columns: list[str] = []
    for column in wanted:
        message = f"feature group '{group.name}' has no feature '{column}'"
        if not problems.known("MLS205", message, column, types, place):
            continue
        if types[column] is ColumnType.TIMESTAMP:
            help = "compute a number from it, for example hour(…) in a request group or in `derive`"
            problems.error("MLS403", f"'{column}' is a timestamp, which a model cannot take", place, help)
            continue
        columns.append(column)
    lookup = tuple(Lookup(key=key, field=field) for key, field in key_fields(group, reference))
    return FeatureUse(group=group.name, alias=reference.name, columns=tuple(columns), lookup=lookup)


def key_fields(group: AnyGroup, reference: FeatureRef) -> Iterator[tuple[str, str]]:
    if not isinstance(group, RequestGroup):
        for part_of_key in group.key:
            yield part_of_key.name, reference.lookup.get(part_of_key.name, part_of_key.name)


def request_columns(
    group: AnyGroup, reference: FeatureRef, source: Source, place: Path, problems: Problems
) -> Iterator[Column]:
    """What a request must carry for this use. In training it comes from the example's own row, so it must be known."""
    columns = columns_by_name(source)
    if isinstance(group, RequestGroup):
        for index, column in enumerate(group.fields):
            check_known(column.name, source, ("features", group.name, "fields", index), problems)
            yield column
        return
    parts = [one.name for one in group.key]
    for key in reference.lookup:
        message = f"feature group '{group.name}' has no key part '{key}'"
        problems.known("MLS207", message, key, parts, (*place, "lookup", key), key=True)
    if not set(reference.lookup) <= set(parts):
        return
    for key, field in key_fields(group, reference):
        where = (*place, "lookup", key) if key in reference.lookup else place
        if field not in columns:
            message = (
                f"the key '{key}' of '{group.name}' is looked up by '{field}', which source '{source.name}' has not"
            )
            problems.error("MLS207", message, where, f"write {{group: {group.name}, lookup: {{{key}: COLUMN}}}}")
            continue
        wanted = next(one.type for one in group.key if one.name == key)
        if columns[field].type is not wanted:
            message = f"key part '{key}' is {wanted}, but column '{field}' is {columns[field].type}"
            problems.error("MLS207", message, where)
        check_known(field, source, where, problems)
        yield columns[field]


def check_known(column: str, source: Source, path: Path, problems: Problems) -> None:
    if column not in source.known_at_time:
        problems.error(
            "MLS401",
            f"'{column}' is not known when the prediction is asked for: a request cannot carry it",
            path,
            f"if it is known at `{source.time}`, list it in sources.{source.name}.known_at_time; else leave it out",
        )


def merged(uses: list[FeatureUse]) -> list[FeatureUse]:
    """`g.a` and `g.b` are one use of `g`: same alias, same lookup."""
    together: dict[tuple[str, str, tuple[Lookup, ...]], FeatureUse] = {}
    for one in uses:
        key = (one.group, one.alias, one.lookup)
        columns = together[key].columns if key in together else ()
        together[key] = FeatureUse(
            group=one.group, alias=one.alias, columns=tuple(dict.fromkeys((*columns, *one.columns))), lookup=one.lookup
        )
    return list(together.values())


def check_alias(uses: list[FeatureUse], path: Path, problems: Problems) -> None:
    """The last use either adds columns to an earlier one, or has a name of its own."""
    last = uses[-1]
    if any(one.alias == last.alias and (one.group, one.lookup) != (last.group, last.lookup) for one in uses):
        message = f"two uses of features are called '{last.alias}'"
        problems.error("MLS208", message, path, f"give this one another name: {{group: {last.group}, …, as: NAME}}")


def part(group: AnyGroup, used: set[str]) -> AnyGroup:
    """The part of a group that a model uses: what it does not use changes nothing for it."""
    match group:
        case LatestGroup():
            return replace(group, columns=tuple(column for column in group.columns if column.name in used))
        case AggregateGroup():
            return replace(group, aggregates=tuple(one for one in group.aggregates if one.name in used))
        case RequestGroup():
            return replace(group, compute=tuple(one for one in group.compute if one.name in used))


def inputs(uses: list[FeatureUse], groups: dict[str, AnyGroup]) -> Iterator[ModelInput]:
    for one in uses:
        types = feature_types(groups[one.group])
        for column in one.columns:
            yield ModelInput(name=f"{one.alias}.{column}", type=types[column])
