"""Knative's own code judges the generated Services, and makes Deployments of them: what its pods have is looked at."""

from __future__ import annotations

import copy
import json
import subprocess
from functools import cache
from typing import Any

import pytest
import yaml
from clusters import VARIATIONS, cluster_named
from engines.recipes import folder, is_built, program
from jsonschema import Draft202012Validator
from pods import only
from schemas import mistakes

from mlsystem.capacity.controllers.kpa_types import KpaConfig
from mlsystem.emit.kubernetes.ingress import NGINX_HOST
from mlsystem.emit.kubernetes.knative import KNATIVE, TIMEOUT_SECONDS, USER_PORT
from mlsystem.emit.kubernetes.network import KNATIVE_PORTS
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem.system.target import METRICS_PORT_BESIDE_KNATIVE
from mlsystem_runtime.contract.names import LIVE, READY

Body = dict[str, Any]
OF_KNATIVE = [name for name in VARIATIONS if "knative" in name]


@cache
def service_of(variation: str) -> Body:
    objects = kubernetes_objects(cluster_named(variation))
    (found,) = [one.body for one in objects if one.body["apiVersion"] == KNATIVE["apiVersion"]]
    return found


def need(engine: str) -> None:
    if not is_built(engine):
        pytest.skip(f"engine '{engine}' is not built: make engines")


def made(service: Body) -> Body:
    need("knative")
    said = subprocess.run(
        [program("knative", "knative-made")], input=json.dumps([service]), capture_output=True, text=True, check=True
    )
    (answer,) = json.loads(said.stdout)
    found: Body = answer
    return found


def pod(variation: str) -> Body:
    found: Body = made(service_of(variation))["deployment"]["spec"]["template"]
    return found


def containers(variation: str) -> tuple[Body, Body]:
    """The server and the proxy."""
    server, proxy = pod(variation)["spec"]["containers"]
    return server, proxy


def env(container: Body) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in container["env"]}


@pytest.mark.parametrize("variation", OF_KNATIVE)
def test_its_webhook_takes_every_service_without_a_word(variation: str) -> None:
    answer = made(service_of(variation))

    assert (answer["errors"], answer["warnings"]) == ("", "")


@pytest.mark.parametrize("variation", OF_KNATIVE)
def test_the_pods_that_it_makes_are_valid_strictly(variation: str) -> None:
    deployment = without_nothing(made(service_of(variation))["deployment"])

    assert mistakes({"apiVersion": "apps/v1", "kind": "Deployment", **deployment}, "1.33") == []


@pytest.mark.parametrize("variation", OF_KNATIVE)
def test_our_policies_budgets_and_monitors_find_its_pods(variation: str) -> None:
    cluster = cluster_named(variation)
    (model, *_) = [one for one in cluster.system.models if one.serving.scaling.controller == "knative"]

    assert cluster.selector("server", model.name).items() <= pod(variation)["metadata"]["labels"].items()


