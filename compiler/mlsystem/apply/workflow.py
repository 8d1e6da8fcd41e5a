"""Runs of the pipeline in a cluster: Workflows made from the WorkflowTemplate, one for each run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from mlsystem.apply.cluster_api import ClusterApi, Reference
from mlsystem.apply.events import StepBegins, StepEnds, Waits, Watch
from mlsystem.emit.argo import ALL, API, arguments, model_steps
from mlsystem.emit.kubernetes.objects import Body, Cluster
from mlsystem.emit.sections import PIPELINE
from mlsystem.emit.submission import model_entrypoint, pipeline_name
from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.names import PROPOSE, REFRESH

PAUSE_SECONDS = 2.0
TELL_SECONDS = 60.0
STEP = "pipeline"
Phase = Literal["unknown", "running", "done", "failed"]


class RunState(NamedTuple):
    """`phase` unknown: it is not there any more."""

    phase: Phase
    detail: str


def workflow_name(cluster: Cluster, run_id: str) -> str:
    """The same for the same run, so that it is never submitted twice."""
    return cluster.name(run_id.lower())


def entrypoint_for(cluster: Cluster, steps: Sequence[str]) -> str:
    """Where all of `steps` belong to one model's part of the pipeline, that part."""
    models = cluster.system.models
    chosen = [model.name for model in models if set(steps) <= set(model_steps(cluster, model))]
    return model_entrypoint(chosen[0]) if len(models) > 1 and len(chosen) == 1 else ALL


def workflow(cluster: Cluster, run_id: str, entrypoint: str, reason: str) -> Body:
    return run_of(cluster, run_id, template_at(cluster, entrypoint), reason=reason)


def template_at(cluster: Cluster, entrypoint: str) -> Body:
    """The specification of a run of the template, as it is in the cluster."""
    return {"workflowTemplateRef": {"name": pipeline_name(cluster)}, "entrypoint": entrypoint}


def run_of(cluster: Cluster, run_id: str, spec: Body, **values: str) -> Body:
    """`values` are those of the pipeline's parameters that differ."""
    given = (spec.get("arguments") or {}).get("parameters", ())
    values = {**{one["name"]: one["value"] for one in given}, **values}
    return {
        "apiVersion": API,
        "kind": "Workflow",
        "metadata": cluster.metadata(workflow_name(cluster, run_id), PIPELINE),
        "spec": {**spec, "arguments": arguments(**values)},
    }


def submit(api: ClusterApi, body: Body) -> bool:
    """False where that run was submitted before."""
    if api.get(Reference.of(body)) is not None:
        return False
    api.create(body)
    return True


def state_of(api: ClusterApi, cluster: Cluster, run_id: str) -> RunState:
    name = workflow_name(cluster, run_id)
    found = api.get(Reference(API, "Workflow", name, cluster.target.namespace))
    if found is None:
        return RunState("unknown", "it is not in the cluster any more")
    status = found.get("status", {})
    phase = phase_of(status)
    if phase == "failed":
        return RunState(phase, "; ".join(failures(status)) or str(status.get("message", "it failed")))
    return RunState(phase, str(status.get("progress", "" if phase == "done" else "0")))


def phase_of(status: Body) -> Phase:
    match status.get("phase"):
        case "Succeeded":
            return "done"
        case "Failed" | "Error":
            return "failed"
        case _:
            return "running"


def failures(status: Body) -> Iterator[str]:
    """Pods that failed, with what they said."""
    for node in (status.get("nodes") or {}).values():
        if node.get("type") == "Pod" and node.get("phase") in ("Failed", "Error"):
            yield f"{node.get('displayName')}: {node.get('message', node['phase'])}"


def problems(status: Body) -> Iterator[str]:
    """Of a run that is under way or failed: its failures, else what is said of the whole."""
    found = [] if phase_of(status) == "done" else list(failures(status))
    yield from found
    if not found and phase_of(status) == "failed":
        yield str(status.get("message", "it failed"))


def newest_first(api: ClusterApi, cluster: Cluster) -> list[Body]:
    """All workflows of the system."""
    found = api.find(API, "Workflow", cluster.target.namespace, cluster.selector(PIPELINE))
    return sorted(found, key=lambda one: str(one["metadata"].get("creationTimestamp", "")), reverse=True)


def last_workflow(api: ClusterApi, cluster: Cluster) -> Body | None:
    """The youngest that is more than a refresh of the online store, or a proposal."""
    entrypoints = ((str(one["spec"].get("entrypoint", "")), one) for one in newest_first(api, cluster))
    return next((one for entrypoint, one in entrypoints if not is_side_work(entrypoint)), None)


def is_side_work(entrypoint: str) -> bool:
    return entrypoint == PROPOSE or entrypoint.startswith(REFRESH)


def reason_of(found: Body) -> str:
    parameters = (found["spec"].get("arguments") or {}).get("parameters") or ()
    return next((str(one["value"]) for one in parameters if one["name"] == "reason"), "submitted")


def wait_for(api: ClusterApi, cluster: Cluster, run_id: str, watch: Watch) -> None:
    """Raises MlsystemError when the run fails, or vanishes."""
    name, began = workflow_name(cluster, run_id), time.monotonic()
    watch(StepBegins(STEP, 1, 1))
    told = began
    while (state := state_of(api, cluster, run_id)).phase == "running":
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            watch(Waits(f"{STEP} {name} ({state.detail} steps)", told - began))
        time.sleep(PAUSE_SECONDS)
    if state.phase != "done":
        raise MlsystemError(
            f"run {name}: {state.detail}",
            f"its pods say more: kubectl -n {cluster.target.namespace} logs -l workflows.argoproj.io/workflow={name}; "
            "the next `mlsystem apply` submits it again",
        )
    watch(StepEnds(STEP, "done", f"run {name}", time.monotonic() - began))
