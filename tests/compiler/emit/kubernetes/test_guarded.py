"""Servers that want tokens, or speak TLS: who reads which secret, and where probes and metrics are."""

from __future__ import annotations

from typing import Any

import pytest
from clusters import cluster_named
from pods import environment, of_kind, only

from mlsystem.emit.kubernetes.objects import KubernetesObject
from mlsystem.emit.kubernetes.secrets import secret_keys
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem.emit.prometheus import rule_objects, scrape
from mlsystem_runtime.__main__ import parser
from mlsystem_runtime.contract.names import SECRET_FOLDER

BOTH = "tokens of one model, and TLS"
Objects = tuple[KubernetesObject, ...]


def objects_of(variation: str) -> Objects:
    return kubernetes_objects(cluster_named(variation))


def pods(objects: Objects, name: str) -> dict[str, Any]:
    kind = "Rollout" if of_kind(objects, "Rollout") else "Deployment"
    found: dict[str, Any] = only(objects, kind, name)["spec"]["template"]["spec"]
    return found


def mounted(spec: dict[str, Any]) -> dict[str, list[str]]:
    """The keys of a Secret that a pod sees as files, by the folder."""
    paths = {one["name"]: one["mountPath"] for one in spec["containers"][0]["volumeMounts"]}
    return {
        paths[volume["name"]]: [item["key"] for item in volume["secret"]["items"]]
        for volume in spec["volumes"] if "secret" in volume
    }  # fmt: skip


def test_a_server_has_its_secrets_as_files_where_it_looks_for_them() -> None:
    objects = objects_of("tokens")
    spec = pods(objects, "main-server")
    folder = environment(spec["containers"][0])[SECRET_FOLDER]

    assert mounted(spec) == {folder: ["API_TOKENS"]}


def test_nobody_else_has_the_secrets_of_a_server() -> None:
    objects = objects_of(BOTH)

    assert list(mounted(pods(objects, "rain-server")).values()) == [["API_TOKENS", "CERTIFICATE", "KEY"]]
    assert list(mounted(pods(objects, "warmth-server")).values()) == [["CERTIFICATE", "KEY"]]
    monitor = only(objects, "Deployment", "monitor")["spec"]["template"]["spec"]
    assert not mounted(monitor)
    assert not any(name in str(monitor) for name in ("API_TOKENS", "CERTIFICATE", "KEY"))


def test_the_secret_of_the_environment_has_to_hold_all_of_them() -> None:
    assert {"API_TOKENS", "CERTIFICATE", "KEY"} <= set(secret_keys(cluster_named(BOTH)))


@pytest.mark.parametrize(("variation", "server"), [("tokens", "main-server"), (BOTH, "warmth-server")])
def test_probes_and_metrics_are_at_a_port_of_their_own(variation: str, server: str) -> None:
    objects = objects_of(variation)
    main = pods(objects, server)["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in main["ports"]}
    probes = [main[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    args = parser().parse_args(main["command"][3:])

    assert ports == {"http": args.port, "metrics": args.metrics_port}
    assert {(probe["port"], probe["scheme"]) for probe in probes} == {("metrics", "HTTP")}


def test_whoever_scrapes_finds_the_port_of_the_metrics_and_no_other() -> None:
    cluster = cluster_named(BOTH)
    service = only(kubernetes_objects(cluster), "Service", "rain-server")
    (monitor,) = [one.body for one in rule_objects(cluster) if one.kind == "ServiceMonitor"]
    ports = [one["regex"] for one in scrape(cluster)["relabel_configs"] if "regex" in one]

    assert [one["port"] for one in monitor["spec"]["endpoints"]] == ["metrics"]
    assert {port["name"]: port["targetPort"] for port in service["spec"]["ports"]} == {
        "http": "http", "metrics": "metrics",
    }  # fmt: skip
    assert "metrics" in ports
    assert "http|metrics" not in ports


def test_an_ingress_speaks_tls_to_servers_that_do() -> None:
    objects = objects_of(BOTH)
    (ingress,) = of_kind(objects, "Ingress")
    port = only(objects, "Service", "rain-server")["spec"]["ports"][0]

    assert ingress["metadata"]["annotations"] == {"nginx.ingress.kubernetes.io/backend-protocol": "HTTPS"}
    assert port["appProtocol"] == "https"


def test_without_tokens_and_tls_everything_is_at_one_port() -> None:
    main = pods(objects_of("flights"), "main-server")["containers"][0]

    assert [port["name"] for port in main["ports"]] == ["http"]
    assert "--metrics-port" not in main["command"]
