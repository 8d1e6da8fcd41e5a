"""The workspace of a system in a cluster, as it is reached from this machine."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.workspace import Workspace

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


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
