"""Runs of the pipeline in a cluster: Workflows made from the WorkflowTemplate, one for each run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from mlsystem.apply.cluster_api import ClusterApi, Reference
from mlsystem.apply.events import StepBegins, StepEnds, Waits, Watch
from mlsystem.emit.argo import ALL, API, model_entrypoint, model_steps
from mlsystem.emit.kubernetes.objects import Body, Cluster
from mlsystem.errors import MlsystemError

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
    return {
        "apiVersion": API,
        "kind": "Workflow",
        "metadata": cluster.metadata(workflow_name(cluster, run_id), "pipeline"),
        "spec": {
            "workflowTemplateRef": {"name": cluster.name("pipeline")},
            "entrypoint": entrypoint,
            "arguments": {"parameters": [{"name": "reason", "value": reason}]},
        },
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
    match status.get("phase"):
        case "Succeeded":
            return RunState("done", str(status.get("progress", "")))
        case "Failed" | "Error":
            return RunState("failed", "; ".join(failures(status)) or str(status.get("message", "it failed")))
        case _:
            return RunState("running", str(status.get("progress", "0")))


def failures(status: Body) -> Iterator[str]:
    """Pods that failed, with what they said."""
    for node in (status.get("nodes") or {}).values():
        if node.get("type") == "Pod" and node.get("phase") in ("Failed", "Error"):
            yield f"{node.get('displayName')}: {node.get('message', node['phase'])}"


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
