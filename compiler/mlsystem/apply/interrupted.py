"""What an engine that was killed left half done: it may have made things whose ids it never wrote down.

In a cluster such an object is met by its name and taken over. In an account it would be made twice, or refused for ever
because its name is taken: so what was being made is looked for, and what is found is written into the engine's state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
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
    "aws:iam/rolePolicy:RolePolicy": lambda inputs: f"{inputs['role']}:{inputs['name']}",
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

NAT_GATEWAY = "aws:ec2/natGateway:NatGateway"
TAGGED: Mapping[str, str] = {
    "aws:ec2/vpc:Vpc": "vpc",
    "aws:ec2/subnet:Subnet": "subnet",
    "aws:ec2/internetGateway:InternetGateway": "igw",
    "aws:ec2/eip:Eip": "eipalloc",
    NAT_GATEWAY: "nat",
    "aws:ec2/routeTable:RouteTable": "rtb",
    "aws:ec2/securityGroup:SecurityGroup": "sg",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "vpce",
    "aws:ec2/flowLog:FlowLog": "fl",
}
"""Types whose ids are drawn, with what the ids begin with: they are found by their tag `Name`."""

POD_IDENTITY = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
READ_BY: Mapping[str, str] = {POD_IDENTITY: "associationId"}
"""The output in which the id stands once more, of types that the real provider reads back by it."""

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
ABOUT = "what an interrupted apply made in it"
LONGEST_S = 1800
"""More than anything takes to be made."""
DRAWN = r"[0-9a-f]{26}"
"""What the provider adds to the beginning of a name to make it one of its own."""


@dataclass(frozen=True)
class InAccount:
    """An `Identify` that asks the account `number`. `tags` are on everything that this environment has there."""

    number: str
    region: str
    tags: Mapping[str, str]
    environ: Mapping[str, str]
    pause_s: float = 15.0

    def __call__(self, kind: str, inputs: Inputs) -> str | None:
        with asked(ABOUT):
            found = self._identity(kind, inputs)
            absent = found is None or (kind in SLOW and not is_made(self, SLOW[kind], found))
        return None if absent else found

    def _identity(self, kind: str, inputs: Inputs) -> str | None:
        if kind in TAGGED and "Name" in inputs.get("tags", {}):
            return tagged(self, kind, inputs["tags"]["Name"])
        if kind in ASKED:
            return ASKED[kind](self, inputs)
        return IDENTITIES[kind](inputs) if kind in IDENTITIES else None

    def client(self, service: str) -> Any:
        return client(service, self.region, self.environ)


def only(found: Collection[str]) -> str | None:
    """Of several, nobody can tell which it is."""
    return next(iter(found)) if len(found) == 1 else None


def tagged(account: InAccount, kind: str, name: str) -> str | None:
    """The only one of that name with all tags of the environment."""
    ec2 = account.client("ec2")
    tags = {**account.tags, "Name": name}.items()
    alike = [with_tag(ec2, TAGGED[kind], key, value) for key, value in tags]
    found = set.intersection(*alike)
    return only(living_gateways(ec2, found) if kind == NAT_GATEWAY else found)


def with_tag(ec2: Any, beginning: str, key: str, value: str) -> set[str]:
    filters = [{"Name": "key", "Values": [key]}, {"Name": "value", "Values": [value]}]
    pages = ec2.get_paginator("describe_tags").paginate(Filters=filters)
    found = (one["ResourceId"] for page in pages for one in page["Tags"])
    return {identity for identity in found if identity.rpartition("-")[0] == beginning}


def living_gateways(ec2: Any, found: Collection[str]) -> list[str]:
    """AWS goes on listing one that was deleted, with its tags, for an hour."""
    states = [{"Name": "nat-gateway-id", "Values": [*found]}, {"Name": "state", "Values": ["pending", "available"]}]
    pages = ec2.get_paginator("describe_nat_gateways").paginate(Filters=states) if found else ()
    return [one["NatGatewayId"] for page in pages for one in page["NatGateways"]]


def route_table_association(account: InAccount, inputs: Inputs) -> str | None:
    """A subnet has one route table."""
    subnet = inputs["subnetId"]
    filters = [
        {"Name": "route-table-id", "Values": [inputs["routeTableId"]]},
        {"Name": "association.subnet-id", "Values": [subnet]},
    ]
    tables = account.client("ec2").describe_route_tables(Filters=filters)["RouteTables"]
    associations = [one for table in tables for one in table["Associations"] if one.get("SubnetId") == subnet]
    return only([one["RouteTableAssociationId"] for one in associations])


def launch_template(account: InAccount, inputs: Inputs) -> str | None:
    filters = [{"Name": "launch-template-name", "Values": [inputs["name"]]}]
    found = account.client("ec2").describe_launch_templates(Filters=filters)["LaunchTemplates"]
    return only([one["LaunchTemplateId"] for one in found])


def node_group(account: InAccount, inputs: Inputs) -> str | None:
    """The only one of its cluster whose name begins as it was asked to."""
    cluster, name = inputs["clusterName"], inputs.get("nodeGroupName")
    if name is not None:
        return f"{cluster}:{name}"
    eks = account.client("eks")
    try:
        pages = [*eks.get_paginator("list_nodegroups").paginate(clusterName=cluster)]
    except eks.exceptions.ResourceNotFoundException:
        return None
    named = re.compile(re.escape(inputs["nodeGroupNamePrefix"]) + DRAWN)
    found = only([one for page in pages for one in page["nodegroups"] if named.fullmatch(one)])
    return None if found is None else f"{cluster}:{found}"


def pod_identity(account: InAccount, inputs: Inputs) -> str | None:
    """A ServiceAccount has one."""
    eks = account.client("eks")
    who = {name: inputs[name] for name in ("clusterName", "namespace", "serviceAccount")}
    try:
        found = eks.list_pod_identity_associations(**who)["associations"]
    except eks.exceptions.ResourceNotFoundException:
        return None
    return only([one["associationId"] for one in found])


def secret(account: InAccount, inputs: Inputs) -> str | None:
    """Its ARN ends in characters that were drawn."""
    secrets = account.client("secretsmanager")
    try:
        found = secrets.describe_secret(SecretId=inputs["name"])
    except secrets.exceptions.ResourceNotFoundException:
        return None
    return None if "DeletedDate" in found else str(found["ARN"])


def key(account: InAccount, inputs: Inputs) -> str | None:
    """The only one with the tags of the environment and this description that does not wait for its deletion."""
    kms = account.client("kms")
    every = [one["KeyId"] for page in kms.get_paginator("list_keys").paginate() for one in page["Keys"]]
    known = [kms.describe_key(KeyId=one)["KeyMetadata"] for one in every if account.tags.items() <= key_tags(kms, one)]
    alike = [one for one in known if one["Description"] == inputs.get("description", "")]
    return only([one["KeyId"] for one in alike if one["KeyState"] != "PendingDeletion"])


def key_tags(kms: Any, identity: str) -> frozenset[tuple[str, str]]:
    """None of a key that keeps its tags to itself: this environment did not make it."""
    from botocore.exceptions import ClientError  # lazy: only where an account is touched

    try:
        found = kms.list_resource_tags(KeyId=identity)["Tags"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return frozenset()
    return frozenset((one["TagKey"], one["TagValue"]) for one in found)


ASKED: Mapping[str, Callable[[InAccount, Inputs], str | None]] = {
    "aws:budgets/budget:Budget": lambda account, inputs: f"{account.number}:{inputs['name']}",
    "aws:ec2/launchTemplate:LaunchTemplate": launch_template,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": route_table_association,
    NODE_GROUP: node_group,
    POD_IDENTITY: pod_identity,
    "aws:kms/key:Key": key,
    "aws:secretsmanager/secret:Secret": secret,
}
"""Types of which only the account can tell."""


@dataclass(frozen=True)
class Wait:
    """`until` is a waiter of boto3, `question` what it asks about an id."""

    service: str
    until: str
    question: Callable[[str], Inputs]


def in_cluster(identity: str) -> Inputs:
    cluster, _, name = identity.partition(":")
    return {"clusterName": cluster, "nodegroupName": name}


SLOW: Mapping[str, Wait] = {
    NAT_GATEWAY: Wait("ec2", "nat_gateway_available", lambda identity: {"NatGatewayIds": [identity]}),
    "aws:eks/cluster:Cluster": Wait("eks", "cluster_active", lambda identity: {"name": identity}),
    NODE_GROUP: Wait("eks", "nodegroup_active", in_cluster),
    "aws:rds/instance:Instance": Wait(
        "rds", "db_instance_available", lambda identity: {"DBInstanceIdentifier": identity}
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": Wait(
        "elasticache", "replication_group_available", lambda identity: {"ReplicationGroupId": identity}
    ),
}  # fmt: skip
"""Types that AWS takes minutes to make: only then can others stand on them, and read where they are reached."""


def is_made(account: InAccount, wait: Wait, identity: str) -> bool:
    """Once it is; False where it never was begun. What failed is an error: somebody has to look at it."""
    from botocore.exceptions import WaiterError  # lazy: only where an account is touched

    patience = {"Delay": account.pause_s, "MaxAttempts": int(LONGEST_S / account.pause_s)}
    try:
        account.client(wait.service).get_waiter(wait.until).wait(**wait.question(identity), WaiterConfig=patience)
    except WaiterError as error:
        if "NotFound" not in error.last_response.get("Error", {}).get("Code", ""):
            raise
        return False
    return True


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
            made.append({**one, "id": identity, "outputs": outputs_of(one, identity)})
    resources = [*(deployment.get("resources") or []), *made]
    return {**deployment, "resources": resources, "pending_operations": []}, tuple(one["urn"] for one in made)


def outputs_of(resource: Mapping[str, Any], identity: str) -> Inputs:
    """As far as they are known before the resource was read."""
    repeated = {READ_BY[resource["type"]]: identity} if resource["type"] in READ_BY else {}
    return {**(resource.get("inputs") or {}), **repeated}
