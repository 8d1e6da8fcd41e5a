"""Who enters a cluster that is made here, beside its own pods: the two roles of the review's workflow.

The one that plans sees what the stacks declare, which has no Secrets in it. The one that applies administers the
cluster: it installs charts, which bring rights of every kind, and nobody hands out what he does not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlsystem.emit.aws.below import CLUSTER, INSIDE, Below
from mlsystem.emit.aws.eks import CONCERN
from mlsystem.emit.aws.resource import Ref, Resource, Value

INSIDE_CONCERN = "entrants"
PLANS, APPLIES, ADMINISTERS = "review-plans", "review-applies", "review-administers"
ADMINISTRATOR = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
GROUP = "mlsystem-plan"
"""What the cluster calls whoever has the role that plans."""
RBAC = "rbac.authorization.k8s.io"
LOOKS = ("get", "list", "watch")
SEEN: Mapping[str, tuple[str, ...]] = {
    "": ("configmaps", "endpoints", "events", "namespaces", "persistentvolumeclaims", "pods", "serviceaccounts",
         "services"),
    **dict.fromkeys(
        ("apps", "argoproj.io", "autoscaling", "batch", "discovery.k8s.io", "external-secrets.io", "keda.sh",
         "monitoring.coreos.com", "networking.k8s.io", "policy", RBAC, "storage.k8s.io"), ("*",),
    ),
}  # fmt: skip
"""Kinds by their group. Those of a group that has no Secrets in it are not told apart."""


def entrants(below: Below) -> Iterator[Resource]:
    if below.plan_role is not None:
        yield entry(below, PLANS, below.plan_role, kubernetes_groups=[GROUP])
        yield from looker(below)
    if below.apply_role is not None:
        yield entry(below, APPLIES, below.apply_role)
        inputs = {
            "cluster_name": Ref(CLUSTER, "name"),
            "principal_arn": Ref(APPLIES, "principal_arn"),
            "policy_arn": ADMINISTRATOR,
            "access_scope": {"type": "cluster"},
        }
        why = "It installs charts, which bring rights of every kind."
        yield Resource("aws.eks.AccessPolicyAssociation", ADMINISTERS, inputs, CONCERN, below.origin, why=why)


def entered(below: Below) -> tuple[str, ...]:
    """What whoever applies waits for before anything is asked of the cluster."""
    return () if below.apply_role is None else (ADMINISTERS,)


def entry(below: Below, name: str, role: str, **more: Value) -> Resource:
    inputs = {"cluster_name": Ref(CLUSTER, "name"), "principal_arn": role, **more}
    return Resource("aws.eks.AccessEntry", name, inputs, CONCERN, below.origin)


def looker(below: Below) -> Iterator[Resource]:
    """What the role that plans may see. Secrets are none of it, so neither is what Helm remembers of a chart."""
    name = below.named("plan")
    rules = [{"api_groups": [group], "resources": list(kinds), "verbs": list(LOOKS)} for group, kinds in SEEN.items()]
    inputs: dict[str, Value] = {"metadata": {"name": name}, "rules": rules}
    why = "Whoever may push a branch may change what a plan does: it looks, and no Secret is among what it sees."
    yield within(below, "ClusterRole", "plan-sees", inputs, why=why)
    inputs = {
        "metadata": {"name": name},
        "role_ref": {"api_group": RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [{"api_group": RBAC, "kind": "Group", "name": GROUP}],
    }
    yield within(below, "ClusterRoleBinding", "plan-sees-all", inputs)


def within(below: Below, kind: str, name: str, inputs: Mapping[str, Value], why: str = "") -> Resource:
    return Resource(
        f"kubernetes.rbac.v1.{kind}", name, inputs, INSIDE_CONCERN, below.origin, why=why, provider=INSIDE
    )  # fmt: skip