def test_probes_of_the_node_ask_the_server_and_the_proxy_asks_whether_it_is_ready() -> None:
    server, proxy = containers("knative")
    asked = {kind: server[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness")}
    ready = json.loads(env(proxy)["SERVING_READINESS_PROBE"])

    assert {(one["path"], one["port"]) for one in asked.values()} == {(LIVE, 8080)}
    assert "readinessProbe" not in server
    assert (ready["httpGet"]["path"], ready["httpGet"]["port"], ready["periodSeconds"]) == (READY, 8080, 2)


def test_the_server_is_told_to_end_by_the_proxy_and_both_have_the_time() -> None:
    server, _ = containers("knative")

    assert server["lifecycle"]["preStop"]["httpGet"]["path"] == "/wait-for-drain"
    assert pod("knative")["spec"]["terminationGracePeriodSeconds"] == TIMEOUT_SECONDS


def test_the_proxy_holds_no_request_back() -> None:
    _, proxy = containers("knative")

    assert env(proxy)["CONTAINER_CONCURRENCY"] == "0"


def test_ports_are_called_as_monitors_and_policies_take_them_to_be_and_nobody_has_two() -> None:
    server, proxy = containers("knative behind an ingress")
    taken = {one["containerPort"] for one in proxy["ports"]}

    assert [(one["name"], one["containerPort"]) for one in server["ports"]] == [(USER_PORT, 8080)]
    assert set(KNATIVE_PORTS) <= taken
    assert not {8080, METRICS_PORT_BESIDE_KNATIVE} & taken


def test_the_token_of_the_account_is_left_to_the_account() -> None:
    spec = pod("knative")["spec"]

    assert spec["serviceAccountName"] == "flight-delay-server"
    assert "automountServiceAccountToken" not in spec


def test_its_autoscaler_reads_what_was_simulated() -> None:
    simulated = KpaConfig(4.0, 4.0, 2, 8, initial_scale=2)

    assert made(service_of("knative"))["scaling"] == {
        "class": "kpa.autoscaling.knative.dev", "metric": "concurrency", "target": simulated.target,
        "total": simulated.total, "least": simulated.min_scale, "most": simulated.max_scale,
        "initial": simulated.initial_scale, "window_seconds": simulated.stable_window,
        "panic_window_percentage": simulated.panic_window / simulated.stable_window * 100,
        "panic_threshold_percentage": simulated.panic_threshold * 100,
        "scale_down_seconds": simulated.scale_down_delay, "progress_seconds": 168 * 3600,
    }  # fmt: skip


def test_the_host_that_an_ingress_asks_for_is_one_that_its_gateway_knows() -> None:
    ingress = only(kubernetes_objects(cluster_named("knative behind an ingress")), "Ingress")

    assert ingress["metadata"]["annotations"][NGINX_HOST] in made(service_of("knative behind an ingress"))["hosts"]


WRONG: dict[str, Body] = {
    "a volume that is written": {"volumes": [{"name": "tmp", "persistentVolumeClaim": {"claimName": "workspace"}}]},
    "security of the pod": {"securityContext": {"fsGroup": 65532}},
    "a spread over zones": {
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
        ]
    },
    "a time to end": {"terminationGracePeriodSeconds": 30},
    "a token asked for": {"automountServiceAccountToken": True},
    "more time for a request": {"timeoutSeconds": 601},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_its_pods_have_not_it_would_refuse(wrong: Body) -> None:
    service = copy.deepcopy(service_of("knative"))
    service["spec"]["template"]["spec"] |= wrong

    assert made(service)["errors"]


PORTS: dict[str, Body] = {
    "gRPC": {"name": "h2c", "containerPort": 8081}, "metrics": {"name": "metrics", "containerPort": 9464},
}  # fmt: skip


@pytest.mark.parametrize("port", PORTS.values(), ids=PORTS)
def test_a_second_port_it_would_refuse(port: Body) -> None:
    service = copy.deepcopy(service_of("knative"))
    service["spec"]["template"]["spec"]["containers"][0]["ports"].append(port)

    assert "Only a single port is allowed" in made(service)["errors"]


@pytest.mark.parametrize("variation", OF_KNATIVE)
def test_every_service_is_what_the_newest_definition_says(variation: str) -> None:
    assert [error.message for error in definition().iter_errors(service_of(variation))] == []


def test_a_misspelt_field_is_none_of_the_definition() -> None:
    wrong = copy.deepcopy(service_of("knative"))
    wrong["spec"]["template"]["spec"]["containerConcurency"] = 0

    assert list(definition().iter_errors(wrong))


@cache
def definition() -> Draft202012Validator:
    """Fields that are not declared are refused, as the API server does when it is asked to be strict."""
    need("knative-definitions")
    text = (folder("knative-definitions") / "manifests" / "crds" / "service.yaml").read_text()
    schema = yaml.load(text, Loader=yaml.CSafeLoader)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return Draft202012Validator({**closed(schema), "required": ["spec"]})


def closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    found = {key: closed(one) for key, one in schema.items() if key != "description"}
    declared = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    loose = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    return {**found, "additionalProperties": False} if declared and not loose else found


def without_nothing(value: Any) -> Any:
    """Without the fields that Go writes though nothing is in them."""
    if isinstance(value, list):
        return [without_nothing(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {key: without_nothing(one) for key, one in value.items() if one is not None and key != "status"}
    return {key: one for key, one in kept.items() if not (key == "resources" and one == {})}
