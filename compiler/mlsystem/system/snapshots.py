"""From a system to its snapshot: which value belongs to which facet, and which facet reads what.

This is the one place that says what a change means. Names of what a node reads are not among its values: an edge
stands for the thing itself, so that a rename (`renamed_from`) changes no identity.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from mlsystem.system.cluster_values import (
    MONITOR_READS,
    SERVER_READS,
    behaviour_values,
    certified_values,
    environment_values,
    image_values,
    replica_values,
    traffic_values,
    training_values,
)
from mlsystem.system.nodes import CodeNode, GroupNode, ModelNode, SourceNode, System, Training
from mlsystem.system.reads import example_columns
from mlsystem.system.snapshot import SEMANTICS, Edge, Facet, Kind, NodeSnapshot, SystemSnapshot
from mlsystem.system.target import METRICS_PORT, KubernetesTarget, LocalTarget
from mlsystem_runtime.contract.base import Struct, digest
from mlsystem_runtime.contract.code import code_digest
from mlsystem_runtime.contract.columns import AnyCheck
from mlsystem_runtime.contract.features import AnyGroup, RequestGroup
from mlsystem_runtime.contract.identity import (
    Values,
    group_columns,
    group_values,
    read_paths,
    source_values,
    stored_groups,
)
from mlsystem_runtime.contract.quantities import duration, percent
from mlsystem_runtime.contract.run import Gate

ENVIRONMENT = "infrastructure.environment"
SHOWN_DIGITS = 16


def snapshot(system: System) -> SystemSnapshot:
    nodes = [environment_node(system), *image_nodes(system)]
    nodes += [source_node(source) for source in system.sources]
    nodes += [group_node(system, group) for group in system.groups]
    for model in system.models:
        nodes += model_nodes(system, model)
    return SystemSnapshot(name=system.name, environment=system.environment, nodes=tuple(nodes))


def environment_node(system: System) -> NodeSnapshot:
    values: Values = {"clock": system.clock}
    match system.target:
        case LocalTarget(port=port, workspace=workspace, online_store=store):
            values |= {"target": "local", "port": port, "workspace": workspace, "online_store": store or "sqlite"}
            values |= {"secrets": list(system.secrets)}
        case KubernetesTarget() as cluster:
            values |= environment_values(cluster, system.alert_secrets)
            if system.metrics_apart:
                values["metrics_port"] = METRICS_PORT
    if system.target.tls is not None:  # an older tool did not know it: not to give it is no change
        values |= prefixed("tls", system.target.tls)
    return node(Kind.INFRASTRUCTURE, "environment", {Facet.OPERATE: values}, ())


def prefixed(name: str, section: Struct) -> Values:
    return {f"{name}.{key}": value for key, value in msgspec.to_builtins(section).items()}


def image_nodes(system: System) -> list[NodeSnapshot]:
    """Of one machine: none."""
    if isinstance(system.target, LocalTarget):
        return []
    values = image_values(system.target)
    of_code = {} if system.code is None else content_values(system.code)
    libraries = {name: value for name, value in of_code.items() if name != "code"}
    needed = {"server": {}, "server-torch": libraries, "trainer": of_code}
    used = {"trainer", *(model.serving.image for model in system.models)}
    return [
        node(Kind.IMAGE, name, {Facet.OPERATE: values | own}, ()) for name, own in needed.items() if name in used
    ]


def environment_edge(system: System, local: tuple[str, ...] | None, cluster: tuple[str, ...]) -> Edge:
    """What a process reads of its environment."""
    paths = local if isinstance(system.target, LocalTarget) else cluster
    return Edge(into=Facet.OPERATE, node=ENVIRONMENT, facet=Facet.OPERATE, paths=paths)


def runs_in(system: System, image: str) -> tuple[Edge, ...]:
    """The edge of a process to its image, where it has one."""
    if isinstance(system.target, LocalTarget):
        return ()
    return (Edge(into=Facet.OPERATE, node=f"image.{image}", facet=Facet.OPERATE),)


def source_node(declared: SourceNode) -> NodeSnapshot:
    data = source_values(declared.source)
    named = dict(zip(check_names(declared.checks), declared.checks, strict=True))
    checks = {name: check_text(check) for name, check in named.items()}
    severities = {f"{name}.severity": check.severity for name, check in named.items()}
    return node(
        Kind.SOURCE,
        declared.name,
        {Facet.DATA: data, Facet.EVALUATE: checks, Facet.OPERATE: severities},
        (Edge(into=Facet.EVALUATE, node=f"source.{declared.name}", facet=Facet.DATA),),
        declared.renamed_from,
    )


def check_names(checks: tuple[AnyCheck, ...]) -> list[str]:
    """What each is about; the second of two alike has a number."""
    names = [check_name(check) for check in checks]
    alike = [names[:index].count(name) for index, name in enumerate(names)]
    return [name if before == 0 else f"{name}#{before + 1}" for name, before in zip(names, alike, strict=True)]


def check_name(check: AnyCheck) -> str:
    fields = msgspec.to_builtins(check)
    columns = fields.get("columns") or [fields["column"]] if "column" in fields or "columns" in fields else []
    return f"checks.{fields['kind']}({', '.join(columns)})"


def check_text(check: AnyCheck) -> str:
    fields = msgspec.to_builtins(check)
    shown = {
        name: value
        for name, value in fields.items()
        if name not in ("kind", "severity", "column", "columns") and value is not None
    }
    return ", ".join(f"{name}: {duration(value) if name.endswith('_us') else value}" for name, value in shown.items())


def group_node(system: System, declared: GroupNode) -> NodeSnapshot:
    group = declared.group
    operate = {"online.every": duration(declared.every_us), "online.on_failure": declared.on_failure}
    return node(
        Kind.GROUP,
        declared.name,
        {Facet.FEATURES: group_values(group), Facet.OPERATE: operate},
        group_edges(system, group),
        declared.renamed_from,
    )


def group_edges(system: System, group: AnyGroup) -> tuple[Edge, ...]:
    """What a group, or the part of it that a model uses, reads of its source."""
    if isinstance(group, RequestGroup):
        return ()
    source = system.source(group.source).source
    paths = read_paths(source, group_columns(group))
    return (Edge(into=Facet.FEATURES, node=f"source.{group.source}", facet=Facet.DATA, paths=paths),)


def model_nodes(system: System, model: ModelNode) -> list[NodeSnapshot]:
    return [
        dataset_node(system, model),
        fit_node(system, model),
        evaluation_node(system, model),
        endpoint_node(system, model),
        monitor_node(system, model),
    ]


def dataset_node(system: System, model: ModelNode) -> NodeSnapshot:
    contract = model.contract
    values = {
        "task": model.task,
        "examples.at": model.examples.at,
        "examples.where": model.examples.where,
        "label.is": model.label.column,
        "label.known": model.label.known,
        "features": [one.name for one in contract.inputs],
    }
    values |= {
        f"lookup.{use.alias}": [f"{lookup.key} = {lookup.field}" for lookup in use.lookup]
        for use in contract.uses
        if use.lookup
    }
    source = system.source(model.examples.source).source
    used = example_columns(model, source)
    edges = [Edge(into=Facet.FEATURES, node=f"source.{source.name}", facet=Facet.DATA, paths=read_paths(source, used))]
    for group in contract.groups:
        edges.append(
            Edge(
                into=Facet.FEATURES,
                node=f"feature_group.{group.name}",
                facet=Facet.FEATURES,
                paths=tuple(group_values(group)),
            )
        )
        edges += group_edges(system, group)
    return node(Kind.DATASET, model.name, {Facet.FEATURES: values}, tuple(edges), model.renamed_from)


def fit_node(system: System, model: ModelNode) -> NodeSnapshot:
    training = model.training
    parameters = {f"parameters.{name}": value for name, value in msgspec.to_builtins(training.parameters).items()}
    fit = {
        "type": training.type,
        "seed": training.seed,
        "split.by": training.split.by,
        "split.validation": percent(training.split.validation),
        "split.test": percent(training.split.test),
        **parameters,
        **code_values(system, training),
    }
    operate: Values = {
        "hardware.cpu": training.threads,
        "limits.max_loss_of_work": duration(training.max_loss_of_work_us),
    }
    if isinstance(system.target, KubernetesTarget):
        operate |= training_values(training.hardware, training.schedule)
    return node(
        Kind.MODEL,
        model.name,
        {Facet.FIT: fit, Facet.OPERATE: operate},
        (Edge(into=Facet.FIT, node=f"dataset.{model.name}", facet=Facet.FEATURES), *runs_in(system, "trainer")),
        model.renamed_from,
    )


def code_values(system: System, training: Training) -> Values:
    """Of a network of the user's own: whichever file of the code changes, it may be another one."""
    if training.entrypoint is None or system.code is None:
        return {}
    return {"entrypoint": training.entrypoint, **content_values(system.code)}


