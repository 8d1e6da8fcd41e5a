"""What NetworkPolicies allow, by the words of the Kubernetes API: who may open a connection to whom, at which port.

Networks differ in one thing: whether the address of a pod is in an `ipBlock`. Both readings can be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Literal

Body = Mapping[str, Any]
Direction = Literal["Ingress", "Egress"]
RULES: Mapping[Direction, str] = {"Ingress": "ingress", "Egress": "egress"}
PEERS: Mapping[Direction, str] = {"Ingress": "from", "Egress": "to"}


@dataclass(frozen=True)
class Pod:
    """`ports` are the named ones of its containers."""

    namespace: str
    labels: Mapping[str, str] = field(hash=False)
    address: str
    ports: Mapping[str, int] = field(hash=False, default_factory=dict)


@dataclass(frozen=True)
class Outside:
    """Something that is no pod: a server of another network."""

    address: str


@dataclass(frozen=True)
class NodeOf:
    """The node that a pod runs on: the kubelet's probes come from there."""

    pod: Pod


Peer = Pod | Outside | NodeOf


@dataclass(frozen=True)
class Network:
    """`namespaces` maps names to labels, the name itself being one as in every cluster."""

    policies: Sequence[Body]
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    blocks_cover_pods: bool = False

    def allows(self, source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
        """A connection needs both ends: egress where `source` is a pod, ingress where `target` is one."""
        if source == target or (isinstance(source, NodeOf) and source.pod == target):
            return True
        leaves = not isinstance(source, Pod) or self._passes("Egress", source, target, target, port, protocol)
        enters = not isinstance(target, Pod) or self._passes("Ingress", target, source, target, port, protocol)
        return leaves and enters

    def _passes(self, way: Direction, pod: Pod, peer: Peer, target: Peer, port: int, protocol: str) -> bool:
        """Policies add up: what one of those that select `pod` allows, is allowed; without any, everything is."""
        selecting = [one for one in self.policies if self._selects(one, way, pod)]
        rules = [(one, rule) for one in selecting for rule in one["spec"].get(RULES[way]) or ()]
        return not selecting or any(
            self._names(rule.get(PEERS[way]), namespace_of(one), peer)
            and opens(rule.get("ports"), target, port, protocol)
            for one, rule in rules
        )

    def _selects(self, policy: Body, way: Direction, pod: Pod) -> bool:
        spec = policy["spec"]
        default = ["Ingress", *(["Egress"] if spec.get("egress") else [])]
        return (
            way in spec.get("policyTypes", default)
            and namespace_of(policy) == pod.namespace
            and selected(spec.get("podSelector", {}), pod.labels)
        )

    def _names(self, peers: Sequence[Body] | None, namespace: str, peer: Peer) -> bool:
        """No peers at all are everybody."""
        return not peers or any(self._is(one, namespace, peer) for one in peers)

    def _is(self, described: Body, namespace: str, peer: Peer) -> bool:
        if "ipBlock" in described:
            covered = self.blocks_cover_pods or isinstance(peer, Outside)
            return covered and not isinstance(peer, NodeOf) and inside(described["ipBlock"], peer.address)
        if not isinstance(peer, Pod):
            return False
        if "namespaceSelector" in described:
            known = {"kubernetes.io/metadata.name": peer.namespace, **self.namespaces.get(peer.namespace, {})}
            return selected(described["namespaceSelector"], known) and selected(
                described.get("podSelector", {}), peer.labels
            )
        return peer.namespace == namespace and selected(described["podSelector"], peer.labels)


def namespace_of(policy: Body) -> str:
    return str(policy["metadata"]["namespace"])


def opens(ports: Sequence[Body] | None, target: Peer, port: int, protocol: str) -> bool:
    """No ports at all are every port of every protocol."""
    return not ports or any(opens_one(one, target, port, protocol) for one in ports)


def opens_one(described: Body, target: Peer, port: int, protocol: str) -> bool:
    if described.get("protocol", "TCP") != protocol:
        return False
    match described.get("port"):
        case None:
            return True
        case str(name):
            return isinstance(target, Pod) and target.ports.get(name) == port
        case first:
            return bool(first <= port <= described.get("endPort", first))


def inside(block: Body, address: str) -> bool:
    found = ip_address(address)
    excepted = block.get("except", ())
    return found in ip_network(block["cidr"]) and not any(found in ip_network(one) for one in excepted)


def selected(selector: Body, labels: Mapping[str, str]) -> bool:
    """An empty selector selects everything."""
    exact = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or ()
    return all(labels.get(key) == value for key, value in exact.items()) and all(
        fits(one, labels) for one in expressions
    )


def fits(expression: Body, labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values", ())
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case other:
            raise AssertionError(f"{other} is no operator of a selector")
