"""What may be gone of a server while nodes are drained or pods replaced: the budget, the surge and the spread, derived
together from the replicas, so that those that are left keep the objective.
"""

from __future__ import annotations

import math

from mlsystem.emit.kubernetes.access import SERVER
from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.kubernetes.processes import server_name
from mlsystem.system.nodes import ModelNode
from mlsystem_runtime.contract.model import Engine
from mlsystem_runtime.contract.names import DRAIN_DELAY_SECONDS

START_SECONDS: dict[Engine, int] = {"onnx": 15, "torch": 40}
"""From a pod that is wanted to one that answers, where nothing was measured: libraries, model, warming."""
ROLLOUT_SECONDS = 90
"""In which a rollout should be over, however many replicas there are."""


def needed(model: ModelNode) -> int:
    """Of the least replicas, those that have to answer: all but one, so that a node can always be drained."""
    return max(0, model.serving.scaling.min_replicas - 1)


def disruption_budget(cluster: Cluster, model: ModelNode) -> KubernetesObject | None:
    """As many may be evicted at once as are not needed, and those that are not ready at any time: so it never blocks a
    drain. None where there is never more than one replica, which it could not help."""
    scaling = model.serving.scaling
    if scaling.max_replicas == 1:
        return None
    body = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": cluster.metadata(server_name(cluster, model.name), SERVER, model.name),
        "spec": {
            "maxUnavailable": scaling.min_replicas - needed(model),
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": cluster.selector(SERVER, model.name)},
        },
    }
    return KubernetesObject("server", body, f"endpoint.{model.name}")


def replacement(model: ModelNode) -> Body:
    """Of a rolling update: no replica goes before another one answers. More start at once where starting takes long,
    so that two versions are not there for longer than a rollout should take."""
    waves = max(1, ROLLOUT_SECONDS // (START_SECONDS[model.serving.engine] + DRAIN_DELAY_SECONDS))
    return {"maxUnavailable": 0, "maxSurge": f"{math.ceil(100 / waves)}%"}


def spread(cluster: Cluster, model: ModelNode) -> list[Body]:
    """Over zones, then over nodes, so that the loss of one takes as few as can be; where that cannot be, a replica
    runs all the same. Pods of a rollout are counted apart from those that they replace."""
    alike = {"matchLabels": cluster.selector(SERVER, model.name)}
    version = "rollouts-pod-template-hash" if cluster.target.platform.argo_rollouts else "pod-template-hash"
    return [
        {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": alike,
         "matchLabelKeys": [version]}
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]  # fmt: skip
