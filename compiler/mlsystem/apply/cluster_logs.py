"""The logs of an environment in a cluster: of its servers and its monitor, or of a step in its last run."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mlsystem.apply.cluster_api import ClusterApi, Reference
from mlsystem.apply.cluster_environment import ClusterEnvironment
from mlsystem.apply.workflow import newest_first
from mlsystem.emit.argo import all_steps, task_names
from mlsystem.emit.argo_pods import MAIN
from mlsystem.emit.kubernetes.access import MONITOR, PIPELINE, SERVER
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.emit.kubernetes.processes import gangs
from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.run import TrainStep

NODE_ID = "workflows.argoproj.io/node-id"
WORKFLOW = "workflows.argoproj.io/workflow"
JOB, INDEX = "batch.kubernetes.io/job-name", "batch.kubernetes.io/job-completion-index"


class Log(NamedTuple):
    pod: Reference
    container: str


def logs(environment: ClusterEnvironment, name: str, lines: int, *, follow: bool) -> Iterator[str]:
    """The end of every log that `name` has; with `follow` what comes, until the pods that are there now have ended.

    Raises MlsystemError where there is none.
    """
    api, cluster = environment.engine.api, environment.engine.inside.cluster
    found = logs_of(api, cluster, name)
    if len(found) == 1:
        return api.log(*found[0], lines, follow=follow)
    if follow:
        return merged(api, found, lines)
    return (f"{one.pod.name}: {line}" for one in found for line in api.log(*one, lines, follow=False))


def logs_of(api: ClusterApi, cluster: Cluster, name: str) -> tuple[Log, ...]:
    """`server` is all servers, `server.MODEL` those of one model."""
    processes = {SERVER: cluster.selector(SERVER), MONITOR: cluster.selector(MONITOR)}
    for model in cluster.system.models:
        processes[f"{SERVER}.{model.name}"] = cluster.selector(SERVER, model.name)
    tasks = task_names(step.name for step in all_steps(cluster))
    if name in tasks:
        return logs_of_gang(api, cluster, name) or (log_of_step(api, cluster, name, tasks[name]),)
    if name not in processes:
        raise MlsystemError(f"there is no log of '{name}'", f"there are logs of: {', '.join([*processes, *tasks])}")
    pods = api.find("v1", "Pod", cluster.target.namespace, processes[name])
    if not pods:
        raise MlsystemError(f"{name} has no pods in the cluster", f"mlsystem status -e {cluster.system.environment}")
    names = sorted(pod["metadata"]["name"] for pod in pods)
    return tuple(Log(pod_named(cluster, one), name.partition(".")[0]) for one in names)


def pod_named(cluster: Cluster, name: str) -> Reference:
    return Reference("v1", "Pod", name, cluster.target.namespace)


def logs_of_gang(api: ClusterApi, cluster: Cluster, step: str) -> tuple[Log, ...]:
    """Those of the pods that train together, of each number the last one. Empty where one pod carries out the step, or
    the one that makes the others has not done so."""
    payloads = {one.name: one.payload for one in all_steps(cluster)}
    payload = payloads[step]
    if not isinstance(payload, TrainStep) or payload.model not in gangs(cluster):
        return ()
    found = api.find("v1", "Pod", cluster.target.namespace, cluster.selector(PIPELINE, payload.model))
    pods = sorted(found, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
    last = {
        pod["metadata"]["labels"][INDEX]: pod["metadata"]["name"] for pod in pods
        if pod["metadata"]["labels"][JOB] == pods[-1]["metadata"]["labels"][JOB]
    }  # fmt: skip
    return tuple(Log(pod_named(cluster, last[number]), MAIN) for number in sorted(last, key=int))


def log_of_step(api: ClusterApi, cluster: Cluster, step: str, task: str) -> Log:
    """The last attempt of the last run that has it."""
    for workflow in newest_first(api, cluster):
        nodes = ((workflow.get("status") or {}).get("nodes") or {}).items()
        attempts = [(str(node.get("startedAt", "")), key) for key, node in nodes if is_attempt(node, task)]
        if attempts:
            run = workflow["metadata"]["name"]
            return Log(pod_of_node(api, cluster, run, step, max(attempts)[1]), MAIN)
    raise MlsystemError(f"no run in the cluster has started {step}", f"mlsystem run -e {cluster.system.environment}")


def is_attempt(node: dict[str, object], task: str) -> bool:
    """`TASK`, or `TASK(NUMBER)` where it may be tried again."""
    return node.get("type") == "Pod" and re.sub(r"\(\d+\)$", "", str(node.get("displayName"))) == task


def pod_of_node(api: ClusterApi, cluster: Cluster, run: str, step: str, node: str) -> Reference:
    for pod in api.find("v1", "Pod", cluster.target.namespace, {WORKFLOW: run}):
        if (pod["metadata"].get("annotations") or {}).get(NODE_ID) == node:
            return pod_named(cluster, pod["metadata"]["name"])
    raise MlsystemError(
        f"the pod of {step} in run {run} is gone, and its log with it",
        "pods of a run that went well stay for an hour; the cluster's own log collection may have more",
    )


def merged(api: ClusterApi, found: Sequence[Log], lines: int) -> Iterator[str]:
    """Lines of all as they come, each with its pod."""
    lines_and_ends: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read(one: Log) -> None:
        try:
            for line in api.log(*one, lines, follow=True):
                lines_and_ends.put(f"{one.pod.name}: {line}")
        except MlsystemError as error:
            lines_and_ends.put(f"{one.pod.name}: {error.message}")
        finally:
            lines_and_ends.put(None)

    for one in found:
        threading.Thread(target=read, args=(one,), daemon=True).start()  # Ctrl-C waits for none of them
    reading = len(found)
    while reading:
        line = lines_and_ends.get()
        if line is None:
            reading -= 1
        else:
            yield line
