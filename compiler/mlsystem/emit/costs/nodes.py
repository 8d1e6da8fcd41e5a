"""What the machines of a cluster cost that is made here: those that are always there, and those that come for work."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from mlsystem.cost.bill import Range, Use, point
from mlsystem.cost.instances import BY_NAME, Need
from mlsystem.cost.nodes import packed
from mlsystem.cost.price_list import EC2
from mlsystem.cost.prices import HOURS
from mlsystem.emit.aws.resource import Resource
from mlsystem.emit.contract import refreshes
from mlsystem.system.node_groups import group_of_training
from mlsystem.system.nodes import ModelNode, System
from mlsystem.system.target import NodeGroup, TrainingHardware

KEPT_US: Final = 20 * 60 * 1_000_000
"""Work that comes more often than this keeps a node: the autoscaler takes one away that was idle for ten minutes."""
DISK_GB, GPU_DISK_GB = Decimal(50), Decimal(100)


class Nodes(NamedTuple):
    system: System
    groups: tuple[NodeGroup, ...]

    def uses(self, one: Resource) -> Iterator[Use]:
        """Of a managed node group: its machines and their disks. Those of trainings cost what a run costs."""
        group = next(found for found in self.groups if one.name.removeprefix("nodes-") == found.name)
        count, said = self.how_many(group)
        if count is None:
            return
        name, models = group.instances[0], self.models(group)
        lever, least = self.lever(group)
        spot = "; spot capacity, which costs less, counts as if it were not" if group.spot else ""
        hours = Decimal(HOURS)
        yield Use(
            f"nodes for {group.name}", name, one.origin, models, {f"{EC2}{name}": Decimal(1)}, "hour", count * hours,
            f"{said}{spot}", lever, least * hours,
        )  # fmt: skip
        disk = GPU_DISK_GB if group.gpus else DISK_GB
        yield Use(
            f"disks of nodes for {group.name}", f"{disk:f} GB, gp3", one.origin, models, {"ebs.gp3": Decimal(1)},
            "GB-month", count * disk, said, lever, least * disk,
        )  # fmt: skip

    def how_many(self, group: NodeGroup) -> tuple[Range | None, str]:
        match group.purpose:
            case "system":
                return point(group.least), f"{group.least} all month"
            case "serving":
                return self.serving(group)
            case "pipeline" if self.kept_warm:
                return point(1), "one, kept by refreshes that come before it is taken away"
            case _:
                return None, ""

    def serving(self, group: NodeGroup) -> tuple[Range, str]:
        """For as many replicas as there are: between the bounds, or on average where that is certified."""
        models = self.system.models
        means = [certified_mean(model) for model in models]
        if None not in means:
            nodes = self.holding(group, [math.ceil(mean or 0) for mean in means])
            return point(nodes), f"{nodes}, for the replicas that there are on average"
        least = self.holding(group, [model.serving.scaling.min_replicas for model in models])
        most = self.holding(group, [model.serving.scaling.max_replicas for model in models])
        said = f"{least}" if least == most else f"{least} to {most}"
        return Range(Decimal(least), Decimal(most)), f"{said}, for the least to the most replicas all month"

    def holding(self, group: NodeGroup, replicas: Sequence[int]) -> int:
        """Nodes for as many replicas of each model."""
        pods: Counter[Need] = Counter()
        for model, count in zip(self.system.models, replicas, strict=True):
            pods[Need(model.serving.hardware.cpu, model.serving.hardware.memory_bytes)] += count
        return max(packed(pods, BY_NAME[group.instances[0]]) or 0, group.least)

    @property
    def kept_warm(self) -> bool:
        return any(refresh.every_us <= KEPT_US for refresh in refreshes(self.system))

    def models(self, group: NodeGroup) -> tuple[str, ...]:
        names = tuple(model.name for model in self.system.models)
        return names if group.purpose == "serving" and len(names) == 1 else ()

    def lever(self, group: NodeGroup) -> tuple[str, Decimal]:
        if group.purpose == "pipeline":
            return "`online: {every: 1h}` of the feature groups: no node waits for the next refresh", Decimal(0)
        return "", Decimal(0)

    def machines(self, hardware: TrainingHardware) -> tuple[dict[str, Decimal], str]:
        """What a step runs on, by the name of a price: on a machine that is there anyway it costs nothing more."""
        group = group_of_training(self.groups, hardware)
        assert group is not None, "a cluster that is made here has nodes for steps"
        if group.purpose == "pipeline" and self.kept_warm:
            return {}, "a node that is there already"
        name = group.instances[0]
        return {f"{EC2}{name}": Decimal(hardware.nodes)}, f"{hardware.nodes} {name}"


def certified_mean(model: ModelNode) -> float | None:
    capacity = model.serving.capacity
    if capacity is None or capacity.certified is None:
        return None
    return capacity.certified.cost / capacity.replica
