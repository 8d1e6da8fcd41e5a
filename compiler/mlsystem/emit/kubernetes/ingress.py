"""The way in from outside, where the platform has an ingress controller."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.kubernetes.processes import server_name
from mlsystem.system.snapshots import ENVIRONMENT
from mlsystem_runtime.contract.run import feedback_paths

NGINX_PROTOCOL = "nginx.ingress.kubernetes.io/backend-protocol"


def ingress(cluster: Cluster) -> Iterator[KubernetesObject]:
    """Exactly the routes of the endpoints, and feedback: metrics, status and documentation stay inside."""
    platform = cluster.target.platform
    if platform.ingress is None:
        return
    rule: Body = {"http": {"paths": paths(cluster)}}
    spec: Body = {
        "ingressClassName": platform.ingress,
        "rules": [rule if platform.host is None else {"host": platform.host, **rule}],
    }
    if platform.tls_secret is not None:
        spec["tls"] = [{"hosts": [platform.host], "secretName": platform.tls_secret}]
    body = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": cluster.metadata(cluster.name("server"), "server", annotations=protocol(cluster)),
        "spec": spec,
    }
    yield KubernetesObject("server", body, ENVIRONMENT, skip_await=True)


def protocol(cluster: Cluster) -> dict[str, str]:
    """What tells a controller that our servers speak TLS; others than nginx learn it from the Service."""
    nginx = "nginx" in (cluster.target.platform.ingress or "")
    return {NGINX_PROTOCOL: "HTTPS"} if nginx and cluster.target.tls is not None else {}


def paths(cluster: Cluster) -> list[Body]:
    return [
        {"path": route, "pathType": "Exact", "backend": backend(cluster, model.name)}
        for model in cluster.system.models
        for route in (*model.serving.routes, *feedback_paths(model.serving.routes))
    ]


def backend(cluster: Cluster, model: str) -> Body:
    return {"service": {"name": server_name(cluster, model), "port": {"name": "http"}}}
