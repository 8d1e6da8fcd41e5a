"""What somebody may do in an account who plans an environment, or applies it.

What has a name is bound to it. Parts of a network and keys have none before they are made: they are made with the
environment's tag, and changed and deleted where they have it. To describe and to list, AWS knows no single things.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.aws.own import Own
from mlsystem.emit.aws.resource import Statement

LOOKED_AT = (
    "ec2:Describe*", "eks:Describe*", "eks:List*", "ecr:Describe*", "ecr:GetLifecyclePolicy", "ecr:GetRepositoryPolicy",
    "ecr:ListTagsForResource", "elasticache:Describe*", "elasticache:ListTagsForResource", "rds:Describe*",
    "rds:ListTagsForResource", "dynamodb:Describe*", "dynamodb:ListTagsOfResource", "logs:Describe*",
    "logs:ListTagsForResource", "kms:Describe*", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:List*",
    "sns:GetTopicAttributes", "sns:GetSubscriptionAttributes", "sns:ListTagsForResource",
    "secretsmanager:DescribeSecret", "secretsmanager:GetRandomPassword", "secretsmanager:GetResourcePolicy",
    "ssm:GetParameter",
)  # fmt: skip
BUCKET_SETTINGS = (
    "s3:GetBucket*", "s3:GetAccelerateConfiguration", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration", "s3:ListBucket",
)  # fmt: skip
ROLE_SETTINGS = ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies")
BUDGET_SETTINGS = ("budgets:ViewBudget", "budgets:ListTagsForResource")
"""Of what a plan compares."""
BUDGET_MADE = ("budgets:ModifyBudget", "budgets:TagResource", "budgets:UntagResource")

MADE = {
    "ec2:CreateVpc": "vpc", "ec2:CreateSubnet": "subnet", "ec2:CreateInternetGateway": "internet-gateway",
    "ec2:AllocateAddress": "elastic-ip", "ec2:CreateNatGateway": "natgateway", "ec2:CreateRouteTable": "route-table",
    "ec2:CreateSecurityGroup": "security-group", "ec2:CreateVpcEndpoint": "vpc-endpoint",
    "ec2:CreateFlowLogs": "vpc-flow-log", "ec2:CreateLaunchTemplate": "launch-template",
    "ec2:RunInstances": "instance",
}  # fmt: skip
"""Parts of a network, and machines: what makes them, and what EC2 calls them."""
RULES = (
    "ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress",
    "ec2:RevokeSecurityGroupIngress",
)  # fmt: skip
ENCRYPT = ("kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*")
ENCRYPTING = ("dynamodb", "ecr", "elasticache", "rds", "s3", "secretsmanager")

ROLES_MADE = (
    "iam:DeleteRole", "iam:UpdateAssumeRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:PassRole",
    "iam:ListInstanceProfilesForRole",
)  # fmt: skip
LIMITED = (
    "iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:AttachRolePolicy", "iam:DetachRolePolicy",
)  # fmt: skip
"""Of which IAM knows what boundary the role has."""
SERVICES = ("eks", "eks-nodegroup", "elasticache", "rds", "spot")
"""Each has a role of its own in an account, which whoever first makes something of it makes too."""
ASSOCIATIONS = tuple(f"eks:{verb}PodIdentityAssociation" for verb in ("Create", "Update", "Delete"))


def looks(own: Own) -> Iterator[Statement]:
    yield listed(own)
    if own.bucket is not None:
        yield Statement(BUCKET_SETTINGS, (f"arn:aws:s3:::{own.bucket}",))
    yield Statement(ROLE_SETTINGS, own.roles)
    yield Statement(BUDGET_SETTINGS, (own.budget,))


def listed(own: Own) -> Statement:
    return Statement(LOOKED_AT, ("*",), conditions=own.in_region, reason="lists and descriptions have no narrower name")


def changes(own: Own) -> Iterator[Statement]:
    """With what it takes to look: an inline policy has few characters."""
    yield listed(own)
    for service, arns in own.named.items():
        if arns:
            yield Statement((f"{service}:*",), arns, reason="all of the service, for what has the environment's name")
    if own.bucket is not None:
        bucket = f"arn:aws:s3:::{own.bucket}"
        yield Statement(("s3:*",), (bucket, f"{bucket}/*"), reason="all, for the environment's own bucket")
    yield from _network(own)
    yield from _keys(own)
    yield from _of_others_cluster(own)
    yield Statement(
        ("ecr:GetAuthorizationToken", "logs:CreateLogDelivery", "logs:DeleteLogDelivery"), ("*",),
        conditions=own.in_region, reason="a token of the registry and deliveries of logs are of the account",
    )  # fmt: skip
    yield from _roles(own)
    yield Statement((*BUDGET_SETTINGS, *BUDGET_MADE), (own.budget,))


def _network(own: Own) -> Iterator[Statement]:
    yield Statement(
        ("ec2:*",), ("*",), conditions=own.tagged, reason="all of the service, for what has the environment's tag"
    )
    kinds = tuple(own.arn("ec2", f"{kind}/*") for kind in (*MADE.values(), "volume"))
    yield Statement(tuple(MADE), kinds, conditions=own.being_tagged)
    while_made = {**own.being_tagged, "Null": {"ec2:CreateAction": "false"}}
    yield Statement(("ec2:CreateTags",), ("*",), conditions=while_made, reason="of whatever is just being made")
    # the group that a network comes with has no tag, and may talk to all until it is taken over
    yield Statement(("ec2:CreateTags",), (own.arn("ec2", "security-group/*"),), conditions=own.taken_over)
    # of a group that has the tag: its rules have none
    yield Statement(RULES, (own.arn("ec2", "security-group-rule/*"),))
    # beside a machine that is given the tag, in a subnet and by a template that have it
    beside = (own.arn("ec2", "network-interface/*"), own.arn("ec2", "security-group/*"))
    yield Statement(("ec2:RunInstances",), (f"arn:aws:ec2:{own.region}::image/*", *beside))


def _keys(own: Own) -> Iterator[Statement]:
    """A key's tag counts minutes after it is made: what is encrypted until then, services ask for."""
    keys = (own.arn("kms", "key/*"),)
    yield Statement(("kms:*",), keys, conditions=own.tagged, reason="all, for the key with the environment's tag")
    yield Statement(
        ("kms:CreateKey", "kms:TagResource"), ("*",), conditions=own.taken_over, reason="a key is named when it is made"
    )
    yield Statement(("kms:CreateAlias", "kms:EnableKeyRotation"), keys)
    yield Statement(
        ("kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias"), (own.arn("kms", f"alias/{own.instance}"),)
    )
    through = tuple(f"{service}.{own.region}.amazonaws.com" for service in ENCRYPTING)
    yield Statement(ENCRYPT, keys, conditions={"StringEquals": {"kms:ViaService": through}})


def _of_others_cluster(own: Own) -> Iterator[Statement]:
    """Databases stand in its network, and its pods are given roles."""
    if own.existing is None:
        return
    yield Statement(("ec2:CreateSecurityGroup",), (own.arn("ec2", "vpc/*"),))
    pods = own.arn("eks", f"podidentityassociation/{own.existing}/*")
    yield Statement((*ASSOCIATIONS, "eks:TagResource"), (own.arn("eks", f"cluster/{own.existing}"), pods))


def _roles(own: Own) -> Iterator[Statement]:
    limited = LIMITED if own.boundary is None else (*LIMITED, "iam:PutRolePermissionsBoundary")
    yield Statement((*ROLE_SETTINGS, *ROLES_MADE, *limited), own.roles)
    if own.boundary is not None:
        outside = {"StringNotEquals": {"iam:PermissionsBoundary": own.boundary}}
        yield Statement(limited, ("*",), conditions=outside, effect="Deny")
    linked = f"arn:aws:iam::{own.account}:role/aws-service-role"
    services = tuple(f"{linked}/{service}.amazonaws.com/*" for service in SERVICES)
    yield Statement(("iam:CreateServiceLinkedRole",), services)
