"""The namespace, where it is the system's own."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.kubernetes.objects import Cluster, KubernetesObject
from mlsystem.system.snapshots import ENVIRONMENT

ENFORCED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
"""Pods that may do more than ours are refused."""


def namespace(cluster: Cluster) -> Iterator[KubernetesObject]:
    """Nothing where it exists already. It is kept when the system is destroyed: data of people may be in it."""
    if not cluster.target.create_namespace:
        return
    labels = {**cluster.labels("namespace"), **ENFORCED}
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": cluster.target.namespace, "labels": labels},
    }
    yield KubernetesObject("namespace", body, ENVIRONMENT, kept=True)
