"""EKS's own addons: what nodes need before they are ready, and what runs on them for all.

An addon has the version that EKS holds for the cluster's, and keeps it until it is asked for another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlsystem.emit.aws.below import CLUSTER, Below
from mlsystem.emit.aws.resource import Json, Ref, Resource, Value
from mlsystem.emit.aws.role import of_pods, role

BEFORE, AFTER = "node_addons", "addons"
"""Concerns: nodes come after the first and before the second."""
SYSTEM = "kube-system"
SYSTEM_NODES = "nodes-system"
BEFORE_NODES: Mapping[str, Value] = {
    "vpc-cni": {"enableNetworkPolicy": "true"},
    "kube-proxy": None,
    "eks-pod-identity-agent": None,
}
"""What nodes need to be ready, with its settings: the first enforces the system's NetworkPolicies."""
ON_NODES = ("coredns", "aws-ebs-csi-driver", "metrics-server")
ACCOUNTS = {"vpc-cni": "aws-node", "aws-ebs-csi-driver": "ebs-csi-controller-sa"}
"""The ServiceAccounts of addons that ask the account for something."""
AWS_POLICIES = {
    "vpc-cni": "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy",
    "aws-ebs-csi-driver": "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy",
}


def addons(below: Below) -> Iterator[Resource]:
    for name, settings in BEFORE_NODES.items():
        yield from addon(below, name, BEFORE, settings)
    for name in ON_NODES:
        yield from addon(below, name, AFTER, None, after=(SYSTEM_NODES,))


def addon(
    below: Below, name: str, concern: str, settings: Value, after: tuple[str, ...] = ()
) -> Iterator[Resource]:
    account = ACCOUNTS.get(name)
    inputs = {
        "cluster_name": Ref(CLUSTER, "name"),
        "addon_name": name,
        "resolve_conflicts_on_create": "OVERWRITE",
        "resolve_conflicts_on_update": "OVERWRITE",
        "configuration_values": None if settings is None else Json(settings),
    }
    if account is not None:
        yield from role(below, name, concern, of_pods(below, SYSTEM, account), {"policy": AWS_POLICIES[name]})
        inputs["pod_identity_associations"] = [{"role_arn": Ref(name, "arn"), "service_account": account}]
        after = (*after, f"{name}-policy")
    yield Resource("aws.eks.Addon", f"addon-{name}", inputs, concern, below.origin, depends_on=after)
