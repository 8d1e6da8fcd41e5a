"""Who may talk to whom: nobody, and then exactly the edges of the system. Pods of others are left alone.

Probes come from the node, which every network lets through. What is outside the cluster has no labels: it is reached
by port, and by address where that is known.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from mlsystem.emit.kubernetes.ingress import outside
from mlsystem.emit.kubernetes.objects import Body, Cluster, KubernetesObject
from mlsystem.emit.kubernetes.processes import (
    ONLINE_STORE_PORT,
    SERVER_PORT,
    TRACKING_PORT,
    by_knative,
    gang_name,
    gangs,
    in_bucket,
    server_metrics_port,
)
from mlsystem.emit.kubernetes.secrets import is_secret
from mlsystem.emit.kubernetes.tracking import DATABASE_PORT, in_account
from mlsystem.system.snapshots import ENVIRONMENT
from mlsystem.system.target import GRPC_PORT, METRICS_PORT, in_table

SERVER, MONITOR, PIPELINE = "server", "monitor", "pipeline"
ONLINE_STORE, TRACKING, DATABASE = "online-store", "tracking", "tracking-database"
PORTS = {"redis": 6379, "rediss": 6379, "http": 80, "https": 443}
API_PORTS = (443, 6443)
DNS_PORT = 53
KNATIVE_PORTS = (8012, 8112, 9090)
"""Of the proxy in a server's pod: requests from Knative's gateway and activator, the same in TLS, and what Knative's
autoscaler reads."""
LOCAL_DNS = "169.254.20.10/32"
POD_IDENTITY = ("169.254.170.23/32", "fd00:ec2::23/128")
ANYWHERE: list[Body] = [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}]


def network(cluster: Cluster) -> Iterator[KubernetesObject]:
    yield everybody(cluster)
    yield policy(cluster, SERVER, [*callers(cluster), *scraped_servers(cluster)], [*own_process(cluster)])
    yield policy(cluster, MONITOR, [scrapes(METRICS_PORT)], [*own_process(cluster), *alerts(cluster)])
    yield policy(cluster, PIPELINE, [], [*own_process(cluster), *tracking(cluster)])
    yield from (gang(cluster, model) for model in gangs(cluster))
    if cluster.target.online_store is None:
        yield policy(cluster, ONLINE_STORE, [ours(cluster, "from", (SERVER, MONITOR, PIPELINE), ONLINE_STORE_PORT)], [])
    if cluster.target.tracking is None:
        port = DATABASE_PORT["port"]
        database = beside(cluster, port) if in_account(cluster) else ours(cluster, "to", (DATABASE,), port)
        yield policy(cluster, TRACKING, [ours(cluster, "from", (PIPELINE,), TRACKING_PORT)], [dns(), database])
    if cluster.target.tracking is None and not in_account(cluster):
        yield policy(cluster, DATABASE, [ours(cluster, "from", (TRACKING,), DATABASE_PORT["port"])], [])


def everybody(cluster: Cluster) -> KubernetesObject:
    """All pods of the system: what no other policy allows is denied."""
    instance = {"app.kubernetes.io/instance": cluster.instance}
    return made(cluster, cluster.name("deny"), "network", instance, [], [])


def policy(cluster: Cluster, component: str, ingress: list[Body], egress: list[Body]) -> KubernetesObject:
    return made(cluster, cluster.name(component), component, cluster.selector(component), ingress, egress)


def gang(cluster: Cluster, model: str) -> KubernetesObject:
    """Pods that train this model together: beside what all of the pipeline may, each reaches each, at any port."""
    members = cluster.selector(PIPELINE, model)
    each = [{"podSelector": {"matchLabels": members}}]
    ports = [{"protocol": "TCP"}]
    return made(
        cluster, gang_name(cluster, model), PIPELINE, members, [{"from": each, "ports": ports}],
        [{"to": each, "ports": ports}],
    )  # fmt: skip


def made(
    cluster: Cluster, name: str, component: str, pods: Body, ingress: list[Body], egress: list[Body]
) -> KubernetesObject:
    body = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": cluster.metadata(name, component),
        "spec": {
            "podSelector": {"matchLabels": pods},
            "policyTypes": ["Ingress", "Egress"],
            **({"ingress": ingress} if ingress else {}),
            **({"egress": egress} if egress else {}),
        },
    }
    return KubernetesObject("network", body, ENVIRONMENT)


def callers(cluster: Cluster) -> Iterator[Body]:
    """Pods of the cluster, Prometheus among them; with an ingress everybody, for its controller need not be a pod, and
    over gRPC where the ingress has a path for it."""
    pods: Body = {"from": [{"namespaceSelector": {}}]}
    knative = [by_knative(model) for model in cluster.system.models]
    if not all(knative):
        yield {**({} if cluster.target.platform.ingress is not None else pods), "ports": tcp(SERVER_PORT)}
    if any(knative):
        yield {**pods, "ports": tcp(*KNATIVE_PORTS)}
    if any(model.serving.grpc for model in cluster.system.models):
        yield {**({} if outside(cluster) is not None else pods), "ports": tcp(GRPC_PORT)}


def scraped_servers(cluster: Cluster) -> Iterator[Body]:
    """Where metrics are at a port that callers do not have anyway."""
    if cluster.system.metrics_apart:
        yield scrapes(*sorted({server_metrics_port(model) for model in cluster.system.models}))
    elif all(by_knative(model) for model in cluster.system.models):
        yield scrapes(SERVER_PORT)


def scrapes(*ports: int) -> Body:
    """Where Prometheus runs, nobody has declared: any pod may read what is counted."""
    return {"from": [{"namespaceSelector": {}}], "ports": tcp(*ports)}


def own_process(cluster: Cluster) -> Iterator[Body]:
    """What server, monitor and steps all reach."""
    yield dns()
    yield api_server()
    yield from online_store(cluster)
    yield from amazon(cluster)


def dns() -> Body:
    """That of the cluster, as all distributions label it, or the cache on the node."""
    pods = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    ports = [{"protocol": protocol, "port": DNS_PORT} for protocol in ("UDP", "TCP")]
    return {"to": [pods, {"ipBlock": {"cidr": LOCAL_DNS}}], "ports": ports}


def api_server() -> Body:
    """It is no pod, and where it is, nobody has declared."""
    return {"to": ANYWHERE, "ports": tcp(*API_PORTS)}


def online_store(cluster: Cluster) -> Iterator[Body]:
    if cluster.target.online_store is None:
        yield ours(cluster, "to", (ONLINE_STORE,), ONLINE_STORE_PORT)
    elif cluster.target.aws is not None and cluster.target.aws.online_store == "redis":
        yield beside(cluster, PORTS["rediss"])
    elif not in_table(cluster.target.online_store):
        yield from reach(cluster, cluster.target.online_store)


def beside(cluster: Cluster, port: int) -> Body:
    """A database of the account: in the network that is made, or in that of a cluster that exists, wherever it is."""
    made = cluster.target.aws.network if cluster.target.aws is not None else None
    return {"to": ANYWHERE if made is None else [{"ipBlock": {"cidr": made.cidr}}], "ports": tcp(port)}


def tracking(cluster: Cluster) -> Iterator[Body]:
    if cluster.target.tracking is None:
        yield ours(cluster, "to", (TRACKING,), TRACKING_PORT)
    else:
        yield from reach(cluster, cluster.target.tracking)


def amazon(cluster: Cluster) -> Iterator[Body]:
    """Amazon's answers where the API server's port does, and so does DynamoDB; who the pod is, an agent on the node
    says."""
    target = cluster.target
    if in_bucket(cluster) and target.bucket_endpoint is not None:
        yield from reach(cluster, target.bucket_endpoint)
    if (in_bucket(cluster) or in_table(target.online_store)) and target.bucket_secret is None:
        yield {"to": [{"ipBlock": {"cidr": address}} for address in POD_IDENTITY], "ports": tcp(80)}


def alerts(cluster: Cluster) -> Iterator[Body]:
    """Each address once."""
    written = (alert for model in cluster.system.models for alert in model.monitoring.alerts)
    found = dict.fromkeys(alert.url or f"secret:{alert.url_secret}" for alert in written if alert.kind == "webhook")
    for uri in found:
        yield from reach(cluster, uri)


def reach(cluster: Cluster, uri: str) -> Iterator[Body]:
    """What is needed to talk to a given address; one that only a secret knows may be anywhere."""
    if is_secret(uri):
        yield {"ports": [{"protocol": "TCP"}]}
        return
    parts = urlsplit(uri)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    namespace = namespace_of(cluster, host)
    if namespace is not None:
        # a Service's port need not be its pods', and policies speak of those
        peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
        yield {"to": [peer], "ports": [{"protocol": "TCP"}]}
    if not certainly_inside(host):
        yield {"to": address(host), "ports": tcp(port)}


def namespace_of(cluster: Cluster, host: str) -> str | None:
    """Of the Service with this name; NAME.NAMESPACE may be the name of a domain as well."""
    labels = host.split(".")
    if certainly_inside(host) or len(labels) == 2:
        return labels[1] if len(labels) > 1 else cluster.target.namespace
    return None


def certainly_inside(host: str) -> bool:
    labels = host.split(".")
    return (len(labels) == 1 and ":" not in host) or labels[2:3] == ["svc"]


def address(host: str) -> list[Body]:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return ANYWHERE
    return [{"ipBlock": {"cidr": f"{found}/{found.max_prefixlen}"}}]


def ours(cluster: Cluster, direction: str, components: Iterable[str], port: int) -> Body:
    """`direction` is `from` or `to`: pods of this system in this namespace."""
    peers = [{"podSelector": {"matchLabels": cluster.selector(component)}} for component in components]
    return {direction: peers, "ports": tcp(port)}


def tcp(*ports: int) -> list[Body]:
    return [{"protocol": "TCP", "port": port} for port in ports]
