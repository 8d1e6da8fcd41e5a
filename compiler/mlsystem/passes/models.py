"""Models: examples, label and features become a feature contract that holds nothing a request cannot know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

from mlsystem.passes.draft import Draft, Path, Problems
from mlsystem.passes.groups import resolve_request
from mlsystem.passes.operation import resolve_evaluation, resolve_monitoring, resolve_serving
from mlsystem.spec.features import RequestGroupSpec
from mlsystem.spec.model import FeatureRef, ModelSpec
from mlsystem.spec.system import ModelSection
from mlsystem.spec.training import TrainingSpec
from mlsystem.system.nodes import ModelNode, Training
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
from mlsystem_runtime.contract.model import Task
from mlsystem_runtime.contract.run import Examples, Label, Split, TabularParameters

LABEL_TYPES: dict[Task, tuple[ColumnType, ...]] = {
    "binary_classification": (ColumnType.BOOL,),
    "multiclass": (ColumnType.STRING,),
    "regression": (ColumnType.FLOAT, ColumnType.INT),
}
LABEL_HELP: dict[Task, str] = {
    "binary_classification": "derive one, for example `late: arr_delay > 15`",
    "multiclass": "the label names the class",
    "regression": "the label is a number",
}
assert set(LABEL_TYPES) == set(get_args(Task))


def resolve_models(draft: Draft, problems: Problems) -> Draft:
    models: dict[str, ModelNode] = {}
    for name, section in draft.spec.models.items():
        node = resolve_model(draft, name, section, problems)
        if node is not None:
            models[name] = node
    warn_about_unused(draft, problems)
    return replace(draft, models=models)


def warn_about_unused(draft: Draft, problems: Problems) -> None:
    used = {reference.group for section in draft.spec.models.values() for reference in section.model.features}
    for name in draft.spec.features:
        if name not in used:
            help = f"add `{name}.*` to a model's features, or remove the group"
            problems.warning("MLS211", f"no model uses feature group '{name}'", ("features", name), help, key=True)


def resolve_model(draft: Draft, name: str, section: ModelSection, problems: Problems) -> ModelNode | None:
    path = ("models", name)
    before = problems.errors
    model = section.model
    message = f"the examples' source '{model.examples.source}' is not declared"
    problems.known("MLS201", message, model.examples.source, draft.spec.sources, (*path, "model", "examples", "source"))
    source = draft.sources.get(model.examples.source)
    if source is None:
        return None
    examples = resolve_examples(model, source, path, problems)
    label = resolve_label(model, source, path, problems)
    contract = resolve_features(draft, model, source, path, problems)
    warn_about_split(section.training, path, problems)
    evaluation = resolve_evaluation(section, source, path, problems)
    serving = resolve_serving(name, len(draft.spec.models), section, contract, path, problems)
    monitoring = resolve_monitoring(section, contract, path, problems)
    if problems.errors > before:
        return None
    return ModelNode(
        name=name,
        task=model.task,
        examples=examples,
        label=label,
        contract=contract,
        training=training(section.training),
        evaluation=evaluation,
        serving=serving,
        monitoring=monitoring,
        renamed_from=section.renamed_from,
    )


def resolve_examples(model: ModelSpec, source: Source, path: Path, problems: Problems) -> Examples:
    examples, columns = model.examples, columns_by_name(source)
    place = (*path, "model", "examples")
    check_instant(examples.at, source, (*place, "at"), problems)
    if examples.at in columns and examples.at not in source.known_at_time:
        message = f"'{examples.at}' is not known at the time of the example"
        help = f"use `{source.time}`, or list it in sources.{source.name}.known_at_time"
        problems.error("MLS401", message, (*place, "at"), help)
    where = None
    if examples.where is not None:
        typed = problems.expression(examples.where, columns, (*place, "where"))
        if typed is not None and typed.type is not ColumnType.BOOL:
            problems.error("MLS302", f"`where` must be true or false; this is of type {typed.type}", (*place, "where"))
        where = None if typed is None else typed.text
    return Examples(source=source.name, at=examples.at, where=where)


def resolve_label(model: ModelSpec, source: Source, path: Path, problems: Problems) -> Label:
    label, columns = model.label, columns_by_name(source)
    place = (*path, "model", "label")
    message = f"label '{label.column}' is not a column of source '{source.name}'"
    if problems.known("MLS202", message, label.column, columns, (*place, "is")):
        found, wanted = columns[label.column].type, LABEL_TYPES[model.task]
        if found not in wanted:
            message = f"the label of {model.task} is of type {' or '.join(wanted)}; '{label.column}' is {found}"
            problems.error("MLS206", message, (*place, "is"), LABEL_HELP[model.task])
    if label.known is not None:
        check_instant(label.known, source, (*place, "known"), problems)
    return Label(column=label.column, known=label.known or source.available or source.time)


def check_instant(column: str, source: Source, path: Path, problems: Problems) -> None:
    columns = columns_by_name(source)
    if not problems.known("MLS202", f"source '{source.name}' has no column '{column}'", column, columns, path):
        return
    if columns[column].type is not ColumnType.TIMESTAMP:
        message = f"`{path[-1]}` needs a timestamp; '{column}' is of type {columns[column].type}"
        problems.error("MLS206", message, path)


def resolve_features(draft: Draft, model: ModelSpec, source: Source, path: Path, problems: Problems) -> FeatureContract:
    """Uses in the order of the file; of each group the columns that some use names."""
    uses: list[FeatureUse] = []
    groups: dict[str, AnyGroup] = {}
    request: dict[str, Column] = {}
    for index, reference in enumerate(model.features):
        place = (*path, "model", "features", index)
        group = find_group(draft, reference, source, place, problems)
        if group is None:
            continue
        groups[group.name] = group
        uses.append(use(group, reference, place, problems))
        for column in request_columns(group, reference, source, place, problems):
            request[column.name] = column
    uses = merged(uses)
    check_aliases(uses, groups, (*path, "model", "features"), problems)
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
    for key in reference.lookup:
        message = f"feature group '{group.name}' has no key part '{key}'"
        problems.known("MLS207", message, key, [one.name for one in group.key], (*place, "lookup", key), key=True)
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


def check_aliases(uses: list[FeatureUse], groups: dict[str, AnyGroup], path: Path, problems: Problems) -> None:
    seen: set[str] = set()
    for one in uses:
        if one.alias in seen:
            message = f"two uses of features are called '{one.alias}'"
            problems.error("MLS208", message, path, f"give one another name: {{group: {one.group}, …, as: NAME}}")
        seen.add(one.alias)
    assert all(one.group in groups for one in uses)


def part(group: AnyGroup, used: set[str]) -> AnyGroup:
    """The part of a group that a model uses: what it does not use changes nothing for it."""
    match group:
        case LatestGroup():
            return LatestGroup(
                name=group.name,
                fingerprint=group.fingerprint,
                source=group.source,
                key=group.key,
                columns=tuple(column for column in group.columns if column.name in used),
                ttl_us=group.ttl_us,
            )
        case AggregateGroup():
            return AggregateGroup(
                name=group.name,
                fingerprint=group.fingerprint,
                source=group.source,
                key=group.key,
                aggregates=tuple(one for one in group.aggregates if one.name in used),
            )
        case RequestGroup():
            return RequestGroup(
                name=group.name,
                fingerprint=group.fingerprint,
                fields=group.fields,
                compute=tuple(one for one in group.compute if one.name in used),
            )


def inputs(uses: list[FeatureUse], groups: dict[str, AnyGroup]) -> Iterator[ModelInput]:
    for one in uses:
        types = feature_types(groups[one.group])
        for column in one.columns:
            yield ModelInput(name=f"{one.alias}.{column}", type=types[column])


def warn_about_split(written: TrainingSpec, path: Path, problems: Problems) -> None:
    if written.split.by == "random":
        problems.warning(
            "MLS404",
            "a random split lets the model learn from what happened after its test rows",
            (*path, "training", "split", "by"),
            "split by time, or expect worse results in production than in evaluation",
        )


def training(written: TrainingSpec) -> Training:
    return Training(
        type="tabular",
        parameters=TabularParameters(**written.parameters.model_dump()),
        split=Split(**written.split.model_dump()),
        seed=written.seed,
        threads=written.hardware.cpu,
        max_loss_of_work_us=written.limits.max_loss_of_work,
    )
