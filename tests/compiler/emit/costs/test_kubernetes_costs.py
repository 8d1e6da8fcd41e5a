"""What the objects of a system use, against a count by hand over the same objects."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from clusters import VARIATIONS, cluster_named

from mlsystem.cost.bill import Range, Use, point
from mlsystem.cost.runs import a_month
from mlsystem.emit.argo import pipeline_objects
from mlsystem.emit.costs.kubernetes import CLAIM, FREE, ONE_POD, RUNS, cores, pod_uses, size_bytes, volume_uses
from mlsystem.emit.costs.pipeline import by_requests, runs, trainings
from mlsystem.emit.grafana import dashboard_objects
from mlsystem.emit.kubernetes.objects import Cluster, KubernetesObject
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem.emit.prometheus import rule_objects
from mlsystem.system.target import TrainingHardware

KNATIVE = "serving.knative.dev/v1"


@cache
def objects_of(name: str) -> tuple[Cluster, tuple[KubernetesObject, ...]]:
    cluster = cluster_named(name)
    emitted = (kubernetes_objects, pipeline_objects, rule_objects, dashboard_objects)
    return cluster, tuple(one for emitter in emitted for one in emitter(cluster))


def uses(name: str) -> dict[str, Use]:
    cluster, objects = objects_of(name)
    return {one.what: one for one in (*pod_uses(cluster, objects), *volume_uses(objects))}


@pytest.mark.parametrize("name", VARIATIONS)
def test_every_kind_of_object_costs_something_or_says_why_not(name: str) -> None:
    _, objects = objects_of(name)
    unknown = {
        one.kind for one in objects
        if one.kind not in (*ONE_POD, *RUNS, CLAIM, *FREE) and one.body["apiVersion"] != KNATIVE
    }  # fmt: skip

    assert unknown == set()


@pytest.mark.parametrize("name", ["flights", "two models", "rollouts", "knative", "given stores"])
def test_every_pod_and_every_volume_is_counted_once(name: str) -> None:
    _, objects = objects_of(name)
    with_pods = [one for one in objects if "containers" in str(one.body.get("spec", {}).get("template", ""))]
    claims = [one for one in objects if one.kind == CLAIM]
    claims += [one for one in with_pods if one.body["spec"].get("volumeClaimTemplates")]

    found = list(uses(name))

    assert len([what for what in found if not what.startswith("volume of ")]) == len(with_pods)
    assert sorted(what for what in found if what.startswith("volume of ")) == sorted(
        f"volume of {one.name}" for one in claims
    )


def test_a_server_is_there_with_the_least_to_the_most_replicas_of_its_scaler() -> None:
    servers = uses("flights")["servers of main"]

    assert servers.quantity == Range(Decimal(2 * 730), Decimal(10 * 730))
    assert servers.rate == {"pod.cpu": Decimal(1), "pod.memory": Decimal(2)}
    assert (servers.models, servers.node) == (("main",), "endpoint.main")


def test_a_server_of_knative_counts_as_any_other() -> None:
    assert uses("knative")["servers of main"].quantity == Range(Decimal(2 * 730), Decimal(8 * 730))


def test_certified_replicas_are_as_many_as_they_are_on_average() -> None:
    cluster, _ = objects_of("certified")
    capacity = cluster.system.models[0].serving.capacity
    assert capacity is not None
    assert capacity.certified is not None
    mean = Decimal(str(round(capacity.certified.cost / capacity.replica, 4)))

    servers = uses("certified")["servers of main"]

    assert servers.quantity == point(mean * 730)
    assert servers.lever == ""


def test_what_belongs_to_nobody_alone_is_shared_and_can_be_done_without() -> None:
    database = next(
        use for what, use in uses("flights").items() if what.startswith("StatefulSet") and "tracking" in what
    )

    assert database.models == ()
    assert database.lever == "`tracking: {uri: …}` of an MLflow that is there already"


def test_stores_that_are_given_cost_nothing_here() -> None:
    assert not any("online-store" in what or "tracking" in what for what in uses("given stores"))


def test_a_volume_costs_what_is_declared_of_it_and_one_that_many_write_to_costs_more() -> None:
    found = uses("flights")
    workspace = next(use for what, use in found.items() if what.endswith("workspace"))
    redis = next(use for what, use in found.items() if what.startswith("volume of") and "online-store" in what)

    assert (workspace.rate, workspace.quantity) == ({"pod.shared_volume": Decimal(1)}, point(20))
    assert (redis.rate, redis.quantity) == ({"pod.volume": Decimal(1)}, point(10))


def test_a_gang_has_its_machines_all_at_once() -> None:
    cluster, _ = objects_of("gang")
    train = trainings(cluster, by_requests)["main"]

    assert train.rate == {"pod.cpu": Decimal(3), "pod.memory": Decimal(12)}
    assert train.machines == "3 nodes of 1 CPU, 4 GiB"


def test_gpus_have_a_price_of_their_own_by_type() -> None:
    rate, said = by_requests(TrainingHardware(cpu=4, memory_bytes=8 * 2**30, gpus=2, gpu_type="a10g"))

    assert rate == {"pod.cpu": Decimal(4), "pod.memory": Decimal(8), "pod.gpu.a10g": Decimal(2)}
    assert said == "4 CPU, 8 GiB, 2 a10g"


def test_a_refresh_comes_as_often_as_its_groups_ask_and_has_all_of_its_steps() -> None:
    cluster, objects = objects_of("flights")
    refresh = next(runs(cluster, by_requests))
    template: Any = next(one.body for one in objects if one.kind == "WorkflowTemplate")
    dag = next(one for one in template["spec"]["templates"] if one["name"] == "refresh-15m")

    assert refresh.schedule == "*/15 * * * *"
    assert a_month(refresh.schedule) == Decimal("2922.000")
    assert len(refresh.tasks) == len(dag["dag"]["tasks"])


@pytest.mark.parametrize(("text", "bytes_"), [("2Gi", 2 * 2**30), ("1500Mi", 1500 * 2**20), ("77", 77)])
def test_sizes_are_read_as_they_were_written(text: str, bytes_: int) -> None:
    assert size_bytes(text) == bytes_


@pytest.mark.parametrize(("text", "value"), [("2", "2"), ("500m", "0.5")])
def test_cores_are_read_as_they_were_written(text: str, value: str) -> None:
    assert cores(text) == Decimal(value)
