"""The volume that holds the workspace, where no bucket does."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.kubernetes.pods import memory
from mlsystem.emit.kubernetes.processes import in_bucket, workspace_claim
from mlsystem.system.snapshots import ENVIRONMENT


def workspace(cluster: Cluster) -> Iterator[KubernetesObject]:
    """Servers, monitor and steps on several nodes write there: the storage class has to allow that (ReadWriteMany).

    Models, ledger and logs are in it: it is kept when the system is destroyed.
    """
    if in_bucket(cluster):
        return
    body = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": cluster.metadata(workspace_claim(cluster), "workspace"),
        "spec": claim(cluster, "ReadWriteMany", cluster.target.storage_bytes),
    }
    yield KubernetesObject("workspace", body, ENVIRONMENT, skip_await=True, kept=True)


def claim(cluster: Cluster, mode: str, size_bytes: int) -> Body:
    spec: Body = {
        "accessModes": [mode],
        "volumeMode": "Filesystem",
        "resources": {"requests": {"storage": memory(size_bytes)}},
    }
    storage_class = cluster.target.platform.storage_class
    return spec if storage_class is None else {**spec, "storageClassName": storage_class}
