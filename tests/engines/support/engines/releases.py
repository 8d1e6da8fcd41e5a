"""Helm releases, as far as a stand-in goes: what was asked for is kept in the cluster, and of what the chart would
install there are the kinds that programs name. Nothing of a chart runs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Protocol

from engines.definitions import definition
from engines.provider_protocol import Properties
from mlsystem.apply.cluster_api import Reference

TYPE = "kubernetes:helm.sh/v3:Release"
KINDS: Mapping[str, tuple[tuple[str, str, str, str], ...]] = {
    "external-secrets": (
        ("external-secrets.io", "v1", "ClusterSecretStore", "Cluster"),
        ("external-secrets.io", "v1", "ExternalSecret", "Namespaced"),
    ),
    "argo-workflows": tuple(
        ("argoproj.io", "v1alpha1", kind, "Namespaced") for kind in ("Workflow", "WorkflowTemplate", "CronWorkflow")
    ),
    "kube-prometheus-stack": tuple(
        ("monitoring.coreos.com", "v1", kind, "Namespaced")
        for kind in ("PrometheusRule", "ServiceMonitor", "PodMonitor")
    ),
}
"""What charts bring, by their names."""


class Server(Protocol):
    def apply(self, body: Properties) -> Properties: ...

    def get(self, one: Reference) -> Properties | None: ...

    def delete(self, one: Reference) -> None: ...


def is_release(urn: str) -> bool:
    return urn.split("::")[2].rpartition("$")[2] == TYPE


def create(api: Server, inputs: Properties) -> tuple[str, Properties]:
    namespace = inputs.get("namespace", "default")
    if inputs.get("createNamespace") and api.get(Reference("v1", "Namespace", namespace)) is None:
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    for group, version, kind, scope in KINDS.get(str(inputs["chart"]), ()):
        bring(api, group, version, kind, scope)
    update(api, inputs)
    return f"{namespace}/{inputs['name']}", {**inputs, "status": {"status": "deployed", "name": inputs["name"]}}


def bring(api: Server, group: str, version: str, kind: str, scope: str) -> None:
    """And known to the server when this returns; one that is there already stays as it is."""
    plural = f"{kind.lower()}s"
    one = Reference("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.{group}")
    if api.get(one) is None:
        api.apply(definition(kind, plural, group, version, scope))
    while not established(api.get(one)):
        time.sleep(0.1)


def established(found: Properties | None) -> bool:
    conditions = ((found or {}).get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


def update(api: Server, inputs: Properties) -> None:
    api.apply(kept(inputs) | {"data": {"inputs": json.dumps(inputs, sort_keys=True)}})


def read(api: Server, inputs: Properties) -> Properties | None:
    found = api.get(reference(inputs))
    asked: Properties | None = None if found is None else json.loads(found["data"]["inputs"])
    return asked


def delete(api: Server, inputs: Properties) -> None:
    api.delete(reference(inputs))


def reference(inputs: Properties) -> Reference:
    return Reference.of(kept(inputs))


def kept(inputs: Properties) -> dict[str, Any]:
    metadata = {"name": f"release-{inputs['name']}", "namespace": inputs.get("namespace", "default")}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
