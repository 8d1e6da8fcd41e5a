"""Every object of every variation, judged by a real API server: created strictly, applied twice with no change."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from clusters import VARIATIONS, cluster_named
from engines.controllers import install_definitions
from engines.kubectl import Cluster, Object, listed
from engines.recipes import is_built

from mlsystem.emit.kubernetes.objects import KubernetesObject
from mlsystem.emit.kubernetes.system import kubernetes_objects

Place = tuple[str, str]
OURS_ALONE = ("ServiceAccount", "Role", "RoleBinding", "ConfigMap", "NetworkPolicy", "Ingress", "AnalysisTemplate")
"""Kinds that no controller of the cluster writes."""

DEFINED_BY = {
    "argoproj.io/v1alpha1 Rollout": "rollouts", "argoproj.io/v1alpha1 AnalysisTemplate": "rollouts",
    "keda.sh/v1alpha1 ScaledObject": "keda", "serving.knative.dev/v1 Service": "knative-definitions",
}  # fmt: skip


@pytest.fixture(scope="module")
def judge(cluster: Cluster) -> Cluster:
    """The cluster with the definitions that generated objects may need."""
    for engine in sorted(set(DEFINED_BY.values())):
        if is_built(engine):
            install_definitions(cluster, engine)
    cluster.apply(*external_secrets())
    return cluster


def external_secrets() -> list[Object]:
    """External Secrets' own definition is not to be had: this one takes any `spec`."""
    names = {"kind": "ExternalSecret", "plural": "externalsecrets", "singular": "externalsecret"}
    fields = {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": fields}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    return [{
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "externalsecrets.external-secrets.io"},
        "spec": {"group": "external-secrets.io", "names": names, "scope": "Namespaced", "versions": [version]},
    }]  # fmt: skip


@pytest.fixture(params=VARIATIONS)
def generated(request: pytest.FixtureRequest, judge: Cluster) -> list[Object]:
    """The objects of a variation, in a namespace of their own; those of an absent engine are skipped by its name."""
    objects = kubernetes_objects(cluster_named(request.param))
    kinds = {f"{one.body['apiVersion']} {one.kind}" for one in objects}
    for engine in sorted({DEFINED_BY[kind] for kind in kinds if kind in DEFINED_BY}):
        if not is_built(engine):
            pytest.skip(f"engine '{engine}' is not built: make engines")
    namespace = "generated-" + re.sub(r"[^a-z0-9]+", "-", request.param.lower())
    return [moved(one, namespace) for one in objects]


def moved(one: KubernetesObject, namespace: str) -> Object:
    """The same object in another namespace."""
    if one.kind == "Namespace":
        return {**one.body, "metadata": {**one.body["metadata"], "name": namespace}}
    body: Object = json.loads(json.dumps(one.body))
    body["metadata"]["namespace"] = namespace
    for subject in body.get("subjects", ()):
        subject["namespace"] = namespace
    return body


def test_the_server_takes_every_object_and_the_second_time_changes_nothing(
    judge: Cluster, generated: list[Object]
) -> None:
    namespace = generated[-1]["metadata"]["namespace"]
    judge.namespace(namespace)
    others = [one for one in generated if one["kind"] != "Namespace"]

    judge.apply(*generated)
    before = written(judge, others)
    said = judge.apply(*generated)

    assert said.count("serverside-applied") == len(generated)
    assert written(judge, others) == before
    judge.kubectl("delete", "namespace", namespace, "--wait=false")


def written(cluster: Cluster, objects: list[Object]) -> dict[Place, Any]:
    """What the server holds of what was asked for; where controllers write too, what is ours, and when we wrote."""
    said = cluster.kubectl("get", "-f", "-", "-o", "json", "--show-managed-fields", stdin=listed(objects))
    return {(one["kind"], one["metadata"]["name"]): stand(one) for one in json.loads(said)["items"]}


def stand(held: Object) -> Any:
    if held["kind"] in OURS_ALONE:
        return held["metadata"]["resourceVersion"]
    (ours,) = [entry for entry in held["metadata"]["managedFields"] if entry["manager"] == "kubectl"]
    spec = {key: value for key, value in held["spec"].items() if key != "replicas"}
    return ours["fieldsV1"], ours["time"], spec
