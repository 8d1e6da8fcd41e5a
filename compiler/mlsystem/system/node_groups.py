"""Which pods run on which machines of a cluster that is made here: by labels and taints of its nodes."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from mlsystem.system.target import NodeGroup, TrainingHardware

NODES = "mlsystem.dev/nodes"
"""The label, and on all but the nodes of the system the taint, that says what nodes are for."""
GPU = "nvidia.com/gpu"
"""The resource, and the taint of nodes that have it."""


def labels(group: NodeGroup) -> dict[str, str]:
    """Of its nodes, beside what every cluster says of nodes."""
    return {NODES: group.name}


def taints(group: NodeGroup) -> tuple[tuple[str, str], ...]:
    """Keys and values, all with the effect NoSchedule."""
    if group.purpose == "system":
        return ()
    return ((NODES, group.name), *([(GPU, "present")] if group.gpus else []))


def one_machine(hardware: TrainingHardware) -> TrainingHardware:
    return replace(hardware, nodes=1)


def group_for(
    groups: tuple[NodeGroup, ...], purpose: Literal["system", "serving", "pipeline"]
) -> NodeGroup | None:
    """Of what is there for all, of servers, or of steps; None where nodes are others' business."""
    return next((one for one in groups if one.purpose == purpose), None)


def group_of_training(groups: tuple[NodeGroup, ...], hardware: TrainingHardware) -> NodeGroup | None:
    """Where a training with this hardware runs: on nodes of its own, or where steps do."""
    machine = one_machine(hardware)
    return next((one for one in groups if machine in one.trains), group_for(groups, "pipeline"))
