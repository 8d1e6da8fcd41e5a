"""What an engine that was killed left half done: it may have made things whose ids it never wrote down.

In a cluster such an object is met by its name and taken over. In an account it would be made twice, or refused for ever
because its name is taken: so what was being made is looked for, and what is found is written into the engine's state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mlsystem.apply.account import asked, client

Inputs = Mapping[str, Any]
Deployment = Mapping[str, Any]
Identify = Callable[[str, Inputs], str | None]
"""The id under which a resource of a type with these inputs would be, None where nobody can tell. One that is not there
does no harm: a refresh drops it."""


def input_named(name: str) -> Callable[[Inputs], str | None]:
    return lambda inputs: inputs.get(name)


IDENTITIES: Mapping[str, Callable[[Inputs], str | None]] = {
    "aws:s3/bucket:Bucket": input_named("bucket"),
    "aws:ecr/repository:Repository": input_named("name"),
    "aws:iam/role:Role": input_named("name"),
    "aws:iam/instanceProfile:InstanceProfile": input_named("name"),
    "aws:cloudwatch/logGroup:LogGroup": input_named("name"),
    "aws:cloudwatch/eventRule:EventRule": input_named("name"),
    "aws:dynamodb/table:Table": input_named("name"),
    "aws:rds/instance:Instance": input_named("identifier"),
    "aws:rds/subnetGroup:SubnetGroup": input_named("name"),
    "aws:rds/parameterGroup:ParameterGroup": input_named("name"),
    "aws:elasticache/subnetGroup:SubnetGroup": input_named("name"),
    "aws:elasticache/parameterGroup:ParameterGroup": input_named("name"),
    "aws:elasticache/replicationGroup:ReplicationGroup": input_named("replicationGroupId"),
    "aws:kms/alias:Alias": input_named("name"),
    "aws:eks/cluster:Cluster": input_named("name"),
    "aws:eks/addon:Addon": lambda inputs: f"{inputs['clusterName']}:{inputs['addonName']}",
    "aws:eks/accessEntry:AccessEntry": lambda inputs: f"{inputs['clusterName']}:{inputs['principalArn']}",
}
"""Types whose ids are made of their inputs, as the real provider imports them."""

TAGGED: Mapping[str, str] = {
    "aws:ec2/vpc:Vpc": "vpc",
    "aws:ec2/subnet:Subnet": "subnet",
    "aws:ec2/internetGateway:InternetGateway": "internet-gateway",
    "aws:ec2/eip:Eip": "elastic-ip",
    "aws:ec2/natGateway:NatGateway": "natgateway",
    "aws:ec2/routeTable:RouteTable": "route-table",
    "aws:ec2/securityGroup:SecurityGroup": "security-group",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "vpc-endpoint",
    "aws:ec2/flowLog:FlowLog": "vpc-flow-log",
    "aws:ec2/launchTemplate:LaunchTemplate": "launch-template",
}
"""Types whose ids are drawn, with EC2's word for them: they are found by their tag `Name`."""


NODE_GROUP, SECRET = "aws:eks/nodeGroup:NodeGroup", "aws:secretsmanager/secret:Secret"
ABOUT = "what an interrupted apply made in it"
DRAWN = r"[0-9a-f]{26}"
"""What the provider adds to the beginning of a name to make it one of its own."""


@dataclass(frozen=True)
class InAccount:
    """An `Identify` that asks the account. `tags` are on everything that this environment has there."""

    region: str
    tags: Mapping[str, str]
    environ: Mapping[str, str]

    def __call__(self, kind: str, inputs: Inputs) -> str | None:
        if kind in TAGGED and "Name" in inputs.get("tags", {}):
            return self._tagged(TAGGED[kind], {**self.tags, "Name": inputs["tags"]["Name"]})
        if kind == NODE_GROUP:
            return self._node_group(inputs)
        if kind == SECRET:
            return self._secret(inputs)
        return IDENTITIES[kind](inputs) if kind in IDENTITIES else None

    def _node_group(self, inputs: Inputs) -> str | None:
        """The only one of its cluster whose name begins as it was asked to."""
        cluster, name = inputs["clusterName"], inputs.get("nodeGroupName")
        if name is not None:
            return f"{cluster}:{name}"
        eks = client("eks", self.region, self.environ)
        with asked(ABOUT):
            try:
                pages = [*eks.get_paginator("list_nodegroups").paginate(clusterName=cluster)]
            except eks.exceptions.ResourceNotFoundException:
                return None
        named = re.compile(re.escape(inputs["nodeGroupNamePrefix"]) + DRAWN)
        found = [one for page in pages for one in page["nodegroups"] if named.fullmatch(one)]
        return f"{cluster}:{found[0]}" if len(found) == 1 else None

    def _secret(self, inputs: Inputs) -> str | None:
        """Its ARN ends in characters that were drawn."""
        secrets = client("secretsmanager", self.region, self.environ)
        with asked(ABOUT):
            try:
                found = secrets.describe_secret(SecretId=inputs["name"])
            except secrets.exceptions.ResourceNotFoundException:
                return None
        return str(found["ARN"])

    def _tagged(self, kind: str, tags: Mapping[str, str]) -> str | None:
        """The only one that has all of `tags`."""
        found: set[str] | None = None
        with asked(ABOUT):
            pages = client("ec2", self.region, self.environ).get_paginator("describe_tags")
            for key, value in tags.items():
                asked_for = {"resource-type": [kind], "key": [key], "value": [value]}
                filters = [{"Name": name, "Values": values} for name, values in asked_for.items()]
                mine = {one["ResourceId"] for page in pages.paginate(Filters=filters) for one in page["Tags"]}
                found = mine if found is None else found & mine
        return next(iter(found)) if found is not None and len(found) == 1 else None


def nobody_knows(kind: str, inputs: Inputs) -> None:
    """Where what is met is taken over anyway."""
    del kind, inputs


def settled(deployment: Deployment, identify: Identify) -> tuple[Deployment, tuple[str, ...]]:
    """The state without operations that were under way, and the URNs of what they may have made, now in it."""
    pending = deployment.get("pending_operations") or []
    known = {one["urn"] for one in deployment.get("resources") or []}
    made = []
    for one in (operation["resource"] for operation in pending if operation["type"] == "creating"):
        identity = identify(one["type"], one.get("inputs") or {})
        if identity is not None and one["urn"] not in known:
            made.append({**one, "id": identity, "outputs": one.get("inputs") or {}})
    resources = [*(deployment.get("resources") or []), *made]
    return {**deployment, "resources": resources, "pending_operations": []}, tuple(one["urn"] for one in made)
