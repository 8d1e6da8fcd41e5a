"""The stacks below the system, in the order in which they are made: each asks only those before it."""

from __future__ import annotations

from collections.abc import Sequence

from mlsystem.emit.aws.cluster import below_of, cluster_stack
from mlsystem.emit.aws.foundation import foundation_stack
from mlsystem.emit.aws.resource import Stack
from mlsystem.emit.kubernetes.objects import Cluster


def account_stacks(cluster: Cluster, repositories: Sequence[str]) -> tuple[Stack, ...]:
    """None where the cluster is all that is known. `repositories` are those of the images that are pushed."""
    if cluster.target.aws is None:
        return ()
    return (foundation_stack(cluster, repositories), cluster_stack(below_of(cluster, cluster.target.aws)))
