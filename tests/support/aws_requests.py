"""What the provider asks an account for, to make, change and delete each kind of resource of the stacks: by hand, from
what AWS says of its actions and the resources that each of them concerns.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_evaluator import allows

from mlsystem.emit.aws.budget import TAG
from mlsystem.emit.aws.resource import Ref, Resource, Stack

NAMES = ("name", "bucket", "identifier", "replication_group_id")
"""Inputs that are the name of a resource."""
DRAWN = "AbCdEf"
"""What Secrets Manager adds to a name."""


@dataclass(frozen=True)
class Thing:
    """`tags` as it has them; `made`: it is being made or tagged, and so concerned by the tags of the request."""

    arn: str
    tags: Mapping[str, str] = field(default_factory=dict)
    made: bool = False


@dataclass(frozen=True)
class Request:
    """`given`: the tags that it carries. `more`: what else AWS knows of it."""

    action: str
    things: tuple[Thing, ...]
    given: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)

    def allowed(self, document: Mapping[str, Any], region: str) -> bool:
        return all(allows(document, self.action, one.arn, self.context(one, region)) for one in self.things)

    def context(self, one: Thing, region: str) -> dict[str, str]:
        given = self.given if one.made else {}
        return {
            "aws:RequestedRegion": region,
            **{f"aws:ResourceTag/{key}": value for key, value in one.tags.items()},
            **{f"aws:RequestTag/{key}": value for key, value in given.items()},
            **self.more,
        }


@dataclass(frozen=True)
class Asked:
    """By somebody who carries out `stack`."""

    stack: Stack

    @property
    def tags(self) -> dict[str, str]:
        return {TAG: self.stack.tags[TAG]}

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.stack.region}:{self.stack.account}:{resource}"

    def own(self, kind: str, service: str = "ec2") -> Thing:
        return Thing(self.arn(service, f"{kind}/x-1"), self.tags)

    def bare(self, kind: str, service: str = "ec2", *, made: bool = False) -> Thing:
        return Thing(self.arn(service, f"{kind}/x-1"), made=made)

    def on(self, action: str, *kinds: str) -> Request:
        return Request(f"ec2:{action}", tuple(self.own(kind) for kind in kinds))

    def made(self, action: str, kind: str, *beside: str) -> Iterator[Request]:
        thing = self.bare(kind, made=True)
        yield Request(f"ec2:{action}", (thing, *map(self.own, beside)), self.tags)
        yield Request("ec2:CreateTags", (thing,), self.tags, {"ec2:CreateAction": action})

    def named(self, service: str, actions: str, *resources: str) -> Iterator[Request]:
        """Each action on all of `resources`, parts of ARNs."""
        things = tuple(Thing(self.arn(service, one)) for one in resources)
        yield from (Request(f"{service}:{action}", things) for action in actions.split())

    def of_account(self, service: str, actions: str, *arns: str) -> Iterator[Request]:
        things = tuple(map(Thing, arns))
        yield from (Request(f"{service}:{action}", things) for action in actions.split())

    def encrypted(self, service: str, actions: str = "CreateGrant") -> Iterator[Request]:
        """With a key whose tag does not count yet."""
        via = {"kms:ViaService": f"{service}.{self.stack.region}.amazonaws.com"}
        yield from (Request(f"kms:{one}", (self.bare("key", "kms"),), more=via) for one in actions.split())

    def role(self, name: str) -> str:
        return f"arn:aws:iam::{self.stack.account}:role/{name}"

    def name_of(self, value: Any) -> str:
        """Of a resource, or of what is referred to."""
        if not isinstance(value, Ref):
            return str(value)
        declared = (*self.stack.resources, *self.stack.lookups)
        inputs = next(one.inputs for one in declared if one.name == value.resource)
        return next(str(inputs[key]) for key in NAMES if key in inputs)


def requests(stack: Stack) -> Iterator[tuple[Resource, Request]]:
    """A kind that nobody has thought of is a KeyError."""
    asked = Asked(stack)
    for one in stack.resources:
        if one.kind.startswith("aws."):
            yield from ((one, request) for request in ASKED[one.kind.removeprefix("aws.")](asked, one))


def vpc(to: Asked, one: Resource) -> Iterator[Request]:
    yield from to.made("CreateVpc", "vpc")
    yield from (to.on(action, "vpc") for action in ("ModifyVpcAttribute", "DeleteVpc"))


def default_group(to: Asked, one: Resource) -> Iterator[Request]:
    """It comes with the network and has no tag; then what it allows is taken away."""
    yield Request("ec2:CreateTags", (to.bare("security-group", made=True),), to.tags)
    rules = (to.own("security-group"), to.bare("security-group-rule"))
    yield Request("ec2:RevokeSecurityGroupIngress", rules)
    yield Request("ec2:RevokeSecurityGroupEgress", rules)


def subnet(to: Asked, one: Resource) -> Iterator[Request]:
    yield from to.made("CreateSubnet", "subnet", "vpc")
    yield from (to.on(action, "subnet") for action in ("ModifySubnetAttribute", "DeleteSubnet"))


def internet(to: Asked, one: Resource) -> Iterator[Request]:
    yield from to.made("CreateInternetGateway", "internet-gateway")
    yield from (to.on(f"{verb}InternetGateway", "internet-gateway", "vpc") for verb in ("Attach", "Detach"))
    yield to.on("DeleteInternetGateway", "internet-gateway")


def address(to: Asked, one: Resource) -> Iterator[Request]:
    yield from to.made("AllocateAddress", "elastic-ip")
    yield to.on("ReleaseAddress", "elastic-ip")


def nat(to: Asked, one: Resource) -> Iterator[Request]:
    yield from to.made("CreateNatGateway", "natgateway", "subnet", "elastic-ip")
    yield to.on("DeleteNatGateway", "natgateway")


def routes(to: Asked, one: Resource) -> Iterator[Request]:
    yield from to.made("CreateRouteTable", "route-table", "vpc")
    yield from (to.on(action, "route-table") for action in ("CreateRoute", "DeleteRoute", "DeleteRouteTable"))


def route_use(to: Asked, one: Resource) -> Iterator[Request]:
    yield from (to.on(f"{verb}RouteTable", "route-table", "subnet") for verb in ("Associate", "Disassociate"))


def endpoint(to: Asked, one: Resource) -> Iterator[Request]:
    beside = ("vpc", "subnet", "security-group", "route-table")
    yield from to.made("CreateVpcEndpoint", "vpc-endpoint", *beside)
    yield to.on("ModifyVpcEndpoint", "vpc-endpoint", *beside[1:])
    yield to.on("DeleteVpcEndpoints", "vpc-endpoint")


def group(to: Asked, one: Resource) -> Iterator[Request]:
    """In a network of others it stands beside what has no tag."""
    own_network = isinstance(one.inputs["vpc_id"], Ref) and "vpc_config" in one.inputs["vpc_id"].attribute
    thing, network = to.bare("security-group", made=True), to.bare("vpc") if own_network else to.own("vpc")
    yield Request("ec2:CreateSecurityGroup", (thing, network), to.tags)
    yield Request("ec2:CreateTags", (thing,), to.tags, {"ec2:CreateAction": "CreateSecurityGroup"})
    for verb in ("Authorize", "Revoke"):
        things = (to.own("security-group"), to.bare("security-group-rule"))
        yield Request(f"ec2:{verb}SecurityGroupIngress", things)
    yield to.on("DeleteSecurityGroup", "security-group")


def flow_log(to: Asked, one: Resource) -> Iterator[Request]:
    yield from to.made("CreateFlowLogs", "vpc-flow-log", "vpc")
    yield Request("logs:CreateLogDelivery", (Thing("*"),))
    yield from to.of_account("iam", "PassRole", to.role(to.name_of(one.inputs["iam_role_arn"])))
    yield to.on("DeleteFlowLogs", "vpc-flow-log")


def template(to: Asked, one: Resource) -> Iterator[Request]:
    yield from to.made("CreateLaunchTemplate", "launch-template")
    acts = ("CreateLaunchTemplateVersion", "ModifyLaunchTemplate", "DeleteLaunchTemplate")
    yield from (to.on(action, "launch-template") for action in acts)


def machines(to: Asked, one: Resource) -> Iterator[Request]:
    """EKS asks whether whoever makes the group may start machines by its template."""
    cluster, name = to.name_of(one.inputs["cluster_name"]), one.inputs["node_group_name_prefix"]
    yield from to.named("eks", "CreateNodegroup", f"cluster/{cluster}")
    there = f"nodegroup/{cluster}/{name}1/uuid"
    yield from to.named("eks", "UpdateNodegroupConfig TagResource DeleteNodegroup", there)
    yield from to.of_account("iam", "PassRole GetRole", to.role(to.name_of(one.inputs["node_role_arn"])))
    things = (
        to.bare("instance", made=True), to.bare("volume", made=True), to.bare("network-interface"),
        to.bare("security-group"), to.own("subnet"), to.own("launch-template"),
        Thing(f"arn:aws:ec2:{to.stack.region}::image/ami-1"),
    )  # fmt: skip
    yield Request("ec2:RunInstances", things, to.tags)
    yield Request("ec2:CreateTags", things[:2], to.tags, {"ec2:CreateAction": "RunInstances"})


def bucket(to: Asked, one: Resource) -> Iterator[Request]:
    arn = f"arn:aws:s3:::{one.inputs['bucket']}"
    yield from to.of_account("s3", "CreateBucket PutBucketTagging DeleteBucket", arn)
    yield from to.of_account("s3", "DeleteObjectVersion", f"{arn}/models/1/model.json")


def of_bucket(actions: str) -> Callable[[Asked, Resource], Iterator[Request]]:
    return lambda to, one: to.of_account("s3", actions, f"arn:aws:s3:::{to.name_of(one.inputs['bucket'])}")


def repository(to: Asked, one: Resource) -> Iterator[Request]:
    acts = "CreateRepository TagResource PutImage InitiateLayerUpload DeleteRepository"
    yield from to.named("ecr", acts, f"repository/{one.inputs['name']}")
    yield Request("ecr:GetAuthorizationToken", (Thing("*"),))
    yield from to.encrypted("ecr")


def key(to: Asked, one: Resource) -> Iterator[Request]:
    yield Request("kms:CreateKey", (Thing("*", made=True),), to.tags)
    yield Request("kms:TagResource", (to.bare("key", "kms", made=True),), to.tags)
    yield Request("kms:EnableKeyRotation", (to.bare("key", "kms"),))
    acts = ("PutKeyPolicy", "UpdateKeyDescription", "CreateGrant", "ScheduleKeyDeletion", "UntagResource")
    yield from (Request(f"kms:{action}", (to.own("key", "kms"),)) for action in acts)


def alias(to: Asked, one: Resource) -> Iterator[Request]:
    name = Thing(to.arn("kms", one.inputs["name"]))
    yield Request("kms:CreateAlias", (name, to.bare("key", "kms")))
    yield Request("kms:DeleteAlias", (name, to.own("key", "kms")))


def secret(to: Asked, one: Resource) -> Iterator[Request]:
    name = f"secret:{one.inputs['name']}"
    yield from to.named("secretsmanager", "CreateSecret TagResource", name)
    yield from to.named("secretsmanager", "PutSecretValue GetSecretValue DeleteSecret", f"{name}-{DRAWN}")
    yield from to.encrypted("secretsmanager", "GenerateDataKey Decrypt")


def last_snapshot(one: Resource) -> str:
    """Which is called after its time too."""
    return f"snapshot:{one.inputs['final_snapshot_identifier']}-20260102030405"


def database(to: Asked, one: Resource) -> Iterator[Request]:
    name = one.inputs["identifier"]
    groups = (f"subgrp:{name}", f"pg:{name}", "og:default:postgres-16")
    yield from to.named("rds", "CreateDBInstance", f"db:{name}", *groups)
    yield from to.named("rds", "ModifyDBInstance AddTagsToResource", f"db:{name}")
    yield from to.named("rds", "DeleteDBInstance", f"db:{name}", last_snapshot(one))
    yield from to.encrypted("rds")


def redis(to: Asked, one: Resource) -> Iterator[Request]:
    name = one.inputs["replication_group_id"]
    groups = (f"subnetgroup:{name}", f"parametergroup:{name}")
    acts = "CreateReplicationGroup ModifyReplicationGroup"
    yield from to.named("elasticache", acts, f"replicationgroup:{name}", *groups)
    yield from to.named("elasticache", "DeleteReplicationGroup", f"replicationgroup:{name}", last_snapshot(one))
    yield from to.named("elasticache", "AddTagsToResource", f"cluster:{name}-001")
    yield from to.encrypted("elasticache")


def table(to: Asked, one: Resource) -> Iterator[Request]:
    yield from to.named("dynamodb", "CreateTable UpdateTimeToLive DeleteTable", f"table/{one.inputs['name']}")
    yield from to.encrypted("dynamodb")


def named(service: str, before: str, actions: str, key: str = "name") -> Callable[[Asked, Resource], Iterator[Request]]:
    return lambda to, one: to.named(service, actions, f"{before}{to.name_of(one.inputs[key])}")


def in_cluster(kind: str, called: str) -> Callable[[Asked, Resource], Iterator[Request]]:
    """`kind` is EKS's word in ARNs, `called` that of its actions."""

    def asked(to: Asked, one: Resource) -> Iterator[Request]:
        cluster = to.name_of(one.inputs["cluster_name"])
        yield from to.named("eks", f"Create{called}", f"cluster/{cluster}")
        yield from to.named("eks", f"Update{called} Delete{called} TagResource", f"{kind}/{cluster}/x/uuid")

    return asked


