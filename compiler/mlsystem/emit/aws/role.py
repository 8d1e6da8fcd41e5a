"""Roles in the account: who may be them, and what they may do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlsystem.emit.aws.below import CLUSTER, Below
from mlsystem.emit.aws.resource import Policy, Ref, Resource, Statement


def role(
    below: Below, name: str, concern: str, trust: Statement, managed: Mapping[str, str] | None = None,
    rights: Sequence[Statement] = (), why: str = "",
) -> Iterator[Resource]:  # fmt: skip
    """`managed`: policies that AWS keeps, by the end of the attachment's name. `rights`: what stands in its own."""
    inputs = {
        "name": below.named(name),
        "assume_role_policy": Policy((trust,)),
        "permissions_boundary": below.boundary,
    }
    yield Resource("aws.iam.Role", name, inputs, concern, below.origin, why=why)
    for ending, policy in (managed or {}).items():
        attached = {"role": Ref(name, "name"), "policy_arn": policy}
        yield Resource("aws.iam.RolePolicyAttachment", f"{name}-{ending}", attached, concern, below.origin)
    if rights:
        inline = {"role": Ref(name, "name"), "name": name, "policy": Policy(tuple(rights))}
        yield Resource("aws.iam.RolePolicy", f"{name}-rights", inline, concern, below.origin)


def of_service(service: str) -> Statement:
    """Who is a service of AWS may be the role."""
    return Statement(("sts:AssumeRole",), principals={"Service": f"{service}.amazonaws.com"})


def of_pods(below: Below, namespace: str, account: str) -> Statement:
    """Pods of one ServiceAccount in one cluster: EKS tags their sessions with who they are."""
    who = {"eks-cluster-name": below.cluster, "kubernetes-namespace": namespace, "kubernetes-service-account": account}
    return Statement(
        ("sts:AssumeRole", "sts:TagSession"),
        principals={"Service": "pods.eks.amazonaws.com"},
        conditions={
            "StringEquals": {
                "aws:SourceAccount": below.account,
                **{f"aws:RequestTag/{key}": value for key, value in who.items()},
            }
        },
    )


def associated(below: Below, name: str, concern: str, namespace: str, account: str) -> Resource:
    """That pods of this ServiceAccount are given the role `name`."""
    inputs = {
        "cluster_name": Ref(CLUSTER, "name"),
        "namespace": namespace,
        "service_account": account,
        "role_arn": Ref(name, "arn"),
    }
    return Resource("aws.eks.PodIdentityAssociation", f"{name}-pods", inputs, concern, below.origin)
