"""Whose objects are whose: what an update would meet in a namespace, and what it has left there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from mlsystem.apply.cluster_api import ClusterApi, Reference
from mlsystem.emit.argo import API
from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.errors import MlsystemError

OWNER = ("mlsystem.dev/system", "mlsystem.dev/environment")
READERS = (("apps/v1", "ReplicaSet"), ("apps/v1", "ControllerRevision"), (API, "Workflow"))
"""What still refers to a ConfigMap that no object of the stack names any more."""


def refuse_foreign(api: ClusterApi, cluster: Cluster, objects: Iterable[KubernetesObject]) -> None:
    """Raises MlsystemError naming every object that is there and is not of this system and environment: an update
    would adopt it, whosever it is."""
    found = list(foreign(api, cluster, objects))
    if found:
        raise MlsystemError(
            f"not of {cluster.system.name} in {cluster.system.environment}, and an apply would take them over: "
            f"{'; '.join(found)}",
            "delete or rename them, or choose another namespace: environments."
            f"{cluster.system.environment}.namespace.name",
        )


def foreign(api: ClusterApi, cluster: Cluster, objects: Iterable[KubernetesObject]) -> Iterator[str]:
    wanted = owner_of(cluster)
    for one in objects:
        reference = Reference.of(one.body)
        there = api.get(reference)
        if there is None:
            continue
        labels = there["metadata"].get("labels") or {}
        if any(labels.get(name) != value for name, value in wanted.items()):
            whose = [labels[name] for name in OWNER if name in labels]
            yield f"{reference} ({' in '.join(whose)})" if whose else str(reference)


def owner_of(cluster: Cluster) -> dict[str, str]:
    labels = cluster.labels("config")
    return {name: labels[name] for name in OWNER}


def unread_configs(api: ClusterApi, cluster: Cluster, objects: Iterable[KubernetesObject]) -> tuple[Reference, ...]:
    """ConfigMaps of earlier applies that no ReplicaSet and no Workflow refers to any more."""
    namespace, owner = cluster.target.namespace, owner_of(cluster)
    current = {one.name for one in objects if one.kind == "ConfigMap"}
    begins = cluster.name("config", "")
    mine = [one for one in api.find("v1", "ConfigMap", namespace, owner) if is_config(one, begins)]
    old = [one for one in mine if one["metadata"]["name"] not in current]
    if not old:
        return ()
    readers = [one for version, kind in READERS for one in api.find(version, kind, namespace, owner)]
    text = json.dumps(readers)
    names = (str(one["metadata"]["name"]) for one in old)
    return tuple(Reference("v1", "ConfigMap", name, namespace) for name in names if f'"{name}"' not in text)


def is_config(one: Body, begins: str) -> bool:
    return bool(one.get("immutable")) and str(one["metadata"]["name"]).startswith(begins)
