"""What `platform` promises, in a cluster that is made here: public Helm charts, each at a pinned version."""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.aws.addons import ON_NODES, SYSTEM, SYSTEM_NODES
from mlsystem.emit.aws.below import INSIDE, Below
from mlsystem.emit.aws.chart_values import chart_values
from mlsystem.emit.aws.eks import KEY, kubeconfig
from mlsystem.emit.aws.entrants import entered
from mlsystem.emit.aws.resource import Resource, Statement
from mlsystem.emit.aws.role import associated, of_pods, role
from mlsystem.system.installed import AUTOSCALER, EXTERNAL_SECRETS, Chart, charts
from mlsystem.system.target import NodeGroup

CONCERN = "platform"
STORAGE_CLASS = "encrypted"
TIMEOUT_SECONDS = 900


def platform(below: Below, groups: tuple[NodeGroup, ...]) -> Iterator[Resource]:
    yield inside(below)
    yield storage_class(below)
    yield from autoscaler_rights(below)
    for chart in charts(below.names.target, gpus=any(group.gpus for group in groups)):
        yield release(below, chart, groups)
    if below.names.target.secrets.store is not None:
        yield from secret_store(below, below.names.target.secrets.store)


def inside(below: Below) -> Resource:
    """Who talks to the API server: with the identity of whoever carries this out."""
    inputs = {"kubeconfig": kubeconfig(below), "cluster_identifier": below.cluster}
    after = (SYSTEM_NODES, *entered(below))
    return Resource("kubernetes.Provider", INSIDE, inputs, CONCERN, below.origin, depends_on=after)


def storage_class(below: Below) -> Resource:
    tags = sorted(below.tags.items())
    inputs = {
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "ebs.csi.aws.com",
        "parameters": {
            "type": "gp3",
            "encrypted": "true",
            **{f"tagSpecification_{place}": f"{key}={value}" for place, (key, value) in enumerate(tags, start=1)},
        },
        "reclaim_policy": "Retain",
        "volume_binding_mode": "WaitForFirstConsumer",
        "allow_volume_expansion": True,
    }
    return Resource(
        "kubernetes.storage.v1.StorageClass", STORAGE_CLASS, inputs, CONCERN, below.origin, provider=INSIDE,
        why="Volumes that name no class; what was on one stays when it is deleted.",
    )  # fmt: skip


def autoscaler_rights(below: Below) -> Iterator[Resource]:
    """It changes how many machines groups of this cluster have, and no other's."""
    owned = f"aws:ResourceTag/k8s.io/cluster-autoscaler/{below.cluster}"
    rights = (
        Statement(
            ("autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"),
            (below.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/eks-*"),),
            conditions={"StringEquals": {owned: "owned"}},
        ),
        Statement(
            ("eks:DescribeNodegroup",), (below.arn("eks", f"nodegroup/{below.cluster}/*"),),
        ),
        Statement(
            ("autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances",
             "autoscaling:DescribeLaunchConfigurations", "autoscaling:DescribeScalingActivities",
             "autoscaling:DescribeTags", "ec2:DescribeImages", "ec2:DescribeInstanceTypes",
             "ec2:DescribeLaunchTemplateVersions", "ec2:GetInstanceTypesFromInstanceRequirements"),
            ("*",),
            reason="These only describe, and AWS knows no single resources for them.",
        ),
    )  # fmt: skip
    trust = of_pods(below, AUTOSCALER.namespace, AUTOSCALER.name)
    yield from role(below, AUTOSCALER.name, CONCERN, trust, rights=rights)
    yield associated(below, AUTOSCALER.name, CONCERN, AUTOSCALER.namespace, AUTOSCALER.name)


def release(below: Below, chart: Chart, groups: tuple[NodeGroup, ...]) -> Resource:
    """The release is called as the chart. It waits until all that it installs is ready."""
    inputs = {
        "name": chart.name,
        "chart": chart.name,
        "version": chart.version,
        "repository_opts": {"repo": chart.repository},
        "namespace": chart.namespace,
        "create_namespace": chart.namespace != SYSTEM,
        "atomic": True,
        "timeout": TIMEOUT_SECONDS,
        "values": chart_values(below, chart, groups),
    }
    own = (f"{chart.name}-pods",) if chart in (AUTOSCALER, EXTERNAL_SECRETS) else ()
    return Resource(
        "kubernetes.helm.v3.Release", f"chart-{chart.name}", inputs, CONCERN, below.origin, provider=INSIDE,
        depends_on=(STORAGE_CLASS, *(f"addon-{name}" for name in ON_NODES), *own),
    )  # fmt: skip


def secret_store(below: Below, name: str) -> Iterator[Resource]:
    """External Secrets reads the system's own entries of the account's Secrets Manager, which adds six characters to
    their names."""
    entries = below.entries
    rights = (
        Statement(
            ("secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"),
            tuple(below.arn("secretsmanager", f"secret:{name}-??????") for name in entries),
        ),
        Statement(("kms:Decrypt",), (KEY,)),
    )
    account = EXTERNAL_SECRETS.name
    yield from role(below, account, CONCERN, of_pods(below, EXTERNAL_SECRETS.namespace, account), rights=rights)
    yield associated(below, account, CONCERN, EXTERNAL_SECRETS.namespace, account)
    inputs = {
        "api_version": "external-secrets.io/v1",
        "kind": "ClusterSecretStore",
        "metadata": {"name": name},
        "spec": {"provider": {"aws": {"service": "SecretsManager", "region": below.region}}},
    }
    yield Resource(
        "kubernetes.apiextensions.CustomResource", f"store-{name}", inputs, CONCERN, below.origin, provider=INSIDE,
        depends_on=(f"chart-{EXTERNAL_SECRETS.name}",),
    )  # fmt: skip
