"""The policies of a system let exactly its edges pass: between every other pair of pods there is no connection."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import pytest
from clusters import cluster_named
from network_policies import Network, NodeOf, Outside, Peer, Pod
from pods import of_kind, workloads

from mlsystem.emit.kubernetes.objects import Cluster, KubernetesObject
from mlsystem.emit.kubernetes.processes import by_knative, gangs
from mlsystem.emit.kubernetes.system import kubernetes_objects

Objects = tuple[KubernetesObject, ...]

PORTS = (22, 53, 80, 443, 5000, 5432, 6379, 6443, 8012, 8013, 8022, 8080, 8112, 9000, 9090, 9464, 30000)
NAMESPACES = {"kube-system": {}, "monitoring": {"team": "platform"}, "storage": {}, "data": {}}
STORE_USERS = ("server", "monitor", "pipeline")
API_USERS = STORE_USERS
NEED_NAMES = (*STORE_USERS, "tracking")
WEB = Outside("93.184.216.34")
LOCAL_DNS = Outside("169.254.20.10")
POD_IDENTITY = Outside("169.254.170.23")


def predictions(cluster: Cluster) -> set[int]:
    """Ports of servers where they are asked for: Knative has a proxy before its own."""
    return {port for model in cluster.system.models for port in ((8012, 8112) if by_knative(model) else (8080,))}


def counted(cluster: Cluster) -> set[int]:
    """Ports of servers where it is read what is counted, of them and of the proxy."""
    apart, models = cluster.system.metrics_apart, cluster.system.models
    own = {(9464 if by_knative(model) else 9090) if apart else 8080 for model in models}
    return own | {9090 for model in models if by_knative(model)}


def for_all(cluster: Cluster) -> set[tuple[str, int]]:
    return {("monitor", 9090)} | {("server", port) for port in predictions(cluster) | counted(cluster)}


def pods_of(cluster: Cluster, objects: Objects) -> dict[str, Pod]:
    """By name of the workload; a step of the pipeline is one too, which Argo makes, and a pod of each gang."""
    found = {"pipeline": Pod(cluster.target.namespace, cluster.labels("pipeline"), "10.1.0.1")}
    for number, model in enumerate(gangs(cluster)):
        found[f"gang {model}"] = Pod(cluster.target.namespace, cluster.labels("pipeline", model), f"10.1.1.{number}")
    for number, one in enumerate(workloads(objects), start=2):
        template = one.body["spec"]["template"]
        ports = template["spec"]["containers"][0].get("ports", ())
        named = {port["name"]: port["containerPort"] for port in ports}
        found[one.name] = Pod(cluster.target.namespace, template["metadata"]["labels"], f"10.1.0.{number}", named)
    return found


def strangers(cluster: Cluster) -> dict[str, Pod]:
    """Among them another system of the same namespace."""
    other = {**cluster.labels("server", "main"), "app.kubernetes.io/instance": "fraud-staging"}
    return {
        "unlabelled": Pod(cluster.target.namespace, {}, "10.2.0.1"),
        "other system": Pod(cluster.target.namespace, other, "10.2.0.2"),
        "same labels elsewhere": Pod("data", cluster.labels("server", "main"), "10.2.0.3"),
        "prometheus": Pod("monitoring", {"app.kubernetes.io/name": "prometheus"}, "10.2.0.4"),
        "objects": Pod("storage", {"app": "objects"}, "10.2.0.5"),
        "system pod": Pod("kube-system", {"k8s-app": "metrics-server"}, "10.2.0.6"),
    }


DNS = Pod("kube-system", {"k8s-app": "kube-dns"}, "10.3.0.1")


def component(pod: Pod) -> str:
    return pod.labels.get("app.kubernetes.io/component", "")


def network(objects: Objects, blocks_cover_pods: bool = False) -> Network:
    return Network(of_kind(objects, "NetworkPolicy"), NAMESPACES, blocks_cover_pods)


def edges(cluster: Cluster) -> set[tuple[str, str, int]]:
    """Between components of the system."""
    found: set[tuple[str, str, int]] = set()
    if cluster.target.online_store is None:
        found |= {(one, "online-store", 6379) for one in STORE_USERS}
    if cluster.target.tracking is None:
        found |= {("pipeline", "tracking", 5000), ("tracking", "tracking-database", 5432)}
    return found


def open_between(network: Network, peers: dict[str, Pod]) -> Iterator[tuple[Pod, Pod, int]]:
    for source, target in permutations(peers.values(), 2):
        for port in PORTS:
            if network.allows(source, target, port):
                yield source, target, port


@pytest.mark.parametrize("blocks_cover_pods", [False, True])
def test_between_pods_of_the_system_exactly_its_edges_pass(
    cluster: Cluster, objects: Objects, blocks_cover_pods: bool
) -> None:
    """But where only a secret knows where a store is: then a pod that needs it may try the ports that are for all."""
    found = open_between(network(objects, blocks_cover_pods), pods_of(cluster, objects))
    passing = {(component(source), component(target), port) for source, target, port in found}

    public = {one for one in passing if one[1:] in for_all(cluster)}
    assert passing - public == edges(cluster)
    assert {source for source, _, _ in public} <= (set(STORE_USERS) if blind(cluster) else set())


def test_pods_of_a_gang_reach_each_other_at_every_port_and_no_other_pod_of_the_pipeline() -> None:
    """Its libraries let the system choose the ports."""
    cluster = cluster_named("two gangs")
    net, namespace = network(kubernetes_objects(cluster)), cluster.target.namespace
    rain, other = (Pod(namespace, cluster.labels("pipeline", "rain"), f"10.6.0.{number}") for number in (1, 2))
    warmth = Pod(namespace, cluster.labels("pipeline", "warmth"), "10.6.0.3")
    step = Pod(namespace, cluster.labels("pipeline"), "10.6.0.4")
    server = Pod(namespace, cluster.labels("server", "rain"), "10.6.0.5")

    for port in (29400, *PORTS):
        assert net.allows(rain, other, port)
        assert net.allows(other, rain, port)
        assert not net.allows(rain, other, port, "UDP")
        for source, target in ((rain, warmth), (warmth, rain), (rain, step), (step, rain), (server, rain)):
            assert not net.allows(source, target, port)
    assert not any(net.allows(rain, server, port) for port in PORTS)


def blind(cluster: Cluster) -> bool:
    return any("secret:" in (uri or "") for uri in (cluster.target.online_store, cluster.target.tracking))


def test_strangers_reach_what_is_for_everybody_and_nothing_else(cluster: Cluster, objects: Objects) -> None:
    net = network(objects, blocks_cover_pods=True)
    reached = {
        (component(pod), port)
        for stranger in (*strangers(cluster).values(), DNS)
        for pod in pods_of(cluster, objects).values()
        for port in PORTS
        if net.allows(stranger, pod, port)
    }

    assert reached == for_all(cluster)


def test_every_stranger_may_ask_for_predictions_and_metrics(cluster: Cluster, objects: Objects) -> None:
    servers = [pod for pod in pods_of(cluster, objects).values() if component(pod) == "server"]

    assert servers
    assert all(
        network(objects).allows(one, pod, port)
        for one in strangers(cluster).values() for pod in servers for port in predictions(cluster) | counted(cluster)
    )  # fmt: skip


def test_what_is_outside_the_cluster_comes_in_only_where_there_is_an_ingress(
    cluster: Cluster, objects: Objects
) -> None:
    net = network(objects)
    reached = {
        (component(pod), port) for pod in pods_of(cluster, objects).values() for port in PORTS
        if net.allows(WEB, pod, port)
    }  # fmt: skip

    assert reached == ({("server", 8080)} & {("server", port) for port in predictions(cluster)}
                       if cluster.target.platform.ingress else set())  # fmt: skip


def test_names_are_asked_by_those_who_connect_to_somebody_and_by_nobody_else(
    cluster: Cluster, objects: Objects
) -> None:
    net = network(objects)
    for pod in pods_of(cluster, objects).values():
        asks = component(pod) in NEED_NAMES
        for server in (DNS, LOCAL_DNS):
            assert [net.allows(pod, server, 53, protocol) for protocol in ("UDP", "TCP")] == [asks, asks]


def test_probes_of_the_node_reach_every_pod(cluster: Cluster, objects: Objects) -> None:
    net = network(objects)

    assert all(net.allows(NodeOf(pod), pod, port) for pod in pods_of(cluster, objects).values() for port in PORTS)


def test_the_api_server_is_reached_by_those_who_use_it(cluster: Cluster, objects: Objects) -> None:
    net, api = network(objects), Outside("172.16.0.1")
    for pod in pods_of(cluster, objects).values():
        assert net.allows(pod, api, 6443) is (component(pod) in API_USERS)


def test_pods_of_others_are_left_alone(cluster: Cluster, objects: Objects) -> None:
    net, others = network(objects), [*strangers(cluster).values(), DNS]

    assert all(net.allows(one, other, port) for one, other in permutations(others, 2) for port in PORTS)
    assert all(net.allows(one, WEB, port) for one in others for port in PORTS)


def reaches(variation: str, source: str, target: Peer, port: int) -> bool:
    cluster = cluster_named(variation)
    objects = kubernetes_objects(cluster)
    (pod,) = [one for one in pods_of(cluster, objects).values() if component(one) == source]
    return network(objects).allows(pod, target, port)


@pytest.mark.parametrize(
    ("variation", "source", "target", "port", "allowed"),
    [
        ("flights", "server", WEB, 9000, False),
        ("flights", "server", POD_IDENTITY, 80, False),
        ("flights", "online-store", WEB, 443, False),
        ("flights", "tracking-database", WEB, 443, False),
        ("given stores", "server", WEB, 6380, True),
        ("given stores", "server", WEB, 6379, False),
        ("given stores", "pipeline", WEB, 443, True),
        ("stores of other namespaces", "server", Pod("data", {}, "10.5.0.1"), 6380, True),
        ("stores of other namespaces", "server", Pod("storage", {}, "10.5.0.2"), 6379, False),
        ("stores of other namespaces", "server", WEB, 6379, False),
        ("stores of other namespaces", "pipeline", Pod("data", {}, "10.5.0.1"), 8000, True),
        ("secret stores", "server", WEB, 12345, True),
        ("secret stores", "monitor", WEB, 12345, True),
        ("bucket of the cluster", "server", Pod("storage", {}, "10.5.0.2"), 80, True),
        ("bucket of the cluster", "server", Pod("data", {}, "10.5.0.1"), 9000, False),
        ("bucket of the cluster", "server", POD_IDENTITY, 80, False),
        ("bucket of the cloud", "pipeline", POD_IDENTITY, 80, True),
        ("bucket of the cloud", "pipeline", WEB, 80, False),
        ("bucket of the cloud", "online-store", POD_IDENTITY, 80, False),
    ],
)
def test_what_the_environment_names_is_reached_and_its_neighbours_are_not(
    variation: str, source: str, target: Peer, port: int, allowed: bool
) -> None:
    assert reaches(variation, source, target, port) is allowed
