"""`contract/run.json`: what the runtime is told. Content comes from the system, identity from its snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from mlsystem.emit.submission import submission
from mlsystem.emit.tree import Artifact
from mlsystem.system.nodes import ModelNode, SourceNode, System, Training
from mlsystem.system.reads import example_columns
from mlsystem.system.snapshot import Facet, SystemSnapshot, fingerprint
from mlsystem.system.target import LocalTarget, in_table
from mlsystem_runtime.contract.base import digest, pretty_json
from mlsystem_runtime.contract.code import IN_IMAGE, Code, code_digest
from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.features import StoredGroup
from mlsystem_runtime.contract.identity import group_columns, stored_groups
from mlsystem_runtime.contract.run import (
    FORMAT,
    Endpoint,
    EvaluateStep,
    FeaturesStep,
    GroupPolicy,
    IngestStep,
    MaterializeStep,
    MonitoredModel,
    MonitorSection,
    OnlineStore,
    Read,
    Refresh,
    RegisterStep,
    RunConfig,
    ServerSection,
    Step,
    TrainStep,
)

PATH = "contract/run.json"


def emit_contract(config: RunConfig) -> Artifact:
    return Artifact(PATH, pretty_json(config), origin="infrastructure.environment")


def run_config(system: System, snapshot: SystemSnapshot) -> RunConfig:
    return RunConfig(
        format=FORMAT,
        system=system.name,
        environment=system.environment,
        clock=system.clock,
        steps=tuple(steps(system, snapshot)),
        server=server(system),
        monitor=monitor(system),
        secrets=system.secrets,
    )


def steps(system: System, snapshot: SystemSnapshot) -> Iterator[Step]:
    """Sources, then what the online store needs, then each model: in this order they can run."""
    for source in system.sources:
        yield ingest(source, snapshot)
    for name, group in materialized(system).items():
        yield materialize(system, name, group)
    for model in system.models:
        yield from model_steps(system, model, snapshot)


def ingest(node: SourceNode, snapshot: SystemSnapshot) -> Step:
    # The severity of a check decides whether the pipeline goes on, not what the rows are: not part of the fingerprint.
    return Step(
        name=f"ingest.{node.name}",
        fingerprint=fingerprint(snapshot, f"source.{node.name}", Facet.EVALUATE),
        reads=(),
        payload=IngestStep(source=node.source, checks=node.checks),
    )


def materialized(system: System) -> dict[str, StoredGroup]:
    """Every part of a group that some model reads online, by the name of its step.

    Models that use the same columns share one; the name tells which model's part it is only where there are several.
    """
    parts = [(group, model.name) for model in system.models for group in stored_groups(model.contract)]
    parts.sort(key=lambda part: part[0].name)
    names: dict[str, StoredGroup] = {}
    for name, alike in groupby(parts, key=lambda part: part[0].name):
        distinct: dict[str, tuple[StoredGroup, str]] = {}
        for group, model in alike:
            distinct.setdefault(group.fingerprint, (group, model))
        for group, model in distinct.values():
            names[f"materialize.{name}" if len(distinct) == 1 else f"materialize.{name}.{model}"] = group
    return names


def materialize(system: System, name: str, group: StoredGroup) -> Step:
    source = system.source(group.source).source
    return Step(
        name=name,
        fingerprint=digest({"group": group.fingerprint}),
        reads=(Read(step=f"ingest.{source.name}", parts=parts_read(source, group_columns(group))),),
        payload=MaterializeStep(group=group, source=source),
    )


def parts_read(source: Source, columns: Iterable[str]) -> tuple[str, ...]:
    """Which digests of an ingest step decide these columns, when they are known, and which rows there are."""
    timed = {source.time} | ({source.available} if source.available else set())
    return ("rows", "clock", *(f"column:{name}" for name in sorted({*columns, *timed})))


def model_steps(system: System, model: ModelNode, snapshot: SystemSnapshot) -> Iterator[Step]:
    name, training, evaluation = model.name, model.training, model.evaluation
    sources = model_sources(system, model)
    features, train, evaluate = f"features.{name}", f"train.{name}", f"evaluate.{name}"
    examples = system.source(model.examples.source).source
    yield Step(
        name=features,
        fingerprint=fingerprint(snapshot, f"dataset.{name}", Facet.FEATURES),
        reads=dataset_reads(system, model),
        payload=FeaturesStep(
            model=name,
            task=model.task,
            examples=model.examples,
            label=model.label,
            contract=model.contract,
            sources=sources,
        ),
    )
    yield Step(
        name=train,
        fingerprint=fingerprint(snapshot, f"model.{name}", Facet.FIT),
        reads=(Read(step=features, parts=("dataset",)),),
        payload=TrainStep(
            model=name,
            task=model.task,
            contract=model.contract,
            type=training.type,
            parameters=training.parameters,
            split=training.split,
            seed=training.seed,
            threads=training.threads,
            max_loss_of_work_us=training.max_loss_of_work_us,
            code=code(system, training),
        ),
    )
    yield Step(
        name=evaluate,
        fingerprint=fingerprint(snapshot, f"evaluation.{name}", Facet.EVALUATE),
        reads=(
            Read(step=train, parts=("model",)),
            Read(step=features, parts=("dataset",)),
            Read(step=f"ingest.{examples.name}", parts=parts_read(examples, evaluation.slices)),
            # for what only the champion reads, which is never part of a key
            *(Read(step=f"ingest.{one.name}", parts=()) for one in sources if one.name != examples.name),
        ),
        payload=EvaluateStep(
            model=name,
            task=model.task,
            metrics=evaluation.metrics,
            slices=evaluation.slices,
            baseline=evaluation.baseline,
            gates=evaluation.gates,
            split=training.split,
            seed=training.seed,
            examples=model.examples,
            label=model.label,
            sources=sources,
        ),
    )
    yield Step(
        name=f"register.{name}",
        fingerprint=digest({"experiment": system.name, "engine": model.serving.engine}),
        reads=(
            Read(step=train, parts=("model",)),
            Read(step=evaluate, parts=("evaluation",)),
            Read(step=features, parts=("dataset",)),
        ),
        payload=RegisterStep(
            model=name,
            experiment=system.name,
            promote="propose" if "promote" in model.monitoring.approve else "release",
            engine=model.serving.engine,
        ),
    )


def code(system: System, training: Training) -> Code | None:
    """Where the train step finds it: steps of one machine run in the folder of the spec."""
    if training.entrypoint is None:
        return None
    assert system.code is not None, "an entrypoint without code is a diagnostic"
    path = system.code.path if isinstance(system.target, LocalTarget) else IN_IMAGE
    return Code(path=path, entrypoint=training.entrypoint, digest=code_digest(system.code.files))


def model_sources(system: System, model: ModelNode) -> tuple[Source, ...]:
    names = {model.examples.source, *(group.source for group in stored_groups(model.contract))}
    return tuple(node.source for node in system.sources if node.name in names)


def dataset_reads(system: System, model: ModelNode) -> tuple[Read, ...]:
    return tuple(
        Read(step=f"ingest.{source.name}", parts=parts_read(source, used_columns(model, source)))
        for source in model_sources(system, model)
    )


def used_columns(model: ModelNode, source: Source) -> set[str]:
    """Of the examples' source: the request, the label, and what `where` reads; of every source: the groups' columns."""
    used: set[str] = set()
    for group in stored_groups(model.contract):
        if group.source == source.name:
            used |= group_columns(group)
    if source.name == model.examples.source:
        used |= example_columns(model, source)
    return used


def online_store(system: System) -> OnlineStore:
    """One machine has a file of its own; where a Redis is, a cluster's processes are told when they start."""
    uri = system.target.online_store
    if in_table(uri):
        return OnlineStore(type="dynamodb", uri=uri)
    return OnlineStore(type="sqlite" if isinstance(system.target, LocalTarget) else "redis")


