"""All objects of a system in a namespace, in the order in which they make sense to a reader; those of the pipeline and
of the observability come from emitters of their own."""

from __future__ import annotations

from mlsystem.emit.kubernetes.access import access
from mlsystem.emit.kubernetes.config import configs
from mlsystem.emit.kubernetes.ingress import ingress
from mlsystem.emit.kubernetes.monitor import monitors
from mlsystem.emit.kubernetes.namespace import namespace
from mlsystem.emit.kubernetes.network import network
from mlsystem.emit.kubernetes.objects import Cluster, KubernetesObject
from mlsystem.emit.kubernetes.online_store import online_store
from mlsystem.emit.kubernetes.rollout import analyses
from mlsystem.emit.kubernetes.secrets import secrets
from mlsystem.emit.kubernetes.server import servers
from mlsystem.emit.kubernetes.tracking import tracking
from mlsystem.emit.kubernetes.workspace import workspace


def kubernetes_objects(cluster: Cluster) -> tuple[KubernetesObject, ...]:
    """The release is not among them: it is data, and its first writer makes it."""
    return (
        *namespace(cluster),
        *access(cluster),
        *configs(cluster),
        *secrets(cluster),
        *workspace(cluster),
        *online_store(cluster),
        *tracking(cluster),
        *analyses(cluster),
        *servers(cluster),
        *ingress(cluster),
        *monitors(cluster),
        *network(cluster),
    )