def content_values(code: CodeNode) -> Values:
    values: Values = {"code": code_digest(code.files)[:SHOWN_DIGITS]}
    if code.requirements is not None:
        values["code.requirements"] = digest(code.requirements)[:SHOWN_DIGITS]
    return values


def evaluation_node(system: System, model: ModelNode) -> NodeSnapshot:
    evaluation = model.evaluation
    values: Values = {
        "metrics": list(evaluation.metrics),
        "slices": list(evaluation.slices),
        "baseline": evaluation.baseline,
        "gates": [gate_text(gate) for gate in evaluation.gates],
    }
    source = system.source(model.examples.source).source
    edges = (
        Edge(into=Facet.EVALUATE, node=f"model.{model.name}", facet=Facet.FIT),
        Edge(
            into=Facet.EVALUATE,
            node=f"source.{source.name}",
            facet=Facet.DATA,
            paths=read_paths(source, evaluation.slices),
        ),
    )
    return node(Kind.EVALUATION, model.name, {Facet.EVALUATE: values}, edges, model.renamed_from)


def gate_text(gate: Gate) -> str:
    shown = {name: value for name, value in msgspec.to_builtins(gate).items() if value is not None and name != "metric"}
    return ", ".join([gate.metric, *(f"{name} {value}" for name, value in shown.items())])


