"""What no resource of an account may be: open, unencrypted, allowed everything, or lost by mistake.

Assertions of our own over the resources as values, before any text is made of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mlsystem.emit.aws.resource import Json, Policy, Resource, Stack, Statement

OPEN = ("0.0.0.0/0", "::/0")
HOLDS_DATA = ("aws.s3.Bucket", "aws.dynamodb.Table", "aws.rds.Instance", "aws.elasticache.ReplicationGroup",
              "aws.kms.Key", "aws.secretsmanager.Secret")  # fmt: skip
"""Images are none: they are built again from the same files, under the same tags."""
ENCRYPTED: Mapping[str, tuple[str, ...]] = {
    "aws.cloudwatch.LogGroup": ("kms_key_id",),
    "aws.dynamodb.Table": ("server_side_encryption",),
    "aws.rds.Instance": ("storage_encrypted", "kms_key_id"),
    "aws.elasticache.ReplicationGroup": ("at_rest_encryption_enabled", "transit_encryption_enabled"),
    "aws.ecr.Repository": ("encryption_configurations",),
    "aws.eks.Cluster": ("encryption_config",),
    "aws.sns.Topic": ("kms_master_key_id",),
    "aws.secretsmanager.Secret": ("kms_key_id",),
}
"""Which inputs say so."""


def findings(stack: Stack) -> list[str]:
    """Each names the resource and says what is wrong with it."""
    found = [f"{one.name}: {said}" for one in stack.resources for said in said_of(one)]
    return [*found, *([] if stack.tags else ["nothing is tagged"])]


def said_of(one: Resource) -> Iterator[str]:
    for name in ENCRYPTED.get(one.kind, ()):
        if not one.inputs.get(name):
            yield f"not encrypted: no {name}"
    if one.kind in HOLDS_DATA and not one.protect:
        yield "holds data and is not protected"
    if one.kind == "aws.ec2.LaunchTemplate":
        yield from of_machine(one)
    if is_ingress(one) and any(address in text(one.inputs) for address in OPEN):
        yield "open to the world"
    if one.kind == "aws.eks.Cluster":
        yield from of_cluster(one)
    if one.kind == "kubernetes.rbac.v1.ClusterRole":
        yield from of_looker(one)
    for value in one.inputs.values():
        if isinstance(value, Policy):
            for statement in value.statements:
                yield from of_statement(statement)


def of_machine(one: Resource) -> Iterator[str]:
    if one.inputs["metadata_options"]["http_tokens"] != "required":
        yield "takes requests for its identity without a token"
    if any(disk["ebs"].get("encrypted") != "true" for disk in one.inputs["block_device_mappings"]):
        yield "a disk is not encrypted"
    if not all(each["tags"] for each in one.inputs["tag_specifications"]):
        yield "its machines are not tagged"


def of_cluster(one: Resource) -> Iterator[str]:
    reached = one.inputs["vpc_config"]
    if not reached["endpoint_private_access"]:
        yield "not reached from within"
    if reached["endpoint_public_access"] and any(each in OPEN for each in reached.get("public_access_cidrs", OPEN)):
        yield "reached by everybody"
    if one.inputs["access_config"]["authentication_mode"] != "API":
        yield "who may enter stands in a ConfigMap"


def of_looker(one: Resource) -> Iterator[str]:
    """No role of a cluster that the stacks make does more than look."""
    for rule in one.inputs["rules"]:
        if set(rule["verbs"]) - {"get", "list", "watch"}:
            yield f"changes {rule['resources']}"
        if "*" in rule["api_groups"]:
            yield "sees every group"
        if "" in rule["api_groups"] and {"*", "secrets"} & set(rule["resources"]):
            yield "reads secrets"


def is_ingress(one: Resource) -> bool:
    rule = one.kind == "aws.vpc.SecurityGroupIngressRule" or one.inputs.get("type") == "ingress"
    return rule or (one.kind == "aws.ec2.SecurityGroup" and bool(one.inputs.get("ingress")))


def of_statement(one: Statement) -> Iterator[str]:
    if one.effect == "Deny":
        return
    if any(action == "*" or action.endswith(":*") for action in one.actions) and not one.reason:
        yield f"allows {one.actions} without a reason"
    if any(resource == "*" for resource in one.resources) and not one.reason:
        yield f"allows {one.actions} on everything without a reason"
    if one.principals == "*":
        yield "allows everybody"


def text(value: Any) -> str:
    return json.dumps(value, default=lambda other: other.value if isinstance(other, Json) else str(other))
