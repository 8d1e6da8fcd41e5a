"""KEDA and Argo Rollouts do with what is generated what it is meant for; the series come from a test's Prometheus."""

from __future__ import annotations

import copy
import json

import pytest
from clusters import EXAMPLES, PLATFORM, cluster_of
from engines.kubectl import Cluster, Object
from engines.processes import Processes
from engines.prometheus_api import PrometheusApi, prometheus_api

from mlsystem.emit.kubernetes.rollout import PAUSE
from mlsystem.emit.kubernetes.scaling import PROMETHEUS, behaviour
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem.system.target import Scaling

SCALING = Scaling("keda", 2, 9, "requests", 20.0)
SERVER = "seattle-weather-main-server"
BY_REQUESTS = {"controller": "keda", "metric": "requests", "target": "20rps", "min_replicas": 2, "max_replicas": 9}


def generated(namespace: str, prometheus: PrometheusApi, rollouts: bool) -> list[Object]:
    """The server of the seattle example and what it needs, asking this Prometheus; pauses take a second."""
    system = cluster_of(
        EXAMPLES / "seattle" / "mlsystem.yaml", namespace={"name": namespace}, workspace="s3://models/seattle",
        platform={**PLATFORM, "prometheus": True, "keda": True, "argo_rollouts": rollouts},
        override={"serving": {"scaling": BY_REQUESTS}},
    )  # fmt: skip
    chosen = [one.body for one in kubernetes_objects(system) if one.concern in ("access", "config", "server")]
    text = json.dumps(chosen).replace(PROMETHEUS, prometheus.address)
    found: list[Object] = json.loads(text.replace(f'"{PAUSE}"', '"1s"').replace('"15s"', '"1s"'))
    return found


def test_the_autoscaler_that_keda_makes_is_the_one_of_the_spec(cluster: Cluster, keda: Processes) -> None:
    namespace = cluster.namespace("generated-keda")
    with prometheus_api(140.0) as answering:
        cluster.apply(*generated(namespace, answering, rollouts=False))
        made = cluster.wait_for("hpa", f"keda-hpa-{SERVER}", lambda one: "metrics" in one["spec"], namespace)["spec"]
        grown = cluster.wait_for("deployment", SERVER, lambda one: one["spec"].get("replicas") == 7, namespace, 120)

    assert (made["minReplicas"], made["maxReplicas"]) == (2, 9)
    assert made["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": SERVER}
    assert made["metrics"][0]["external"]["target"] == {"type": "AverageValue", "averageValue": "20"}
    assert all(item.items() <= made["behavior"][way].items() for way, item in behaviour(SCALING).items())
    assert grown["spec"]["replicas"] == 7


def test_metrics_that_are_lost_shrink_nothing(cluster: Cluster, keda: Processes) -> None:
    namespace = cluster.namespace("generated-lost")
    with prometheus_api(90.0) as answering:
        cluster.apply(*generated(namespace, answering, rollouts=False))
        cluster.wait_for("deployment", SERVER, lambda one: one["spec"].get("replicas") == 5, namespace, 120)

        answering.answer = None
        fallen = cluster.wait_for("scaledobject", SERVER, falls_back, namespace, 180)

        assert fallen["status"]["health"]
        assert cluster.get("deployment", SERVER, namespace)["spec"]["replicas"] == 5


def falls_back(scaled: Object) -> bool:
    conditions = scaled.get("status", {}).get("conditions", ())
    return any(one["type"] == "Fallback" and one["status"] == "True" for one in conditions)


def changed(objects: list[Object]) -> Object:
    rollout = copy.deepcopy(next(one for one in objects if one["kind"] == "Rollout"))
    rollout["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example.com/ml/seattle/server:other"
    return rollout


def settled(one: Object) -> bool:
    status, seen = one.get("status", {}), str(one["metadata"]["generation"])
    return bool((status.get("phase"), status.get("observedGeneration")) == ("Healthy", seen))


@pytest.mark.parametrize(("failing", "end"), [(0.01, "Healthy"), (0.5, "Degraded")])
def test_a_rollout_walks_its_steps_and_goes_back_when_answers_fail(
    cluster: Cluster, rollouts: Processes, failing: float, end: str
) -> None:
    namespace = cluster.namespace(f"generated-{end.lower()}")
    with prometheus_api(failing) as answering:
        objects = [one for one in generated(namespace, answering, rollouts=True) if one["kind"] != "ScaledObject"]
        cluster.apply(*objects)
        cluster.kubectl("scale", "rollout", SERVER, "--replicas=4", "-n", namespace)
        cluster.wait_for("rollout", SERVER, settled, namespace)
        first = cluster.get("rollout", SERVER, namespace)["status"]["stableRS"]

        cluster.apply(changed(objects))
        ended = cluster.wait_for(
            "rollout", SERVER, lambda one: moved(one, first) and one["status"]["phase"] == end, namespace, 120
        )

    assert (ended["status"]["stableRS"] == first) is (end == "Degraded")
    assert ended["status"].get("abort", False) is (end == "Degraded")
    assert len(only_steps(objects)) == 6


def moved(one: Object, first: str) -> bool:
    """The controller has seen the change."""
    status = one.get("status", {})
    current: object = status.get("currentPodHash")
    return current != first and status.get("observedGeneration") == str(one["metadata"]["generation"])


def only_steps(objects: list[Object]) -> list[Object]:
    (rollout,) = [one for one in objects if one["kind"] == "Rollout"]
    steps: list[Object] = rollout["spec"]["strategy"]["canary"]["steps"]
    return steps
