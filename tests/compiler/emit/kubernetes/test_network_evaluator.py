"""The evaluator of NetworkPolicies says what the words of the Kubernetes API say."""

from __future__ import annotations

from typing import Any

import pytest
from network_policies import Network, NodeOf, Outside, Peer, Pod

WEB = Pod("shop", {"app": "web"}, "10.0.0.1", {"http": 8080})
STORE = Pod("shop", {"app": "store", "tier": "data"}, "10.0.0.2", {"redis": 6379})
STRANGER = Pod("other", {"app": "web"}, "10.0.1.1")
INTERNET = Outside("93.184.216.34")


def policy(namespace: str = "shop", pods: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    selector = {"matchLabels": pods} if pods else {}
    return {"metadata": {"namespace": namespace}, "spec": {"podSelector": selector, **spec}}


DENY = policy(policyTypes=["Ingress", "Egress"])


def test_without_policies_everybody_reaches_everybody() -> None:
    assert Network([]).allows(STRANGER, STORE, 6379)
    assert Network([]).allows(STORE, INTERNET, 443)


def test_a_policy_without_rules_denies_what_its_types_name() -> None:
    silent = Network([policy(pods={"app": "store"}, policyTypes=["Ingress"])])

    assert not silent.allows(WEB, STORE, 6379)
    assert silent.allows(STORE, WEB, 8080)


def test_types_that_are_left_out_are_ingress_and_egress_where_there_are_such_rules() -> None:
    assert not Network([policy()]).allows(WEB, STORE, 6379)
    assert Network([policy()]).allows(WEB, INTERNET, 443)
    assert not Network([policy(egress=[{"ports": [{"port": 53, "protocol": "UDP"}]}])]).allows(WEB, INTERNET, 443)


def test_a_policy_is_for_pods_of_its_own_namespace() -> None:
    assert Network([DENY]).allows(STRANGER, INTERNET, 443)
    assert Network([policy("other")]).allows(WEB, STORE, 6379)


def test_both_ends_have_to_allow_a_connection() -> None:
    enter = policy(pods={"app": "store"}, policyTypes=["Ingress"], ingress=[{}])
    leave = policy(pods={"app": "web"}, policyTypes=["Egress"], egress=[{}])

    assert not Network([DENY, enter]).allows(WEB, STORE, 6379)
    assert not Network([DENY, leave]).allows(WEB, STORE, 6379)
    assert Network([DENY, enter, leave]).allows(WEB, STORE, 6379)


def test_policies_add_up() -> None:
    first = policy(pods={"app": "store"}, ingress=[{"ports": [{"port": 6379}]}])
    second = policy(pods={"app": "store"}, ingress=[{"ports": [{"port": 9121}]}])

    assert Network([first, second]).allows(WEB, STORE, 6379)
    assert Network([first, second]).allows(WEB, STORE, 9121)
    assert not Network([first, second]).allows(WEB, STORE, 22)


@pytest.mark.parametrize(
    ("peer", "allowed"),
    [
        ({"podSelector": {"matchLabels": {"app": "web"}}}, [WEB]),
        ({"podSelector": {}}, [WEB]),
        ({"namespaceSelector": {}}, [WEB, STRANGER]),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}, [STRANGER]),
        ({"namespaceSelector": {"matchLabels": {"team": "b"}}}, [STRANGER]),
        ({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "api"}}}, []),
        ({"namespaceSelector": {"matchLabels": {"team": "b"}}, "podSelector": {"matchLabels": {"app": "web"}}},
         [STRANGER]),
        ({"ipBlock": {"cidr": "93.184.0.0/16"}}, [INTERNET]),
        ({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["93.184.0.0/16"]}}, []),
        ({"ipBlock": {"cidr": "0.0.0.0/0"}}, [INTERNET]),
    ],
)  # fmt: skip
def test_a_peer_is_who_its_selectors_say(peer: dict[str, Any], allowed: list[Peer]) -> None:
    network = Network([policy(pods={"app": "store"}, ingress=[{"from": [peer]}])], {"other": {"team": "b"}})

    assert [one for one in (WEB, STRANGER, INTERNET) if network.allows(one, STORE, 6379)] == allowed


def test_a_block_of_addresses_covers_pods_where_the_network_reads_it_so() -> None:
    block = policy(pods={"app": "store"}, ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}])

    assert not Network([block]).allows(WEB, STORE, 6379)
    assert Network([block], blocks_cover_pods=True).allows(WEB, STORE, 6379)


@pytest.mark.parametrize(
    ("ports", "port", "protocol", "allowed"),
    [
        ([{"port": 6379}], 6379, "TCP", True),
        ([{"port": 6379}], 6379, "UDP", False),
        ([{"port": 6379, "protocol": "UDP"}], 6379, "UDP", True),
        ([{"protocol": "TCP"}], 1, "TCP", True),
        ([{"protocol": "TCP"}], 1, "UDP", False),
        ([{"port": 6000, "endPort": 7000}], 6379, "TCP", True),
        ([{"port": 6000, "endPort": 7000}], 7001, "TCP", False),
        ([{"port": "redis"}], 6379, "TCP", True),
        ([{"port": "redis"}], 8080, "TCP", False),
        ([], 1, "SCTP", True),
    ],
)
def test_a_port_is_of_one_protocol_and_a_name_is_the_targets(
    ports: list[dict[str, Any]], port: int, protocol: str, allowed: bool
) -> None:
    network = Network([policy(pods={"app": "store"}, ingress=[{"ports": ports}])])

    assert network.allows(WEB, STORE, port, protocol) is allowed


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ({"key": "app", "operator": "In", "values": ["store", "cache"]}, True),
        ({"key": "app", "operator": "NotIn", "values": ["store"]}, False),
        ({"key": "zone", "operator": "NotIn", "values": ["store"]}, True),
        ({"key": "tier", "operator": "Exists"}, True),
        ({"key": "tier", "operator": "DoesNotExist"}, False),
    ],
)
def test_expressions_select_as_in_the_api(expression: dict[str, Any], fits: bool) -> None:
    denied = {"metadata": {"namespace": "shop"}, "spec": {"podSelector": {"matchExpressions": [expression]}}}

    assert Network([denied]).allows(WEB, STORE, 6379) is not fits


def test_a_pod_reaches_itself_and_its_node_reaches_it() -> None:
    assert Network([DENY]).allows(STORE, STORE, 6379)
    assert Network([DENY]).allows(NodeOf(STORE), STORE, 6379)
    assert not Network([DENY]).allows(NodeOf(WEB), STORE, 6379)
