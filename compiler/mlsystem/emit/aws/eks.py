"""The control plane: private, its secrets encrypted, what it does written down, who may enter said by the account."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.aws.below import CLUSTER, Below
from mlsystem.emit.aws.network import rule
from mlsystem.emit.aws.resource import Json, Lookup, Outside, Ref, Resource, Value
from mlsystem.emit.aws.role import of_service, role

CONCERN = "eks"
ROLE = "control-plane"
LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
KEY = Outside("foundation", "key_arn")
SUBNETS, NETWORK = Outside("foundation", "private_subnet_ids"), Outside("foundation", "network_id")
CALLERS = "control-plane-callers"
API_PORT = 443
OF_CREATION = ("accessConfig.bootstrapClusterCreatorAdminPermissions",)
"""What a cluster is told once: with another value it would be made anew."""


def control_plane(below: Below) -> Iterator[Resource]:
    policies = {"policy": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"}
    yield from role(below, ROLE, CONCERN, of_service("eks"), policies, why="Of the control plane, which EKS runs.")
    logs = {
        "name": f"/aws/eks/{below.cluster}/cluster",
        "retention_in_days": below.log_retention_days,
        "kms_key_id": KEY,
    }
    yield Resource("aws.cloudwatch.LogGroup", "control-plane-logs", logs, CONCERN, below.origin)
    if below.network is not None:
        yield callers(below, below.network)
    yield cluster(below)


def callers(below: Below, network: str) -> Resource:
    inputs = {
        "vpc_id": NETWORK,
        "description": f"To the API server of {below.cluster}.",
        "ingress": [rule(API_PORT, "TLS from within the network.", {"cidr_blocks": [network]})],
        "tags": {"Name": below.named("control-plane")},
    }
    why = "EKS lets in the cluster's own nodes; a runner or a person in the network is none of them."
    return Resource("aws.ec2.SecurityGroup", CALLERS, inputs, CONCERN, below.origin, why=why)


def cluster(below: Below) -> Resource:
    by_review = below.apply_role is not None
    inputs = {
        "name": below.cluster,
        "role_arn": Ref(ROLE, "arn"),
        "version": below.names.target.platform.kubernetes,
        "vpc_config": reached(below),
        "encryption_config": {"provider": {"key_arn": KEY}, "resources": ["secrets"]},
        "access_config": {
            "authentication_mode": "API",
            "bootstrap_cluster_creator_admin_permissions": not by_review,  # else that role would have an entry already
        },
        "enabled_cluster_log_types": list(LOGS),
        "bootstrap_self_managed_addons": False,
    }
    return Resource(
        "aws.eks.Cluster", CLUSTER, inputs, CONCERN, below.origin,
        why="Who may enter it, access entries say." if by_review else
            "Whoever makes it may administer it; anybody else needs an access entry.",
        depends_on=(f"{ROLE}-policy", "control-plane-logs"),
        ignore_changes=OF_CREATION,
    )  # fmt: skip


def reached(below: Below) -> Value:
    """From within the network, and from outside only by those who are named."""
    named = list(below.api_access)
    public = {"endpoint_public_access": bool(named), **({"public_access_cidrs": named} if named else {})}
    groups = {"security_group_ids": [Ref(CALLERS, "id")]} if below.network is not None else {}
    return {"subnet_ids": SUBNETS, **groups, "endpoint_private_access": True, **public}


def existing(below: Below) -> Lookup:
    why = "The platform team's own cluster: nothing is installed in it, and nothing of it is changed."
    return Lookup("aws.eks.get_cluster_output", CLUSTER, {"name": below.cluster}, CONCERN, why=why)


def certificate(below: Below) -> Ref:
    """Of the authority that signed the API server's certificate, in base64."""
    return Ref(CLUSTER, "certificate_authority.data" if below.existing is None else "certificate_authorities[0].data")


def kubeconfig(below: Below) -> Json:
    """Who asks, the account says each time: no token stands in it."""
    asked = ["eks", "get-token", "--cluster-name", below.cluster, "--region", below.region, "--output", "json"]
    return Json({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": below.cluster,
            "cluster": {"server": Ref(CLUSTER, "endpoint"), "certificate-authority-data": certificate(below)},
        }],
        "users": [{
            "name": below.cluster,
            "user": {"exec": {
                "apiVersion": "client.authentication.k8s.io/v1beta1",
                "command": "aws",
                "args": asked,
                "interactiveMode": "Never",
            }},
        }],
        "contexts": [{
            "name": below.cluster,
            "context": {"cluster": below.cluster, "user": below.cluster, "namespace": below.names.target.namespace},
        }],
        "current-context": below.cluster,
    })  # fmt: skip


def outputs(below: Below) -> dict[str, Value]:
    """What `apply` and the stack *system* need of it."""
    return {
        "cluster_name": Ref(CLUSTER, "name"),
        "cluster_arn": Ref(CLUSTER, "arn"),
        "cluster_endpoint": Ref(CLUSTER, "endpoint"),
        "cluster_certificate": certificate(below),
        "kubeconfig": kubeconfig(below),
    }
