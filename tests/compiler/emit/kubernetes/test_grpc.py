"""A model that is to be answered over gRPC too: a port of its server, and of nobody else's."""

from __future__ import annotations

from clusters import cluster_named
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