def endpoint_node(system: System, model: ModelNode) -> NodeSnapshot:
    serving = model.serving
    values: Values = {
        "engine": serving.engine,
        "routes": list(serving.routes),
        "sticky": list(serving.sticky),
        "log.sample": percent(serving.log_sample),
        "log.retain": duration(serving.log_retain_us),
        "slo.latency": duration(serving.slo.latency_us),
        "slo.objective": percent(serving.slo.objective),
        "slo.availability": percent(serving.slo.availability),
        "slo.window": duration(serving.slo.window_us),
        "hardware.cpu": serving.threads,
    }
    if serving.shadow_cpu is not None:
        values["shadow"] = percent(serving.shadow_cpu)
    if serving.auth is not None:
        values |= prefixed("auth", serving.auth)
    if serving.grpc:
        values["grpc"] = True
    if serving.workers > 1:
        values["workers"] = serving.workers
    if isinstance(system.target, KubernetesTarget):
        values |= replica_values(serving.hardware, serving.scaling) | traffic_values(serving.traffic)
        values |= behaviour_values(serving.scaling.behaviour)
        if serving.capacity is not None and serving.capacity.certified is not None:
            values |= certified_values(serving.capacity.certified)
    edges = [
        *runs_in(system, serving.image),
        Edge(into=Facet.EVALUATE, node=f"evaluation.{model.name}", facet=Facet.EVALUATE),
        environment_edge(system, None, SERVER_READS),
    ]
    edges += [
        Edge(into=Facet.OPERATE, node=f"feature_group.{group.name}", facet=Facet.OPERATE, paths=("online.on_failure",))
        for group in stored_groups(model.contract)
    ]
    return node(Kind.ENDPOINT, model.name, {Facet.OPERATE: values}, tuple(edges), model.renamed_from)


def monitor_node(system: System, model: ModelNode) -> NodeSnapshot:
    monitoring = model.monitoring
    drift = monitoring.drift
    values: Values = {
        "drift": drift is not None,
        "data.freshness": duration(monitoring.freshness_us),
        "data.missing": monitoring.missing,
        "alerts": [f"{alert.kind} {alert.url_secret or alert.url or ''}".strip() for alert in monitoring.alerts],
        "retrain.on": list(monitoring.retrain_on),
        "retrain.cooldown": duration(monitoring.cooldown_us),
        "approve": list(monitoring.approve),
    }
    if drift is not None:
        values |= {
            "drift.features": "all" if drift.features is None else list(drift.features),
            "drift.predictions": drift.predictions,
            "drift.window": duration(drift.window_us),
            "drift.false_alarms_per_month": drift.false_alarms_per_month,
        }
    edges = [
        *runs_in(system, "trainer"),
        environment_edge(system, ("clock", "online_store", "workspace"), MONITOR_READS),
    ]
    if isinstance(system.target, LocalTarget):  # in a cluster a schedule of its own keeps features fresh
        edges += [
            Edge(into=Facet.OPERATE, node=f"feature_group.{group.name}", facet=Facet.OPERATE, paths=("online.every",))
            for group in stored_groups(model.contract)
        ]
    return node(Kind.MONITOR, model.name, {Facet.OPERATE: values}, tuple(edges), model.renamed_from)


def node(
    kind: Kind, name: str, facets: Mapping[Facet, Values], edges: tuple[Edge, ...], renamed_from: str | None = None
) -> NodeSnapshot:
    return NodeSnapshot(
        id=f"{kind}.{name}",
        kind=kind,
        semantics=SEMANTICS[kind],
        facets=dict(facets),
        edges=edges,
        renamed_from=None if renamed_from is None else f"{kind}.{renamed_from}",
    )
