"""The server of a model in a cluster: what its pods run, how they are scaled, and how they end."""

from __future__ import annotations

from typing import Any

import pytest
from clusters import EXAMPLES, cluster_named, cluster_of
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pods import environment, of_kind, only

from mlsystem.emit.kubernetes.disruption import needed, replacement
from mlsystem.emit.kubernetes.objects import Cluster, KubernetesObject
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem_runtime.__main__ import parser
from mlsystem_runtime.contract import names
from mlsystem_runtime.contract.run import decode_run_config

Objects = tuple[KubernetesObject, ...]
FLIGHTS = cluster_of(EXAMPLES / "flights" / "mlsystem.yaml")


def objects_of(variation: str) -> Objects:
    return kubernetes_objects(cluster_named(variation))


def pods(workload: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = workload["spec"]["template"]["spec"]
    return found


def container(workload: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = pods(workload)["containers"][0]
    return found


def scaled(least: int, most: int) -> Cluster:
    (model,) = FLIGHTS.system.models
    scaling = replace(model.serving.scaling, min_replicas=least, max_replicas=most)
    changed = replace(model, serving=replace(model.serving, scaling=scaling))
    return Cluster(replace(FLIGHTS.system, models=(changed,)), FLIGHTS.target, FLIGHTS.images, FLIGHTS.sections)


def test_a_server_runs_the_command_line_of_one_machine(flights: Objects) -> None:
    command = container(only(flights, "Deployment", "main-server"))["command"]
    args = parser().parse_args(command[3:])

    assert command[:3] == ["python", "-m", "mlsystem_runtime"]
    assert (args.command, args.host, args.port) == ("serve", "0.0.0.0", 8080)
    assert (str(args.config), args.workspace) == ("/etc/mlsystem/run.json", "/var/lib/mlsystem/workspace")
    assert args.release == "configmap://flight-delay/flight-delay-release"


def test_a_monitor_runs_the_command_line_of_one_machine_and_is_never_two(flights: Objects) -> None:
    monitor = only(flights, "Deployment", "monitor")
    args = parser().parse_args(container(monitor)["command"][3:])

    assert args.command == "monitor"
    assert container(monitor)["ports"] == [
        {"name": "metrics", "containerPort": args.metrics_port, "protocol": "TCP"}
    ]
    assert (monitor["spec"]["replicas"], monitor["spec"]["strategy"]) == (1, {"type": "Recreate"})


def test_a_server_ends_as_its_pod_allows(flights: Objects) -> None:
    server = only(flights, "Deployment", "main-server")
    args = parser().parse_args(container(server)["command"][3:])

    assert args.drain_delay == names.DRAIN_DELAY_SECONDS
    assert pods(server)["terminationGracePeriodSeconds"] == names.TERMINATION_GRACE_SECONDS
    assert args.drain_delay + names.DRAIN_SECONDS + names.WRITE_SECONDS <= names.TERMINATION_GRACE_SECONDS
    assert server["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_probes_ask_the_paths_of_the_runtime(flights: Objects) -> None:
    main = container(only(flights, "Deployment", "main-server"))
    asked = {kind: main[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}

    assert asked == {"startup": names.LIVE, "liveness": names.LIVE, "readiness": names.READY}
    assert {port["name"]: port["containerPort"] for port in main["ports"]} == {"http": 8080}


def test_a_process_is_told_its_own_section_and_no_other() -> None:
    objects = objects_of("two models")
    configs = {one["metadata"]["name"]: one for one in of_kind(objects, "ConfigMap")}
    told = {}
    for one in of_kind(objects, "Deployment"):
        volume = pods(one)["volumes"][0]
        if "configMap" in volume:
            config = decode_run_config(configs[volume["configMap"]["name"]]["data"]["run.json"].encode())
            told[one["metadata"]["name"]] = [endpoint.model for endpoint in config.server.endpoints]

    assert told == {
        "seattle-two-rain-server": ["rain"], "seattle-two-warmth-server": ["warmth"], "seattle-two-monitor": [],
    }  # fmt: skip
    assert all(one["immutable"] is True for one in configs.values())


def test_a_learning_rate_is_another_config_of_the_pipeline_alone() -> None:
    before = cluster_of(EXAMPLES / "flights" / "mlsystem.yaml")
    after = cluster_of(
        EXAMPLES / "flights" / "mlsystem.yaml", override={"training": {"parameters": {"learning_rate": 0.01}}}
    )
    changed = {one.name for one in kubernetes_objects(before)} ^ {one.name for one in kubernetes_objects(after)}

    assert len(changed) == 2
    assert all(name.startswith("flight-delay-config-pipeline-") for name in changed)


@pytest.mark.parametrize(
    ("variation", "kind", "controller"),
    [
        ("flights", "Deployment", "HorizontalPodAutoscaler"),
        ("keda by cpu", "Deployment", "ScaledObject"),
        ("keda by requests", "Deployment", "ScaledObject"),
        ("rollouts", "Rollout", "HorizontalPodAutoscaler"),
        ("rollouts and keda", "Rollout", "ScaledObject"),
    ],
)
def test_what_is_scaled_has_no_replicas_of_its_own(variation: str, kind: str, controller: str) -> None:
    objects = objects_of(variation)
    server, scaler = only(objects, kind, "main-server"), only(objects, controller)

    assert "replicas" not in server["spec"]
    assert scaler["spec"]["scaleTargetRef"] == {
        "apiVersion": server["apiVersion"], "kind": kind, "name": server["metadata"]["name"],
    }  # fmt: skip
    assert len(of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject")) == 1


def test_an_autoscaler_follows_the_spec(flights: Objects) -> None:
    spec = only(flights, "HorizontalPodAutoscaler")["spec"]

    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 10)
    assert spec["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 70}
    assert spec["behavior"].keys() == {"scaleUp", "scaleDown"}


def test_keda_counts_what_is_offered_and_takes_lost_metrics_for_no_reason_to_shrink() -> None:
    spec = only(objects_of("keda by requests"), "ScaledObject")["spec"]
    (trigger,) = spec["triggers"]

    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (1, 6)
    assert trigger["metadata"]["threshold"] == "20"
    assert trigger["metadata"]["ignoreNullValues"] == "false"
    assert names.REQUESTS in trigger["metadata"]["query"]
    assert "outcome" not in trigger["metadata"]["query"]
    assert spec["fallback"]["behavior"] == "currentReplicasIfHigher"
    assert spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"].keys() == {"scaleUp", "scaleDown"}


@pytest.mark.parametrize(("variation", "kind"), [
    ("certified", "HorizontalPodAutoscaler"), ("certified by requests", "ScaledObject"),
])  # fmt: skip
def test_what_is_certified_stands_beside_its_autoscaler(variation: str, kind: str) -> None:
    beside = only(objects_of(variation), kind)["metadata"]["annotations"]
    said = {name.removeprefix("mlsystem.dev/certified-"): text for name, text in beside.items()}

    assert said["latency"] == "97.62% (97.41% to 97.83%) within 50ms, 95% promised"
    assert said["availability"] == "99.97% (99.95% to 99.99%) answered, 99.9% promised"
    assert said["worst-window"] == "96.14% within 50ms in the five minutes from 03:13 on"
    assert said["cost"].startswith("$112 a month at the prices of AWS Fargate")
    assert said["scenario"] == "peak, the one with the least left; 20 times, seed 1"
    assert [part.split()[0] for part in said["inputs"].split(", ")] == [
        "hardware", "price", "profile", "scaling", "slo", "solver", "traffic",
    ]  # fmt: skip


def test_an_autoscaler_behaves_as_was_certified() -> None:
    spec = only(objects_of("certified"), "HorizontalPodAutoscaler")["spec"]
    scaled = only(objects_of("certified by requests"), "ScaledObject")["spec"]

    assert spec["behavior"]["scaleUp"] == {
        "stabilizationWindowSeconds": 30, "selectPolicy": "Max",
        "policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}],
    }  # fmt: skip
    assert spec["behavior"]["scaleDown"]["policies"] == [{"type": "Percent", "value": 25, "periodSeconds": 120}]
    assert scaled["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] == spec["behavior"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 8)
    assert (scaled["minReplicaCount"], scaled["maxReplicaCount"]) == (3, 8)


def test_what_is_not_certified_claims_nothing(flights: Objects) -> None:
    assert "annotations" not in only(flights, "HorizontalPodAutoscaler")["metadata"]


def test_keda_by_cpu_has_no_fallback_which_it_would_refuse() -> None:
    spec = only(objects_of("keda by cpu"), "ScaledObject")["spec"]

    assert "fallback" not in spec
    assert spec["triggers"] == [{"type": "cpu", "metricType": "Utilization", "metadata": {"value": "70"}}]


@given(st.data())
def test_a_disruption_budget_never_blocks_a_drain(data: st.DataObject) -> None:
    """The disruption controller: allowed = healthy - (expected - maxUnavailable), and pods that are not ready go."""
    least = data.draw(st.integers(1, 1000))
    most = data.draw(st.integers(max(least, 2), 1000))
    expected = data.draw(st.integers(least, most))
    objects = kubernetes_objects(scaled(least, most))
    budget = only(objects, "PodDisruptionBudget")["spec"]
    scaler = only(objects, "HorizontalPodAutoscaler")["spec"]

    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (least, most)
    assert expected - (expected - budget["maxUnavailable"]) >= 1
    assert "minAvailable" not in budget
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert least - budget["maxUnavailable"] == needed(scaled(least, most).system.models[0])


def test_a_replica_that_is_always_alone_has_no_disruption_budget() -> None:
    assert of_kind(kubernetes_objects(scaled(1, 1)), "PodDisruptionBudget") == []
    assert len(of_kind(kubernetes_objects(scaled(1, 2)), "PodDisruptionBudget")) == 1


@pytest.mark.parametrize(("engine", "surge"), [("onnx", "25%"), ("torch", "50%")])
def test_more_pods_start_at_once_where_starting_takes_long(engine: str, surge: str) -> None:
    system = cluster_of(EXAMPLES / "flights" / "mlsystem.yaml", override={"serving": {"engine": engine}})

    assert replacement(system.system.models[0]) == {"maxUnavailable": 0, "maxSurge": surge}


def test_replicas_are_spread_over_zones_and_nodes_where_that_is_possible(flights: Objects) -> None:
    server = only(flights, "Deployment", "main-server")
    constraints = pods(server)["topologySpreadConstraints"]

    assert [one["topologyKey"] for one in constraints] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert all(one["matchLabelKeys"] == ["pod-template-hash"] for one in constraints)
    assert {one["whenUnsatisfiable"] for one in constraints} == {"ScheduleAnyway"}
    assert all(one["labelSelector"] == server["spec"]["selector"] for one in constraints)


def test_an_ingress_has_every_route_of_every_endpoint_and_its_feedback_and_nothing_else() -> None:
    cluster = cluster_named("two models behind an ingress")
    spec = only(kubernetes_objects(cluster), "Ingress")["spec"]
    (rule,) = spec["rules"]
    found = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}

    assert found == {
        f"/{model.name}/{what}": f"seattle-two-{model.name}-server"
        for model in cluster.system.models for what in ("predict", "feedback")
    }
    assert {path["pathType"] for path in rule["http"]["paths"]} == {"Exact"}
    assert rule["host"] == "ml.example.com"
    assert spec["tls"] == [{"hosts": ["ml.example.com"], "secretName": "ml-tls"}]


def test_changed_pods_are_rolled_out_in_steps_and_held_to_their_answers() -> None:
    objects = objects_of("rollouts with prometheus")
    canary = only(objects, "Rollout")["spec"]["strategy"]["canary"]
    template = only(objects, "AnalysisTemplate")
    metric = template["spec"]["metrics"][0]

    assert [step.get("setWeight", "pause") for step in canary["steps"]] == [25, "pause", 50, "pause", 75, "pause"]
    assert canary["maxUnavailable"] == 0
    assert canary["analysis"]["templates"] == [{"templateName": template["metadata"]["name"]}]
    assert {one["name"] for one in canary["analysis"]["args"]} == {one["name"] for one in template["spec"]["args"]}
    assert names.REQUESTS in metric["provider"]["prometheus"]["query"]


def test_without_prometheus_nobody_judges_a_rollout() -> None:
    objects = objects_of("rollouts")

    assert "analysis" not in only(objects, "Rollout")["spec"]["strategy"]["canary"]
    assert of_kind(objects, "AnalysisTemplate") == []


def test_a_server_with_a_bucket_has_its_address_and_its_secret_by_name() -> None:
    main = container(only(objects_of("bucket of the cluster"), "Deployment", "main-server"))
    given = environment(main)

    assert main["command"][main["command"].index("--workspace") + 1] == "s3://models/delay"
    assert given["AWS_ENDPOINT_URL_S3"] == "http://objects.storage:9000"
    assert given["AWS_SECRET_ACCESS_KEY"] == {"secretKeyRef": {"name": "bucket", "key": "AWS_SECRET_ACCESS_KEY"}}
    assert given[names.MIRROR] in [mount["mountPath"] for mount in main["volumeMounts"]]
