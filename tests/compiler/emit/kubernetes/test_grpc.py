"""A model that is to be answered over gRPC too: a port of its server, and of nobody else's."""

from __future__ import annotations

import pytest
from clusters import EVERYTHING, EXAMPLES, cluster_named, cluster_of
from pods import of_kind, only

from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem_runtime.__main__ import parser

GRPC = "gRPC of one model"


def test_the_server_of_the_model_listens_where_its_service_sends() -> None:
    objects = kubernetes_objects(cluster_named(GRPC))
    main = only(objects, "Deployment", "rain-server")["spec"]["template"]["spec"]["containers"][0]
    args = parser().parse_args(main["command"][3:])

    service = only(objects, "Service", "rain-server")["spec"]["ports"]
    assert {port["name"]: port["containerPort"] for port in main["ports"]} == {"http": 8080, "grpc": args.grpc_port}
    assert service[1] == {
        "name": "grpc", "port": 8081, "targetPort": "grpc", "protocol": "TCP", "appProtocol": "kubernetes.io/h2c",
    }  # fmt: skip


def test_the_server_of_another_model_does_not() -> None:
    objects = kubernetes_objects(cluster_named(GRPC))
    main = only(objects, "Deployment", "warmth-server")["spec"]["template"]["spec"]["containers"][0]

    assert "--grpc-port" not in main["command"]
    assert [port["name"] for port in only(objects, "Service", "warmth-server")["spec"]["ports"]] == ["http"]


def test_pods_of_the_cluster_reach_the_port() -> None:
    objects = kubernetes_objects(cluster_named(GRPC))
    (policy,) = [one for one in of_kind(objects, "NetworkPolicy") if one["metadata"]["name"].endswith("-server")]

    assert {"from": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": 8081}]} \
        in policy["spec"]["ingress"]


@pytest.mark.parametrize(
    ("variation", "service", "spoken"),
    [("gRPC behind an ingress", "rain-server", "GRPC"), ("gRPC over TLS behind an ingress", "main-server", "GRPCS")],
)
def test_behind_nginx_an_ingress_of_its_own_passes_all_calls_on(variation: str, service: str, spoken: str) -> None:
    objects = kubernetes_objects(cluster_named(variation))
    ingress = only(objects, "Ingress", "server-grpc")
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]

    assert path["path"] == "/inference.GRPCInferenceService/"
    assert path["pathType"] == "ImplementationSpecific"
    assert path["backend"]["service"] == {
        "name": only(objects, "Service", service)["metadata"]["name"], "port": {"name": "grpc"},
    }  # fmt: skip
    assert ingress["metadata"]["annotations"] == {"nginx.ingress.kubernetes.io/backend-protocol": spoken}
    assert (rule["host"], ingress["spec"]["tls"][0]["secretName"]) == ("ml.example.com", "ml-tls")


def test_behind_an_ingress_everybody_reaches_the_port_as_its_controller_need_not_be_a_pod() -> None:
    objects = kubernetes_objects(cluster_named("gRPC behind an ingress"))
    (policy,) = [one for one in of_kind(objects, "NetworkPolicy") if one["metadata"]["name"].endswith("-server")]

    assert {"ports": [{"protocol": "TCP", "port": 8081}]} in policy["spec"]["ingress"]


@pytest.mark.parametrize(
    ("platform", "everywhere"),
    [
        ({**EVERYTHING, "ingress": "traefik"}, False),
        ({name: value for name, value in EVERYTHING.items() if name != "tls_secret"}, False),
        (EVERYTHING, True),
    ],
)  # fmt: skip
def test_what_cannot_be_passed_on_has_no_ingress_and_stays_for_pods(platform, everywhere) -> None:
    serving = {"grpc": True}
    override = {"models": {"rain": {"serving": serving}, **({"warmth": {"serving": serving}} if everywhere else {})}}
    objects = kubernetes_objects(
        cluster_of(EXAMPLES / "seattle-two" / "mlsystem.yaml", platform=platform, override=override))
    (policy,) = [one for one in of_kind(objects, "NetworkPolicy") if one["metadata"]["name"].endswith("-server")]

    assert [one["metadata"]["name"] for one in of_kind(objects, "Ingress")] == ["seattle-two-server"]
    assert {"from": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": 8081}]} \
        in policy["spec"]["ingress"]
