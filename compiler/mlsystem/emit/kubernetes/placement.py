"""Where pods run, in a cluster whose nodes are made here: on those that are for them."""

from __future__ import annotations

from typing import Literal

from mlsystem.emit.kubernetes.objects import Body, Cluster
from mlsystem.system.node_groups import group_for, group_of_training, labels, taints
from mlsystem.system.target import NodeGroup, TrainingHardware


def placed(cluster: Cluster, purpose: Literal["system", "serving", "pipeline"]) -> Body:
    """Nothing where nodes are others' business."""
    return on_nodes(group_for(cluster.target.node_groups, purpose))


def placed_training(cluster: Cluster, hardware: TrainingHardware) -> Body:
    return on_nodes(group_of_training(cluster.target.node_groups, hardware))


def on_nodes(group: NodeGroup | None) -> Body:
    if group is None:
        return {}
    tolerated = [
        {"key": key, "operator": "Equal", "value": value, "effect": "NoSchedule"} for key, value in taints(group)
    ]
    return {"nodeSelector": labels(group), **({"tolerations": tolerated} if tolerated else {})}
