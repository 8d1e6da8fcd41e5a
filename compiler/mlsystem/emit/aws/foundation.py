"""The stack *foundation*: what outlives the cluster, and holds what would be lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlsystem.emit.aws.account import Account
from mlsystem.emit.aws.budget import budget
from mlsystem.emit.aws.databases import databases, random_passwords, secrets
from mlsystem.emit.aws.keys import KEY, keys
from mlsystem.emit.aws.network import looked_up, network, private_subnets
from mlsystem.emit.aws.registry import registry
from mlsystem.emit.aws.resource import Ref, Stack, Value
from mlsystem.emit.aws.storage import storage
from mlsystem.emit.kubernetes.objects import Cluster

EMITTERS = (keys, network, storage, registry, secrets, databases, budget)


def foundation_stack(cluster: Cluster, repositories: Iterable[str]) -> Stack:
    """`repositories` are those of the images that are pushed, with their registry."""
    aws = cluster.target.aws
    assert aws is not None, "asked for only where there is an account"
    account = Account(cluster, aws, tuple(sorted({one.partition("/")[2] for one in repositories})))
    return Stack(
        name="foundation",
        project=f"{cluster.prefix}-foundation",
        environment=cluster.system.environment,
        account=aws.account,
        region=aws.region,
        tags=account.tags,
        resources=tuple(one for emitter in EMITTERS for one in emitter(account)),
        lookups=(*looked_up(account), *random_passwords(account)),
        outputs=outputs(account),
    )


def outputs(account: Account) -> Mapping[str, Value]:
    """What the stack *cluster* and `apply` ask for."""
    found: dict[str, Value] = {"key_arn": KEY}
    if account.aws.network is not None:
        found |= {"network_id": Ref("vpc", "id"), "private_subnet_ids": private_subnets(account)}
    if account.aws.bucket is not None:
        found["workspace"] = f"s3://{account.aws.bucket}"
    return found