def cluster(to: Asked, one: Resource) -> Iterator[Request]:
    yield from to.named("eks", "CreateCluster UpdateClusterConfig DeleteCluster", f"cluster/{one.inputs['name']}")
    yield from to.of_account("iam", "PassRole", to.role(to.name_of(one.inputs["role_arn"])))
    yield Request("kms:CreateGrant", (to.own("key", "kms"),))


def role(to: Asked, one: Resource) -> Iterator[Request]:
    yield limited(to, one, "CreateRole")
    acts = "TagRole UpdateAssumeRolePolicy ListInstanceProfilesForRole DeleteRole"
    yield from to.of_account("iam", acts, to.role(one.inputs["name"]))


def limited(to: Asked, one: Resource, action: str) -> Request:
    """Where the role has a boundary, AWS knows it."""
    boundary = one.inputs["permissions_boundary"]
    more = {} if boundary is None else {"iam:PermissionsBoundary": boundary}
    return Request(f"iam:{action}", (Thing(to.role(one.inputs["name"])),), more=more)


def of_role(*actions: str) -> Callable[[Asked, Resource], Iterator[Request]]:
    return lambda to, one: (limited(to, to.stack.resource(one.inputs["role"].resource), action) for action in actions)


def budget(to: Asked, one: Resource) -> Iterator[Request]:
    arn = f"arn:aws:budgets::{to.stack.account}:budget/{one.inputs['name']}"
    yield from to.of_account("budgets", "ModifyBudget TagResource", arn)


