"""A server that Knative runs: what its pods have of what a Deployment's have, and how it is scaled and reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from clusters import cluster_named
from pods import environment, of_kind, only

from mlsystem.capacity.controllers.kpa_types import KpaConfig
from mlsystem.emit.kubernetes.knative import QUIET_SECONDS
from mlsystem.emit.kubernetes.objects import KubernetesObject
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem.emit.manifests import manifest
from mlsystem.emit.prometheus import rule_objects, scrape
from mlsystem_runtime.__main__ import parser
from mlsystem_runtime.contract import names

Objects = tuple[KubernetesObject, ...]
DIRECT = "bucket of the cluster"
"""The same system with a Deployment."""

SCALING = "autoscaling.knative.dev/"


def objects_of(variation: str) -> Objects:
    return kubernetes_objects(cluster_named(variation))


def template(variation: str = "knative", server: str = "main-knative") -> dict[str, Any]:
    found: dict[str, Any] = only(objects_of(variation), "Service", server)["spec"]["template"]
    return found


def pod(variation: str = "knative", server: str = "main-knative") -> dict[str, Any]:
    found: dict[str, Any] = template(variation, server)["spec"]
    return found


def scaled(variation: str) -> dict[str, str]:
    annotations = template(variation)["metadata"]["annotations"]
    return {key.removeprefix(SCALING): value for key, value in annotations.items() if key.startswith(SCALING)}


def test_one_object_stands_for_deployment_service_and_autoscaler() -> None:
    objects = objects_of("knative")
    others = {(one.kind, one.name) for one in objects_of(DIRECT)} - {(one.kind, one.name) for one in objects}
    added = {(one.kind, one.name) for one in objects} - {(one.kind, one.name) for one in objects_of(DIRECT)}

    assert {kind for kind, _ in others} == {"Deployment", "Service", "HorizontalPodAutoscaler"}
    assert added == {("Service", "flight-delay-main-knative")}


def test_its_container_is_that_of_a_deployment_but_for_its_end_its_ports_and_its_rights() -> None:
    direct = only(objects_of(DIRECT), "Deployment", "main-server")["spec"]["template"]["spec"]
    (ours,), (theirs,) = pod()["containers"], direct["containers"]
    same = ("image", "imagePullPolicy", "env", "resources", "volumeMounts")

    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}
    assert pod()["volumes"] == direct["volumes"]
    assert pod()["serviceAccountName"] == direct["serviceAccountName"]
    assert ours["command"] == [*theirs["command"][:-1], "0"]


def test_its_container_has_the_rights_that_pods_have_as_a_whole_elsewhere() -> None:
    direct = only(objects_of(DIRECT), "Deployment", "main-server")["spec"]["template"]["spec"]
    whole = {**direct["securityContext"], **direct["containers"][0]["securityContext"]}
    (main,) = pod()["containers"]

    assert main["securityContext"] == {key: one for key, one in whole.items() if not key.startswith("fsGroup")}
    assert not {"securityContext", "topologySpreadConstraints", "terminationGracePeriodSeconds"} & pod().keys()


def test_its_secrets_are_readable_without_a_group_of_the_pod() -> None:
    (secrets,) = [one["secret"] for one in pod("knative behind an ingress")["volumes"] if "secret" in one]

    assert secrets["defaultMode"] == 0o444


def test_it_has_one_port_and_probes_ask_it_by_number() -> None:
    (main,) = pod()["containers"]
    probes = [main[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]

    assert main["ports"] == [{"name": "http1", "containerPort": 8080, "protocol": "TCP"}]
    assert [(one["path"], one["port"]) for one in probes] == [
        (names.LIVE, 8080), (names.LIVE, 8080), (names.READY, 8080),
    ]  # fmt: skip


def test_admission_stays_with_the_server() -> None:
    assert pod()["containerConcurrency"] == 0


def test_a_pod_has_the_time_to_end_that_proxy_and_server_take_one_after_the_other() -> None:
    (main,) = pod()["containers"]
    args = parser().parse_args(main["command"][3:])

    assert args.drain_delay == 0
    assert pod()["timeoutSeconds"] >= QUIET_SECONDS + names.DRAIN_SECONDS + names.WRITE_SECONDS
    assert pod()["timeoutSeconds"] <= 600  # the most that Knative allows by default


def test_what_is_written_is_what_is_simulated() -> None:
    written, simulated = scaled("knative"), KpaConfig(4.0, 4.0, 2, 8, initial_scale=2)

    assert written == {
        "class": "kpa.autoscaling.knative.dev",
        "metric": "concurrency",
        "target": f"{simulated.target:g}",
        "target-utilization-percentage": f"{simulated.target / simulated.total * 100:g}",
        "min-scale": str(simulated.min_scale),
        "max-scale": str(simulated.max_scale),
        "initial-scale": str(simulated.initial_scale),
        "window": f"{simulated.stable_window:g}s",
        "panic-window-percentage": f"{simulated.panic_window / simulated.stable_window * 100:g}",
        "panic-threshold-percentage": f"{simulated.panic_threshold * 100:g}",
        "scale-down-delay": f"{simulated.scale_down_delay:g}s",
    }


def test_what_is_certified_is_written_and_stands_beside_it() -> None:
    written = scaled("certified with knative")
    beside = only(objects_of("certified with knative"), "Service", "main-knative")["metadata"]["annotations"]

    assert (written["metric"], written["target"], written["min-scale"]) == ("concurrency", "3.5", "3")
    assert any(name.startswith("mlsystem.dev/certified-") for name in beside)
    assert not any("certified" in name for name in template("certified with knative")["metadata"]["annotations"])


def test_offered_requests_are_counted_in_knatives_word() -> None:
    written = scaled("knative behind an ingress")

    assert (written["metric"], written["target"]) == ("rps", "20")


def test_nothing_of_it_is_published_but_by_an_ingress_with_exactly_its_routes() -> None:
    objects = objects_of("knative behind an ingress")
    service, ingress = only(objects, "Service", "main-knative"), only(objects, "Ingress")
    paths = [one["path"] for one in ingress["spec"]["rules"][0]["http"]["paths"]]

    assert service["metadata"]["labels"]["networking.knative.dev/visibility"] == "cluster-local"
    assert paths == ["/main/predict", "/predict", "/main/feedback", "/feedback"]
    assert ingress["metadata"]["annotations"] == {
        "nginx.ingress.kubernetes.io/upstream-vhost": "flight-delay-main-knative.flight-delay.svc"
    }
    assert {str(one["backend"]["service"]) for one in ingress["spec"]["rules"][0]["http"]["paths"]} == {
        str({"name": "flight-delay-main-knative", "port": {"number": 80}})
    }


def test_beside_other_servers_each_has_an_ingress_of_its_own() -> None:
    asked = {
        one["metadata"]["name"]: {path["path"].split("/")[1] for path in one["spec"]["rules"][0]["http"]["paths"]}
        for one in of_kind(objects_of("knative beside keda"), "Ingress")
    }

    assert asked == {
        "seattle-two-server": {"warmth"}, "seattle-two-rain-knative": {"rain"},
        "seattle-two-server-grpc": {"inference.GRPCInferenceService"},
    }  # fmt: skip


def test_prometheus_finds_its_pods_and_not_its_services() -> None:
    monitors = {(one.kind, one.name): one.body["spec"] for one in rule_objects(cluster_named("knative beside keda"))
                if one.kind.endswith("Monitor")}  # fmt: skip
    models = {
        kind: spec["selector"]["matchExpressions"][0]["values"] for (kind, name), spec in monitors.items()
        if "server" in name
    }  # fmt: skip

    assert models == {"ServiceMonitor": ["warmth"], "PodMonitor": ["rain"]}
    found = monitors["PodMonitor", "seattle-two-server-knative"]["podMetricsEndpoints"]
    assert [(one["port"], one["path"]) for one in found] == [("user-port", "/metrics")]


def test_metrics_that_are_apart_have_a_port_that_the_proxy_does_not_have() -> None:
    cluster = cluster_named("knative behind an ingress")
    (main,) = pod("knative behind an ingress")["containers"]
    port = parser().parse_args(main["command"][3:]).metrics_port
    (monitor,) = [one.body["spec"] for one in rule_objects(cluster) if one.name.endswith("server-knative")]
    rewritten = [one for one in monitor["podMetricsEndpoints"][0]["relabelings"] if one["targetLabel"] == "__address__"]
    plain = [one for one in scrape(cluster)["relabel_configs"] if one.get("target_label") == "__address__"]

    assert port not in (8008, 8012, 8013, 8022, 8112, 9090, 9091)  # pkg/networking/constants.go
    assert [(one["regex"], one["replacement"]) for one in rewritten] == [("user-port;(.+):8080", f"$1:{port}")]
    assert [(one["regex"], one["replacement"]) for one in plain] == [("user-port;(.+):8080", f"$1:{port}")]


def test_none_of_its_variables_is_one_that_knative_sets() -> None:
    for variation in ("knative", "knative behind an ingress"):
        (main,) = pod(variation)["containers"]
        assert not {"PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"} & environment(main).keys()


def test_revisions_wait_for_the_first_model_for_a_week() -> None:
    assert template()["metadata"]["annotations"]["serving.knative.dev/progress-deadline"] == "168h"


def test_all_of_it_is_as_it_was_read_last() -> None:
    """`python tools/generate.py golden` writes the file again."""
    cluster = cluster_named("knative behind an ingress")
    objects = (*kubernetes_objects(cluster), *rule_objects(cluster))
    of_server = [one for one in objects if one.concern == "server" or one.name.startswith(cluster.name("server"))]

    assert Path(__file__).with_name("knative.yaml").read_text() == "---\n".join(
        manifest(one.body) for one in of_server
    )


@pytest.mark.parametrize("variation", ["knative", "knative beside keda"])
def test_drains_are_kept_within_the_same_bounds(variation: str) -> None:
    objects = objects_of(variation)
    budgets = {one["metadata"]["name"]: one["spec"] for one in of_kind(objects, "PodDisruptionBudget")}
    name = next(name for name in budgets if "main" in name or "rain" in name)
    (server,) = [one for one in of_kind(objects, "Service") if one["metadata"]["name"].endswith("-knative")]

    labels = server["spec"]["template"]["metadata"]["labels"]
    assert budgets[name]["selector"]["matchLabels"].items() <= labels.items()


def test_keda_counts_what_replicas_hold() -> None:
    (trigger,) = only(objects_of("keda by concurrency"), "ScaledObject")["spec"]["triggers"]

    assert trigger["metadata"]["threshold"] == "2"
    assert trigger["metadata"]["query"].startswith(f"sum(avg_over_time({names.IN_FLIGHT}{{")
    assert trigger["metadata"]["ignoreNullValues"] == "false"
