"""Looking into generated objects: the pods that they make, and what these contain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mlsystem.emit.kubernetes.objects import KubernetesObject

Body = dict[str, Any]


def workloads(objects: Iterable[KubernetesObject]) -> list[KubernetesObject]:
    """Those that make pods."""
    return [one for one in objects if "template" in one.body.get("spec", {})]


def pod_spec(workload: KubernetesObject) -> Body:
    found: Body = workload.body["spec"]["template"]["spec"]
    return found


def containers(objects: Iterable[KubernetesObject]) -> list[Body]:
    return [
        one for workload in workloads(objects) for kind in ("initContainers", "containers")
        for one in pod_spec(workload).get(kind, ())
    ]  # fmt: skip


def of_kind(objects: Iterable[KubernetesObject], *kinds: str) -> list[Body]:
    return [one.body for one in objects if one.kind in kinds]


def only(objects: Iterable[KubernetesObject], kind: str, end: str = "") -> Body:
    """The one of this kind whose name ends so."""
    (found,) = [one for one in of_kind(objects, kind) if one["metadata"]["name"].endswith(end)]
    return found


def environment(container: Body) -> dict[str, Any]:
    """Values by name; where a value comes from elsewhere, where from."""
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container.get("env", ())}


def values(body: Any) -> Iterator[Any]:
    """Every scalar below, keys included."""
    if isinstance(body, dict):
        for key, one in body.items():
            yield key
            yield from values(one)
    elif isinstance(body, list):
        for one in body:
            yield from values(one)
    else:
        yield body
