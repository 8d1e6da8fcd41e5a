"""What a server that Knative runs is at this moment: by its Service, and the revision of it that was made last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mlsystem.apply.cluster_api import ClusterApi, Reference
from mlsystem.emit.kubernetes.knative import KNATIVE
from mlsystem.emit.kubernetes.objects import Body, Cluster
from mlsystem.emit.kubernetes.processes import knative_name


class KnativeServer(NamedTuple):
    """`actual` pods of the last revision are ready, of `desired`; requests go to it once `answering`. `reasons`: what
    is not well."""

    name: str
    actual: int
    desired: int
    answering: bool
    reasons: tuple[str, ...]


def knative_server(api: ClusterApi, cluster: Cluster, model: str) -> KnativeServer | None:
    """None where the cluster has none."""
    name, namespace = knative_name(cluster, model), cluster.target.namespace
    service = api.get(Reference(KNATIVE["apiVersion"], KNATIVE["kind"], name, namespace))
    if service is None:
        return None
    status = service.get("status") or {}
    latest = status.get("latestCreatedRevisionName")
    made = api.get(Reference(KNATIVE["apiVersion"], "Revision", latest, namespace)) if latest else None
    pods = (made or {}).get("status") or {}
    return KnativeServer(
        name, pods.get("actualReplicas", 0), pods.get("desiredReplicas", 0),
        answering=latest is not None and status.get("latestReadyRevisionName") == latest,
        reasons=tuple(dict.fromkeys(unwell(status))),
    )  # fmt: skip


def unwell(status: Body) -> Iterator[str]:
    for condition in status.get("conditions") or ():
        if condition["type"] != "Ready" and condition["status"] != "True":
            said = f"{condition.get('reason') or condition['type']}: {condition.get('message', '')}"
            yield said.removesuffix(": ")
