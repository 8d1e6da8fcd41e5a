"""Pods of a cluster that is made here run on the nodes that are for them, and on no others."""

from __future__ import annotations

from dataclasses import replace as with_fields
from typing import Any

from clusters import EXAMPLES, cluster_of
from msgspec.structs import replace

from mlsystem.cost.instances import InstancePrices
from mlsystem.emit.argo import pipeline_objects
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem.passes.hardware import node_groups, own_pods
from mlsystem.system.node_groups import NODES, labels, taints

GPU = {"nodes": 1, "gpu": {"type": "a10g", "count": 1}}


def placed(**hardware: Any) -> Cluster:
    override = {"training": {"hardware": hardware}} if hardware else {}
    one = cluster_of(EXAMPLES / "flights" / "mlsystem.yaml", workspace="s3://models/delay", override=override)
    prices = InstancePrices("us-east-1", {})
    groups = node_groups(one.system.models, one.target, tuple(own_pods(one.target)), 2, prices)
    target = replace(one.target, node_groups=groups)
    return with_fields(one, target=target, system=replace(one.system, target=target))


def pods(cluster: Cluster) -> dict[str, dict[str, Any]]:
    """What says where pods run, by the component, or the name of the template, that they are of."""
    found = {}
    for one in kubernetes_objects(cluster):
        template = one.body.get("spec", {}).get("template")
        if template is not None:
            found[template["metadata"]["labels"]["app.kubernetes.io/component"]] = template["spec"]
    (workflow, *_) = pipeline_objects(cluster)
    return found | {one["name"]: one for one in workflow.body["spec"]["templates"] if "dag" not in one}


def test_every_pod_runs_on_nodes_that_there_are_and_tolerates_what_keeps_others_away() -> None:
    cluster = placed(**GPU)
    groups = {group.name: group for group in cluster.target.node_groups}

    for pod in pods(cluster).values():
        group = groups[pod["nodeSelector"][NODES]]
        tolerated = {(one["key"], one["value"]) for one in pod.get("tolerations", ())}
        assert pod["nodeSelector"] == labels(group)
        assert tolerated == set(taints(group))


def test_servers_steps_trainings_and_the_rest_are_apart() -> None:
    places = {name: pod["nodeSelector"][NODES] for name, pod in pods(placed(**GPU)).items()}

    assert (places["server"], places["monitor"], places["begin"]) == ("serving", "system", "system")
    assert {place for name, place in places.items() if name.startswith("step-")} == {"pipeline"}
    assert {place for name, place in places.items() if name.startswith("train-")} == {"training-g5-xlarge"}


def test_a_gang_runs_on_the_nodes_of_its_training_and_its_executor_elsewhere() -> None:
    cluster = placed(nodes=3, gpu={"type": "a10g", "count": 1})

    (gang,) = [pod for name, pod in pods(cluster).items() if "3nodes" in name]
    assert gang["nodeSelector"] == {NODES: "system"}
    assert "training-g5-xlarge" in gang["resource"]["manifest"]


def test_where_nodes_are_others_business_nothing_says_where_pods_run() -> None:
    one = cluster_of(EXAMPLES / "flights" / "mlsystem.yaml", workspace="s3://models/delay")

    assert not any("nodeSelector" in pod for pod in pods(one).values())
