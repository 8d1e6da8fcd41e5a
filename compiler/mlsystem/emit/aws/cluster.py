"""The stack *cluster*: one that is made here with all that `platform` promises, or references to one that exists."""

from __future__ import annotations

from mlsystem.emit.aws.account import tags
from mlsystem.emit.aws.addons import addons
from mlsystem.emit.aws.below import Below
from mlsystem.emit.aws.eks import SUBNETS, control_plane, existing, outputs
from mlsystem.emit.aws.entrants import entrants
from mlsystem.emit.aws.identity import identities
from mlsystem.emit.aws.nodes import nodes
from mlsystem.emit.aws.platform import platform
from mlsystem.emit.aws.resource import Lookup, Resource, Stack
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.system.aws import Aws


def below_of(cluster: Cluster, aws: Aws) -> Below:
    return Below(
        names=cluster,
        account=aws.account,
        region=aws.region,
        existing=aws.cluster,
        log_retention_days=aws.log_retention_days,
        api_access=() if aws.network is None else aws.network.api_access,
        network=None if aws.network is None else aws.network.cidr,
        entries=(aws.entry, *((aws.made_entry,) if aws.made_secrets else ())),
        boundary=aws.boundary,
        plan_role=aws.plan_role,
        apply_role=aws.apply_role,
        tags=tags(cluster),
    )


def cluster_stack(below: Below) -> Stack:
    resources, lookups = referred(below) if below.existing is not None else made(below)
    return Stack(
        name="cluster",
        project=f"{below.names.prefix}-cluster",
        environment=below.names.system.environment,
        account=below.account,
        region=below.region,
        tags=below.tags,
        resources=resources,
        lookups=lookups,
        outputs=outputs(below),
    )


def made(below: Below) -> tuple[tuple[Resource, ...], tuple[Lookup, ...]]:
    groups = below.names.target.node_groups
    resources = (
        *control_plane(below),
        *entrants(below),
        *addons(below),
        *nodes(below, groups, SUBNETS),
        *identities(below),
        *platform(below, groups),
    )
    return resources, ()


def referred(below: Below) -> tuple[tuple[Resource, ...], tuple[Lookup, ...]]:
    """Who may do what in the account is ours to say there too; it needs EKS's pod identity agent."""
    return tuple(identities(below)), (existing(below),)
