"""A system that runs in a cluster, as commands reach it from here: its API server, its release, its workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlsystem.apply.cluster_api import ClusterApi
from mlsystem.apply.cluster_environment import ClusterEnvironment
from mlsystem.apply.kubeconfig import access
from mlsystem.apply.reach import workspace_from_here
from mlsystem.compile import Compiled
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.emit.kubernetes.processes import release_name
from mlsystem_runtime.contract.api_server import ApiServer
from mlsystem_runtime.contract.configmap_release import ConfigMapReleaseStore, labels_of
from mlsystem_runtime.contract.release_store import ReleaseStore
from mlsystem_runtime.contract.workspace import Workspace


@dataclass(frozen=True)
class Running:
    """`open_workspace` raises MlsystemError where the workspace is out of reach."""

    environment: ClusterEnvironment
    releases: ReleaseStore
    open_workspace: Callable[[], Workspace]

    @property
    def name(self) -> str:
        return self.environment.name

    @property
    def compiled(self) -> Compiled:
        return self.environment.compiled

    @property
    def cluster(self) -> Cluster:
        return self.environment.engine.inside.cluster

    @property
    def namespace(self) -> str:
        return self.cluster.target.namespace

    @property
    def api(self) -> ClusterApi:
        return self.environment.engine.api

    @property
    def workspace(self) -> Workspace:
        return self.open_workspace()


def running_of(environment: ClusterEnvironment, environ: Mapping[str, str]) -> Running:
    """Raises MlsystemError where the kubeconfig leads to no cluster."""
    cluster = environment.engine.inside.cluster
    way, name = access(cluster.target.context, environ), release_name(cluster)
    server = ApiServer(way.server, way.tls, lambda: way.headers)
    releases = ConfigMapReleaseStore(server, cluster.target.namespace, name, labels_of(name, environment.name))
    return Running(environment, releases, lambda: workspace_from_here(cluster, environ))
