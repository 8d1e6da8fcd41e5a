"""Every variation of a system in a cluster, and its objects; made once."""

from __future__ import annotations

from functools import cache

import pytest
from clusters import VARIATIONS, cluster_named

from mlsystem.emit.kubernetes.objects import Cluster, KubernetesObject
from mlsystem.emit.kubernetes.system import kubernetes_objects

Objects = tuple[KubernetesObject, ...]


@cache
def objects_named(name: str) -> Objects:
    return kubernetes_objects(cluster_named(name))


@pytest.fixture(params=VARIATIONS)
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """Each variation in turn."""
    return cluster_named(request.param)


@pytest.fixture
def objects(request: pytest.FixtureRequest, cluster: Cluster) -> Objects:
    """Those of `cluster`."""
    return objects_named(request.node.callspec.params["cluster"])


@pytest.fixture
def flights() -> Objects:
    """The flights example with nothing declared beyond what is needed."""
    return objects_named("flights")