ASKED: Mapping[str, Callable[[Asked, Resource], Iterator[Request]]] = {
    "budgets.Budget": budget,
    "cloudwatch.LogGroup": named("logs", "log-group:", "CreateLogGroup PutRetentionPolicy TagResource DeleteLogGroup"),
    "dynamodb.Table": table,
    "ec2.DefaultSecurityGroup": default_group,
    "ec2.Eip": address,
    "ec2.FlowLog": flow_log,
    "ec2.InternetGateway": internet,
    "ec2.LaunchTemplate": template,
    "ec2.NatGateway": nat,
    "ec2.RouteTable": routes,
    "ec2.RouteTableAssociation": route_use,
    "ec2.SecurityGroup": group,
    "ec2.Subnet": subnet,
    "ec2.Vpc": vpc,
    "ec2.VpcEndpoint": endpoint,
    "ecr.LifecyclePolicy": named("ecr", "repository/", "PutLifecyclePolicy DeleteLifecyclePolicy", "repository"),
    "ecr.Repository": repository,
    "eks.AccessEntry": in_cluster("access-entry", "AccessEntry"),
    "eks.AccessPolicyAssociation": lambda to, one: to.named(
        "eks", "AssociateAccessPolicy DisassociateAccessPolicy",
        f"access-entry/{to.name_of(one.inputs['cluster_name'])}/role/{to.stack.account}/apply/uuid",
    ),
    "eks.Addon": in_cluster("addon", "Addon"),
    "eks.Cluster": cluster,
    "eks.NodeGroup": machines,
    "eks.PodIdentityAssociation": in_cluster("podidentityassociation", "PodIdentityAssociation"),
    "elasticache.ParameterGroup": named("elasticache", "parametergroup:", "CreateCacheParameterGroup"),
    "elasticache.ReplicationGroup": redis,
    "elasticache.SubnetGroup": named("elasticache", "subnetgroup:", "CreateCacheSubnetGroup DeleteCacheSubnetGroup"),
    "iam.Role": role,
    "iam.RolePolicy": of_role("PutRolePolicy", "DeleteRolePolicy"),
    "iam.RolePolicyAttachment": of_role("AttachRolePolicy", "DetachRolePolicy"),
    "kms.Alias": alias,
    "kms.Key": key,
    "rds.Instance": database,
    "rds.ParameterGroup": named("rds", "pg:", "CreateDBParameterGroup ModifyDBParameterGroup DeleteDBParameterGroup"),
    "rds.SubnetGroup": named("rds", "subgrp:", "CreateDBSubnetGroup DeleteDBSubnetGroup"),
    "s3.Bucket": bucket,
    "s3.BucketLifecycleConfiguration": of_bucket("PutLifecycleConfiguration"),
    "s3.BucketOwnershipControls": of_bucket("PutBucketOwnershipControls"),
    "s3.BucketPolicy": of_bucket("PutBucketPolicy DeleteBucketPolicy"),
    "s3.BucketPublicAccessBlock": of_bucket("PutBucketPublicAccessBlock"),
    "s3.BucketServerSideEncryptionConfiguration": of_bucket("PutEncryptionConfiguration"),
    "s3.BucketVersioning": of_bucket("PutBucketVersioning"),
    "secretsmanager.Secret": secret,
    "secretsmanager.SecretVersion": lambda to, one: to.named(
        "secretsmanager", "PutSecretValue GetSecretValue", f"secret:{to.name_of(one.inputs['secret_id'])}-{DRAWN}"
    ),
    "sns.Topic": named("sns", "", "CreateTopic SetTopicAttributes TagResource DeleteTopic"),
    "sns.TopicPolicy": named("sns", "", "SetTopicAttributes", "arn"),
    "sns.TopicSubscription": named("sns", "", "Subscribe", "topic"),
}  # fmt: skip
"""By kind, what it takes to have one."""
