"""The way in from outside, where the platform has an ingress controller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.kubernetes.processes import by_knative, knative_name, server_name
from mlsystem.spec.platform import is_nginx
from mlsystem.system.nodes import ModelNode
from mlsystem.system.snapshots import ENVIRONMENT
from mlsystem.system.target import no_grpc
from mlsystem_runtime.contract.names import GRPC_SERVICE
from mlsystem_runtime.contract.run import feedback_paths

NGINX_HOST = "nginx.ingress.kubernetes.io/upstream-vhost"
NGINX_PROTOCOL = "nginx.ingress.kubernetes.io/backend-protocol"


def ingress(cluster: Cluster) -> Iterator[KubernetesObject]:
    """Exactly the routes of the endpoints, and feedback: metrics, status and documentation stay inside. What a
    controller speaks to servers, and by which host, holds for a whole Ingress: gRPC and each server of Knative have one
    of their own."""
    if cluster.target.platform.ingress is None:
        return
    secure = cluster.target.tls is not None
    own = [path for model in cluster.system.models if not by_knative(model) for path in paths(cluster, model)]
    if own:
        yield made(cluster, cluster.name("server"), own, protocol("HTTPS") if secure else {})
    model = outside(cluster)
    if model is not None:
        yield made(cluster, cluster.name("server", "grpc"), [grpc_path(cluster, model)],
                   protocol("GRPCS" if secure else "GRPC"))  # fmt: skip
    for model in filter(by_knative, cluster.system.models):
        name = knative_name(cluster, model.name)
        yield made(cluster, name, paths(cluster, model), {NGINX_HOST: f"{name}.{cluster.target.namespace}.svc"})


def protocol(name: str) -> dict[str, str]:
    """What servers speak, where that is not plain HTTP. Other controllers than nginx learn it from the Service."""
    return {NGINX_PROTOCOL: name}


def outside(cluster: Cluster) -> ModelNode | None:
    """The model that is asked over gRPC from outside."""
    models = [model for model in cluster.system.models if model.serving.grpc]
    platform = cluster.target.platform
    shut = platform.ingress is None or no_grpc(platform, [model.name for model in models]) is not None
    return None if shut or not models else models[0]


def made(cluster: Cluster, name: str, found: list[Body], nginx: Mapping[str, str]) -> KubernetesObject:
    """`nginx`: annotations for its controller."""
    platform = cluster.target.platform
    rule: Body = {"http": {"paths": found}}
    spec: Body = {
        "ingressClassName": platform.ingress,
        "rules": [rule if platform.host is None else {"host": platform.host, **rule}],
    }
    if platform.tls_secret is not None:
        spec["tls"] = [{"hosts": [platform.host], "secretName": platform.tls_secret}]
    annotations = nginx if is_nginx(platform.ingress) else {}
    body = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": cluster.metadata(name, "server", annotations=annotations),
        "spec": spec,
    }
    return KubernetesObject("server", body, ENVIRONMENT, skip_await=True)


def paths(cluster: Cluster, model: ModelNode) -> list[Body]:
    """Of a server of Knative: at its gateway, which has a Service of that name, and knows the server by its host."""
    gateway = {"service": {"name": knative_name(cluster, model.name), "port": {"number": 80}}}
    server = gateway if by_knative(model) else backend(cluster, model.name, "http")
    return [
        {"path": route, "pathType": "Exact", "backend": server}
        for route in (*model.serving.routes, *feedback_paths(model.serving.routes))
    ]


def grpc_path(cluster: Cluster, model: ModelNode) -> Body:
    """All calls of the protocol. ingress-nginx refuses a dot in a path of the type Prefix, which this one is to it."""
    return {
        "path": f"/{GRPC_SERVICE}/", "pathType": "ImplementationSpecific",
        "backend": backend(cluster, model.name, "grpc"),
    }  # fmt: skip


def backend(cluster: Cluster, model: str, port: str) -> Body:
    return {"service": {"name": server_name(cluster, model), "port": {"name": port}}}
