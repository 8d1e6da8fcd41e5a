"""The server of one model: its pods, the Service before them, and what keeps enough of them while nodes are drained."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.kubernetes.access import SERVER, account_name
from mlsystem.emit.kubernetes.disruption import disruption_budget, replacement, spread
from mlsystem.emit.kubernetes.knative import knative_service
from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.kubernetes.pods import GI, container, pod_template
from mlsystem.emit.kubernetes.probes import probes
from mlsystem.emit.kubernetes.processes import (
    SERVER_PORT,
    by_knative,
    serve,
    server_env,
    server_name,
    server_secrets,
    volumes,
)
from mlsystem.emit.kubernetes.rollout import rollout
from mlsystem.emit.kubernetes.scaling import scaler
from mlsystem.emit.sections import server_section
from mlsystem.system.nodes import ModelNode
from mlsystem.system.target import GRPC_PORT, METRICS_PORT
from mlsystem_runtime.contract.names import DRAIN_DELAY_SECONDS, TERMINATION_GRACE_SECONDS

HTTP, GRPC, METRICS = "http", "grpc", "metrics"
SERVICE_PORT = 80
MIRROR_BYTES = 10 * GI
REVISIONS = 5


def servers(cluster: Cluster) -> Iterator[KubernetesObject]:
    for model in cluster.system.models:
        if by_knative(model):
            yield knative_service(cluster, model, MIRROR_BYTES)
        else:
            yield pods(cluster, model)
            yield service(cluster, model)
            yield scaler(cluster, model)
        if (budget := disruption_budget(cluster, model)) is not None:
            yield budget


def pods(cluster: Cluster, model: ModelNode) -> KubernetesObject:
    if cluster.target.platform.argo_rollouts:
        return rollout(cluster, model, template(cluster, model))
    return deployment(cluster, model)


def deployment(cluster: Cluster, model: ModelNode) -> KubernetesObject:
    """Without `replicas`, which are the scaler's. Its pods become ready when there is a model,
    for which nobody waits."""
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": cluster.metadata(server_name(cluster, model.name), SERVER, model.name),
        "spec": {
            "revisionHistoryLimit": REVISIONS,
            "minReadySeconds": DRAIN_DELAY_SECONDS,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": replacement(model)},
            "selector": {"matchLabels": cluster.selector(SERVER, model.name)},
            "template": template(cluster, model),
        },
    }
    return KubernetesObject("server", body, f"endpoint.{model.name}", skip_await=True)


def template(cluster: Cluster, model: ModelNode) -> Body:
    mounted = [*volumes(cluster, server_section(model.name), MIRROR_BYTES), *server_secrets(cluster, model.name)]
    hardware = model.serving.hardware
    main = container(
        SERVER, cluster.images[model.serving.image], serve(cluster, model), cpu_cores=hardware.cpu,
        memory_bytes=hardware.memory_bytes, env=server_env(cluster, model.name), volumes=mounted,
    )  # fmt: skip
    made = pod_template(
        cluster, SERVER, {**main, **listening(cluster, model)}, mounted, account=account_name(cluster, SERVER),
        token=True, grace_seconds=TERMINATION_GRACE_SECONDS, model=model.name,
    )  # fmt: skip
    made["spec"]["topologySpreadConstraints"] = spread(cluster, model)
    return made


def listening(cluster: Cluster, model: ModelNode) -> Body:
    """Without a `preStop`: a server that is told to end says so at once, and answers on for as long as others may not
    have heard of it."""
    numbers = {HTTP: SERVER_PORT, GRPC: GRPC_PORT, METRICS: METRICS_PORT}
    return {
        "ports": [
            {"name": name, "containerPort": numbers[name], "protocol": "TCP"} for name in port_names(cluster, model)
        ],
        **probes(scraped_port(cluster)),
    }


def port_names(cluster: Cluster, model: ModelNode) -> list[str]:
    return [HTTP, *([GRPC] if model.serving.grpc else []), *([METRICS] if cluster.system.metrics_apart else [])]


def scraped_port(cluster: Cluster) -> str:
    """The name of the port where probes and metrics are, in plain HTTP."""
    return METRICS if cluster.system.metrics_apart else HTTP


def service(cluster: Cluster, model: ModelNode) -> KubernetesObject:
    numbers = {HTTP: SERVICE_PORT, GRPC: GRPC_PORT, METRICS: METRICS_PORT}
    spoken = {GRPC: "kubernetes.io/h2c"} if cluster.target.tls is None else {HTTP: "https", GRPC: "https"}
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": cluster.metadata(server_name(cluster, model.name), SERVER, model.name),
        "spec": {
            "type": "ClusterIP",
            "selector": cluster.selector(SERVER, model.name),
            "ports": [
                {"name": name, "port": numbers[name], "targetPort": name, "protocol": "TCP",
                 **({"appProtocol": spoken[name]} if name in spoken else {})}
                for name in port_names(cluster, model)
            ],
        },
    }
    return KubernetesObject("server", body, f"endpoint.{model.name}", skip_await=True)
