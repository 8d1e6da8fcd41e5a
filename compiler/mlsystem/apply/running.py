"""A system that runs in a cluster, as commands reach it from here: its API server, its release, its workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from mlsystem.apply.cluster_api import ClusterApi
from mlsystem.apply.cluster_environment import ClusterEnvironment
from mlsystem.apply.kubeconfig import access
from mlsystem.compile import Compiled
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.emit.kubernetes.processes import release_name
from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.api_server import ApiServer
from mlsystem_runtime.contract.configmap_release import ConfigMapReleaseStore, labels_of
from mlsystem_runtime.contract.release_store import ReleaseStore
from mlsystem_runtime.contract.workspace import Workspace

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


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


def workspace_from_here(cluster: Cluster, environ: Mapping[str, str]) -> Workspace:
    """Raises MlsystemError for a claim, whose files only pods see, and for a bucket that nobody here can find."""
    target = cluster.target
    if target.workspace is None:
        raise MlsystemError(
            f"the workspace is claim {cluster.name('workspace')}, which only pods of the cluster can read",
            f"put it in a bucket: environments.{cluster.system.environment}.workspace: s3://BUCKET/PREFIX",
        )
    if target.bucket_endpoint is not None and not any(environ.get(name) for name in ENDPOINTS):
        raise MlsystemError(
            f"the bucket is at {target.bucket_endpoint} for pods, and nothing says where it is from here",
            f"set {ENDPOINTS[0]} to an address of it that this machine reaches, and AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY",
        )
    if find_spec("boto3") is None:
        raise MlsystemError("boto3 is not installed", "pip install 'mlsystem[kubernetes]'")
    return Workspace(target.workspace)
