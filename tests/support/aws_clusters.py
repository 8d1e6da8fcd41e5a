"""Systems whose cluster is made in an AWS account, or is one that exists there."""

from __future__ import annotations

from typing import Any

from clusters import EVERYTHING, EXAMPLES, cluster_of
from msgspec.structs import replace

from mlsystem.cost.instances import InstancePrices
from mlsystem.emit.aws.below import Below
from mlsystem.emit.kubernetes.objects import Names
from mlsystem.passes.hardware import node_groups, own_pods

ACCOUNT, REGION, WORKSPACE = "123456789012", "us-east-1", "s3://flight-delay-prod/delay"
COMPUTED = {
    "aws:eks/cluster:Cluster": {"endpoint": "https://made.example.com", "certificateAuthority": {"data": "Q0E="}},
    "aws:ec2/launchTemplate:LaunchTemplate": {"latestVersion": 1},
}  # fmt: skip
OUTSIDE = {"key_arn": "arn:key", "private_subnet_ids": ["subnet-1", "subnet-2"]}
"""What the account answers with, and what the foundation exports."""
ELSEWHERE = ("storage_class", "pull_secret", "gpu_selector")
ALL = {name: value for name, value in EVERYTHING.items() if name not in ELSEWHERE}
STORE = {"from": "external_secrets", "store": "account"}
ON_GPUS = {"training": {"hardware": {"gpu": {"type": "a10g", "count": 1}}}}


def below_of(example: str = "flights", existing: str | None = None, **settings: Any) -> Below:
    """With all that a platform can promise and a training on GPUs, unless `settings` of the environment say less."""
    settings = {"workspace": WORKSPACE, "platform": ALL, "secrets": STORE, "override": ON_GPUS, **settings}
    cluster = cluster_of(EXAMPLES / example / "mlsystem.yaml", "prod", **settings)
    system, target = cluster.system, cluster.target
    if existing is None:
        groups = node_groups(system.models, target, tuple(own_pods(target)), 2, InstancePrices(REGION, {}))
        target = replace(target, node_groups=groups)
    return Below(
        Names(replace(system, target=target), target), ACCOUNT, REGION, existing,
        entries=(target.secrets.name,), tags={"mlsystem.dev/system": system.name, "mlsystem.dev/environment": "prod"},
    )  # fmt: skip