def server(system: System) -> ServerSection:
    threads = [model.serving.threads for model in system.models if model.serving.threads]
    return ServerSection(
        clock=system.clock,
        online_store=online_store(system),
        threads=max(threads, default=None),
        endpoints=tuple(endpoint(system, model) for model in system.models),
        tls=system.target.tls,
    )


def endpoint(system: System, model: ModelNode) -> Endpoint:
    serving = model.serving
    policies = tuple(
        GroupPolicy(group=group.name, on_failure=system.group(group.name).on_failure)
        for group in stored_groups(model.contract)
    )
    return Endpoint(
        model=model.name,
        routes=serving.routes,
        sticky=serving.sticky,
        groups=policies,
        slo=serving.slo,
        log_sample=serving.log_sample,
        log_retain_us=serving.log_retain_us,
        auth=serving.auth,
        engine=serving.engine,
        grpc=serving.grpc,
        shadow_cpu=serving.shadow_cpu,
        workers=serving.workers,
    )


def monitor(system: System) -> MonitorSection:
    return MonitorSection(
        clock=system.clock,
        online_store=online_store(system),
        models=tuple(monitored(system, model) for model in system.models),
        refreshes=tuple(refreshes(system)),
        sources=tuple(node.source for node in system.sources),
    )


def monitored(system: System, model: ModelNode) -> MonitoredModel:
    monitoring = model.monitoring
    steps = (
        *(f"ingest.{source.name}" for source in model_sources(system, model)),
        *(f"{kind}.{model.name}" for kind in ("features", "train", "evaluate", "register")),
    )
    return MonitoredModel(
        model=model.name,
        drift=monitoring.drift,
        freshness_us=monitoring.freshness_us,
        missing=monitoring.missing,
        alerts=monitoring.alerts,
        retrain_on=monitoring.retrain_on,
        cooldown_us=monitoring.cooldown_us,
        approve=monitoring.approve,
        retrain_steps=steps,
        submission=submission(system, model),
    )


def refreshes(system: System) -> Iterator[Refresh]:
    """One per `online.every`: the sources of its groups are read again, then the groups are brought up to date."""
    scheduled: dict[int, list[tuple[str, StoredGroup]]] = {}
    for name, group in materialized(system).items():
        every = system.group(group.name).every_us
        if every is not None:
            scheduled.setdefault(every, []).append((name, group))
    for every, parts in sorted(scheduled.items()):
        sources = sorted({group.source for _, group in parts})
        yield Refresh(every_us=every, steps=(*(f"ingest.{source}" for source in sources), *(name for name, _ in parts)))
