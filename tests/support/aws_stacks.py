"""A few resources of every shape, for tests of what prints, reads or carries out stacks of an AWS account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlsystem.emit.aws.resource import (
    Json,
    Lookup,
    Outside,
    Policy,
    Resource,
    Stack,
    StackName,
    Statement,
    interpolated,
)
from mlsystem.emit.pulumi_aws import emit_stack

ORIGIN = "infrastructure.environment"


def bucket() -> Resource:
    why = "Data, models and logs."
    return Resource("aws.s3.Bucket", "workspace", {"bucket": "weather"}, "storage", ORIGIN, why=why, protect=True)


def bucket_policy(of: Resource) -> Resource:
    statement = Statement(
        actions=("s3:*",), resources=(of.arn, interpolated(of.arn, "/*")), principals="*", effect="Deny",
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )  # fmt: skip
    inputs = {"bucket": of.id, "policy": Policy((statement,))}
    return Resource("aws.s3.BucketPolicy", "workspace-tls", inputs, "access", ORIGIN)


def stack_by_hand(*resources: Resource, name: StackName = "foundation", **rest: Any) -> Stack:
    return Stack(
        name=name, project=f"weather-{name}", environment="prod", account="123456789012", region="eu-central-1",
        tags={"mlsystem.dev/system": "weather"}, resources=resources, **rest,
    )  # fmt: skip


def stack_of_every_shape() -> Stack:
    """A policy before what it refers to, another stack, a lookup, and a provider that another resource is."""
    made, lookup = bucket(), Lookup("aws.eks.get_cluster_output", "existing", {"name": "company"}, "cluster")
    provider = Resource(
        "kubernetes.Provider", "company",
        {"kubeconfig": Json({"server": lookup.ref("endpoint")})}, "cluster", ORIGIN,
    )  # fmt: skip
    chart = Resource(
        "kubernetes.helm.v3.Release", "metrics", {"chart": "metrics-server", "namespace": "kube-system"}, "addons",
        ORIGIN, provider="company",
    )  # fmt: skip
    group = Resource(
        "aws.ec2.SecurityGroup", "pods",
        {"vpc_id": Outside("foundation", "vpc"), "description": "Of pods.", "ingress": [{"protocol": "tcp",
         "from_port": 443, "to_port": 443, "cidr_blocks": ["10.0.0.0/16"]}]}, "network", ORIGIN,
        ignore_changes=("ingress",),
    )  # fmt: skip
    return stack_by_hand(
        bucket_policy(made), made, provider, chart, group, name="cluster", lookups=(lookup,),
        outputs={"bucket": made.id, "endpoint": lookup.ref("endpoint")},
    )  # fmt: skip


def stack_program(folder: Path, stack: Stack) -> Path:
    """The folder of the program of `stack`."""
    for artifact in emit_stack(stack):
        path = folder / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(artifact.content)
    return folder / "pulumi" / stack.name
