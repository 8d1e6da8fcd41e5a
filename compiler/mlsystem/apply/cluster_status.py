"""What an environment in a cluster is at this moment, gathered from the API server and the workspace; as a value and as
text. The fields that one machine has too are called the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlsystem.apply.cluster_api import ClusterApi, Reference
from mlsystem.apply.knative_status import knative_server
from mlsystem.apply.running import Running
from mlsystem.apply.status import (
    ModelStatus,
    RunStatus,
    answers_line,
    last_run,
    model_lines,
    model_status,
    proposal_lines,
    run_lines,
    shares_of,
)
from mlsystem.apply.workflow import Phase, last_workflow, phase_of, problems, reason_of
from mlsystem.emit.argo import all_steps
from mlsystem.emit.kubernetes.access import SERVER
from mlsystem.emit.kubernetes.objects import Body, Cluster
from mlsystem.emit.kubernetes.processes import by_knative, server_name
from mlsystem.emit.kubernetes.scaling import scaled
from mlsystem.errors import MlsystemError
from mlsystem.system.nodes import ModelNode
from mlsystem_runtime.contract.base import Struct, pretty_json
from mlsystem_runtime.contract.ledger import ProposalOpened, open_ledger, open_proposals
from mlsystem_runtime.contract.release import Release
from mlsystem_runtime.contract.workspace import Workspace

COMPONENT = "app.kubernetes.io/component"
PODS_OF = ("Deployment", "StatefulSet")
LONGEST_REASON = 200


class ReplicaStatus(Struct):
    """`ready` of `desired` pods, `updated` of them as they were declared last. `reasons`: what the others wait for."""

    kind: str
    name: str
    ready: int
    desired: int
    updated: int
    phase: str | None
    reasons: tuple[str, ...]


class ScalerStatus(Struct):
    current: int
    desired: int
    minimum: int
    maximum: int


class EndpointStatus(Struct):
    """`replicas` and `scaler` are None where the cluster has none; `model` without versions and monitor where the
    workspace is out of reach."""

    replicas: ReplicaStatus | None
    scaler: ScalerStatus | None
    model: ModelStatus


class WorkflowStatus(Struct):
    """`phase` as Argo says it; `progress` of the tasks; `problems` are pods that failed, with what they said."""

    run_id: str
    reason: str
    entrypoint: str
    outcome: Phase
    phase: str
    progress: str
    problems: tuple[str, ...]


class ClusterStatus(Struct):
    """`serial` None: it was applied elsewhere. `workflow` is the last run in the cluster, `run` the last one in the
    ledger. `notes` say what cannot be shown."""

    system: str
    environment: str
    serial: int | None
    namespace: str
    processes: dict[str, ReplicaStatus | None]
    workflow: WorkflowStatus | None
    run: RunStatus | None
    models: tuple[EndpointStatus, ...]
    proposals: tuple[ProposalOpened, ...]
    notes: tuple[str, ...]


def cluster_status(running: Running) -> ClusterStatus:
    """Raises MlsystemError where the cluster does not answer, and where nothing was applied to it."""
    cluster, api, manifest = running.cluster, running.api, running.environment.store.read()
    release = running.releases.read().release
    workspace, notes = reached(running)
    status = ClusterStatus(
        system=cluster.system.name,
        environment=running.name,
        serial=None if manifest is None else manifest.serial,
        namespace=running.namespace,
        processes=dict(processes(running)),
        workflow=workflow_status(last_workflow(api, cluster)),
        run=None if workspace is None else last_run(workspace, tuple(step.name for step in all_steps(cluster))),
        models=tuple(endpoint_status(running, model, release, workspace) for model in cluster.system.models),
        proposals=() if workspace is None else tuple(open_proposals(open_ledger(workspace)).values()),
        notes=notes,
    )
    if manifest is None and not any(status.processes.values()) and not any(one.replicas for one in status.models):
        running.environment.applied()
    return status


def reached(running: Running) -> tuple[Workspace | None, tuple[str, ...]]:
    """The workspace, if it answers, and a sentence where it does not."""
    try:
        workspace = running.workspace
        workspace.versions(running.cluster.system.models[0].name)
    except MlsystemError as error:
        hint = f"; {error.hint}" if error.hint else ""
        return None, (f"versions, proposals and the monitor's findings are not shown: {error.message}{hint}",)
    return workspace, ()


def processes(running: Running) -> Iterator[tuple[str, ReplicaStatus | None]]:
    """All but the servers, by name without the prefix."""
    prefix = f"{running.cluster.prefix}-"
    for one in running.environment.engine.inside.objects:
        metadata = one.body["metadata"]
        if one.kind in PODS_OF and metadata["labels"][COMPONENT] != SERVER:
            reference, labels = Reference.of(one.body), one.body["spec"]["selector"]["matchLabels"]
            yield one.name.removeprefix(prefix), replicas(running.api, reference, labels)


def endpoint_status(
    running: Running, model: ModelNode, release: Release, workspace: Workspace | None
) -> EndpointStatus:
    cluster, api = running.cluster, running.api
    found, scale = by_its_own(api, cluster, model) if by_knative(model) else by_its_pods(api, cluster, model)
    return EndpointStatus(replicas=found, scaler=scale, model=answering(running, model, release, workspace))


def by_its_pods(
    api: ClusterApi, cluster: Cluster, model: ModelNode
) -> tuple[ReplicaStatus | None, ScalerStatus | None]:
    pods = scaled(cluster, model)
    reference = Reference(pods["apiVersion"], pods["kind"], pods["name"], cluster.target.namespace)
    return replicas(api, reference, cluster.selector(SERVER, model.name)), scaler(api, cluster, model)


def by_its_own(
    api: ClusterApi, cluster: Cluster, model: ModelNode
) -> tuple[ReplicaStatus | None, ScalerStatus | None]:
    """Of a server of Knative, which is its own scaler."""
    found, scaling = knative_server(api, cluster, model.name), model.serving.scaling
    if found is None:
        return None, None
    late = found.actual < found.desired or not found.answering
    waiting = waits(api, cluster.target.namespace, cluster.selector(SERVER, model.name)) if late else ()
    replicas = ReplicaStatus(
        kind="Knative Service", name=found.name, ready=found.actual, desired=found.desired,
        updated=found.actual if found.answering else 0, phase=None,
        reasons=tuple(sorted({*found.reasons, *waiting})),
    )  # fmt: skip
    scale = ScalerStatus(found.actual, found.desired, scaling.min_replicas, scaling.max_replicas)
    return replicas, scale


def answering(running: Running, model: ModelNode, release: Release, workspace: Workspace | None) -> ModelStatus:
    name = model.name
    routes = next(one.routes for one in running.compiled.config.server.endpoints if one.model == name)
    if workspace is not None:
        return model_status(workspace, release, name, routes)
    return ModelStatus(model=name, routes=routes, shares=shares_of(release, name), versions=(), monitor=None)


def replicas(api: ClusterApi, one: Reference, selector: Mapping[str, str]) -> ReplicaStatus | None:
    found = api.get(one)
    if found is None:
        return None
    status, desired = found.get("status") or {}, found["spec"].get("replicas", 1)
    ready = status.get("readyReplicas", 0)
    assert one.namespace is not None, "pods are in a namespace"
    waiting = waits(api, one.namespace, selector) if ready < desired else ()
    return ReplicaStatus(
        kind=one.kind,
        name=one.name,
        ready=ready,
        desired=desired,
        updated=status.get("updatedReplicas", 0),
        phase=status.get("phase"),
        reasons=tuple(sorted(set(waiting))),
    )


def waits(api: ClusterApi, namespace: str, selector: Mapping[str, str]) -> Iterator[str]:
    """Why pods are not ready, as far as the cluster knows."""
    for pod in api.find("v1", "Pod", namespace, selector):
        status = pod.get("status") or {}
        for condition in status.get("conditions") or ():
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                yield f"{condition.get('reason')}: {condition.get('message', '')}"[:LONGEST_REASON]
        for container in status.get("containerStatuses") or ():
            waiting = container.get("state", {}).get("waiting")
            if waiting:
                yield f"{waiting.get('reason')}: {waiting.get('message', '')}".removesuffix(": ")[:LONGEST_REASON]


def scaler(api: ClusterApi, cluster: Cluster, model: ModelNode) -> ScalerStatus | None:
    """KEDA makes one of a name of its own."""
    prefix = "keda-hpa-" if model.serving.scaling.controller == "keda" else ""
    name = f"{prefix}{server_name(cluster, model.name)}"
    found = api.get(Reference("autoscaling/v2", "HorizontalPodAutoscaler", name, cluster.target.namespace))
    if found is None:
        return None
    spec, status = found["spec"], found.get("status") or {}
    return ScalerStatus(
        current=status.get("currentReplicas", 0),
        desired=status.get("desiredReplicas", 0),
        minimum=spec.get("minReplicas", 1),
        maximum=spec["maxReplicas"],
    )


def workflow_status(found: Body | None) -> WorkflowStatus | None:
    if found is None:
        return None
    status = found.get("status") or {}
    return WorkflowStatus(
        run_id=found["metadata"]["name"],
        reason=reason_of(found),
        entrypoint=found["spec"].get("entrypoint", ""),
        outcome=phase_of(status),
        phase=str(status.get("phase") or "Pending"),
        progress=str(status.get("progress", "")),
        problems=tuple(problems(status)),
    )


def cluster_status_text(status: ClusterStatus) -> str:
    return "\n".join(_lines(status)) + "\n"


def _lines(status: ClusterStatus) -> Iterator[str]:
    listed = ", ".join(f"{name} {_ready(one)}" for name, one in status.processes.items())
    serial = "applied elsewhere" if status.serial is None else f"serial {status.serial}"
    yield f"{status.system} in {status.environment}, {serial}: {listed}"
    yield f"  namespace {status.namespace}"
    for name, one in status.processes.items():
        yield from (f"  {name}: {reason}" for reason in (one.reasons if one is not None else ()))
    yield from _run_lines(status)
    for endpoint in status.models:
        yield ""
        yield answers_line(endpoint.model)
        yield from _endpoint_lines(endpoint)
        yield from model_lines(endpoint.model)
    for proposal in status.proposals:
        yield ""
        yield from proposal_lines(proposal, f" -e {status.environment}")
    if status.notes:
        yield ""
        yield from status.notes


def _run_lines(status: ClusterStatus) -> Iterator[str]:
    """The ledger knows what the steps did; until it knows of the last run, the cluster alone does."""
    if status.workflow is not None:
        one = status.workflow
        yield ""
        progress = f", {one.progress} tasks" if one.progress else ""
        yield f"workflow {one.run_id}: {one.phase.lower()}{progress} ({one.reason})"
        yield from (f"  {problem}" for problem in one.problems)
    if status.run is not None:
        yield ""
        yield from run_lines(status.run)


def _endpoint_lines(one: EndpointStatus) -> Iterator[str]:
    if one.replicas is None:
        yield "  the cluster has no server of it"
        return
    phase = f", {one.replicas.phase.lower()}" if one.replicas.phase else ""
    old = one.replicas.desired - one.replicas.updated
    late = f", {old} not yet as declared last" if old > 0 else ""
    yield f"  {one.replicas.kind} {one.replicas.name}: {_ready(one.replicas)} ready{phase}{late}"
    yield from (f"    {reason}" for reason in one.replicas.reasons)
    if one.scaler is not None:
        scale = one.scaler
        yield f"  scaled to {scale.current} of {scale.minimum} to {scale.maximum}" + (
            f", on the way to {scale.desired}" if scale.desired not in (scale.current, 0) else ""
        )


def _ready(one: ReplicaStatus | None) -> str:
    return "absent" if one is None else f"{one.ready}/{one.desired}"


def cluster_status_json(status: ClusterStatus) -> str:
    return pretty_json(status)
