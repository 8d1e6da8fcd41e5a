"""The machines of the cluster: a managed node group for each kind, which the autoscaler makes larger and smaller."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.aws.addons import BEFORE_NODES
from mlsystem.emit.aws.below import CLUSTER, Below
from mlsystem.emit.aws.resource import Ref, Resource, Value
from mlsystem.emit.aws.role import of_service, role
from mlsystem.system.node_groups import labels, taints
from mlsystem.system.target import NodeGroup

CONCERN = "nodes"
ROLE = "nodes"
DISK_GIB, GPU_DISK_GIB = 50, 100
"""Of a node: images, logs, and what pods write below emptyDir. Images with libraries for GPUs are larger."""
AWS_POLICIES = {
    "worker": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodeMinimalPolicy",
    "pull": "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
}
"""What a node may do itself: join, and pull images. What its pods may do, their own roles say."""


def nodes(below: Below, groups: tuple[NodeGroup, ...], subnets: Value) -> Iterator[Resource]:
    why = "Of the machines, not of what runs on them."
    yield from role(below, ROLE, CONCERN, of_service("ec2"), AWS_POLICIES, why=why)
    for group in groups:
        yield template(below, group)
        yield managed(below, group, subnets)


def template(below: Below, group: NodeGroup) -> Resource:
    """Disks are encrypted by the key of the account's own that EBS has: another one would have to let the autoscaling
    service use it. One hop: pods cannot take the node's identity for their own."""
    tags = {**below.tags, "Name": below.named(group.name)}
    disk = {
        "device_name": "/dev/xvda",
        "ebs": {
            "volume_size": GPU_DISK_GIB if group.gpus else DISK_GIB,
            "volume_type": "gp3",
            "encrypted": "true",
            "delete_on_termination": "true",
        },
    }
    inputs = {
        "name": below.named(group.name),
        "update_default_version": True,
        "block_device_mappings": [disk],
        "metadata_options": {"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
        "tag_specifications": [{"resource_type": kind, "tags": tags} for kind in ("instance", "volume")],
    }
    return Resource("aws.ec2.LaunchTemplate", f"machine-{group.name}", inputs, CONCERN, below.origin)


def managed(below: Below, group: NodeGroup, subnets: Value) -> Resource:
    """How many there are now is the autoscaler's business."""
    machine = f"machine-{group.name}"
    inputs = {
        "cluster_name": Ref(CLUSTER, "name"),
        "node_group_name_prefix": f"{group.name}-",
        "node_role_arn": Ref(ROLE, "arn"),
        "subnet_ids": subnets,
        "ami_type": "AL2023_x86_64_NVIDIA" if group.gpus else "AL2023_x86_64_STANDARD",
        "capacity_type": "SPOT" if group.spot else "ON_DEMAND",
        "instance_types": list(group.instances),
        "scaling_config": {"min_size": group.least, "max_size": group.most, "desired_size": group.least},
        "update_config": {"max_unavailable": 1},
        "node_repair_config": {"enabled": True},
        "labels": labels(group),
        "taints": [{"key": key, "value": value, "effect": "NO_SCHEDULE"} for key, value in taints(group)] or None,
        "launch_template": {
            "id": Ref(machine, "id"),
            "version": Ref(machine, "latest_version.apply(str)"),
        },
    }
    return Resource(
        "aws.eks.NodeGroup", f"nodes-{group.name}", inputs, CONCERN, below.origin, why=purpose(group),
        ignore_changes=("scalingConfig.desiredSize",),
        depends_on=(*(f"{ROLE}-{name}" for name in AWS_POLICIES), *(f"addon-{name}" for name in BEFORE_NODES)),
    )  # fmt: skip


def purpose(group: NodeGroup) -> str:
    match group.purpose:
        case "system":
            return "For what always runs: the platform's controllers, the monitor, the system's own stores."
        case "serving":
            return "For servers and nothing else: what was measured of them holds only where nobody takes their time."
        case "pipeline":
            return "For steps of the pipeline; none while nothing runs."
        case "training":
            return "For trainings with this hardware; none while nothing is trained."
