"""Models: examples, label, features, training and operation come together."""

from __future__ import annotations

from typing import get_args

from msgspec.structs import replace

from mlsystem.passes.contracts import resolve_features
from mlsystem.passes.draft import Draft, Path, Problems
from mlsystem.passes.operation import resolve_evaluation, resolve_monitoring, resolve_serving
from mlsystem.spec.model import ModelSpec
from mlsystem.spec.system import ModelSection
from mlsystem.spec.training import TrainingHardwareSpec, TrainingSpec
from mlsystem.system.nodes import ModelNode, Training
from mlsystem.system.reads import columns_by_name
from mlsystem.system.target import TrainingHardware
from mlsystem_runtime.contract.columns import ColumnType, Source
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
    request = None if contract is None else [column.name for column in contract.request]
    features = None if contract is None else [one.name for one in contract.inputs]
    warn_about_split(section.training, path, problems)
    evaluation = resolve_evaluation(section, source, path, problems)
    serving = resolve_serving(name, len(draft.spec.models), section, request, path, problems)
    monitoring = resolve_monitoring(section, features, path, problems)
    if contract is None or problems.errors > before:
        return None
    return ModelNode(
        name=name,
        task=model.task,
        examples=examples,
        label=label,
        contract=contract,
        training=training(section),
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


def warn_about_split(written: TrainingSpec, path: Path, problems: Problems) -> None:
    if written.split.by == "random":
        problems.warning(
            "MLS404",
            "a random split lets the model learn from what happened after its test rows",
            (*path, "training", "split", "by"),
            "split by time, or expect worse results in production than in evaluation",
        )


def training(section: ModelSection) -> Training:
    written = section.training
    return Training(
        type=section.model.type,
        entrypoint=section.model.entrypoint,
        parameters=TabularParameters(**dict(written.parameters)),
        split=Split(**dict(written.split)),
        seed=written.seed,
        threads=written.hardware.cpu,
        max_loss_of_work_us=written.limits.max_loss_of_work,
        hardware=training_hardware(written.hardware),
        schedule=written.schedule,
    )


def training_hardware(written: TrainingHardwareSpec) -> TrainingHardware:
    return TrainingHardware(
        cpu=float(written.cpu or 1),
        memory_bytes=written.memory,
        gpus=written.gpu.count if written.gpu else 0,
        gpu_type=written.gpu.type if written.gpu else None,
        nodes=written.nodes,
        spot=written.spot,
    )
