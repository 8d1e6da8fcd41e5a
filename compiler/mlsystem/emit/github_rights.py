"""What the roles of a review may do: read and write what an apply remembers, and in an AWS account make what it holds.

Things that have a name are named by the environment they belong to. What has none (a network's parts, lists) is bound
to the region. A plan reads how things are set up, never what they hold; nobody changes the roles of the review itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.aws.resource import Policy, Statement
from mlsystem.system.review import Review, ReviewedEnvironment
from mlsystem.system.target import prefix_of

LOOKED_AT = (
    "ec2:Describe*", "eks:Describe*", "eks:List*", "ecr:Describe*", "ecr:GetLifecyclePolicy", "ecr:GetRepositoryPolicy",
    "ecr:ListTagsForResource", "elasticache:Describe*", "elasticache:ListTagsForResource", "rds:Describe*",
    "rds:ListTagsForResource", "dynamodb:Describe*", "dynamodb:ListTagsOfResource", "logs:Describe*",
    "logs:ListTagsForResource", "kms:Describe*", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:List*",
    "sns:GetTopicAttributes", "sns:ListTagsForResource", "secretsmanager:DescribeSecret",
    "secretsmanager:GetRandomPassword", "secretsmanager:GetResourcePolicy", "ssm:GetParameter",
)  # fmt: skip
BUCKET_SETTINGS = (
    "s3:GetBucket*", "s3:GetAccelerateConfiguration", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration", "s3:ListBucket",
)  # fmt: skip
ROLE_SETTINGS = ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies")
"""Of what a plan compares."""

NAMED = (
    ("eks", "*/{instance}*"), ("ecr", "repository/{instance}*"), ("elasticache", "*:{instance}*"),
    ("rds", "*:{instance}*"), ("dynamodb", "table/{instance}*"), ("logs", "log-group:*{instance}*"),
    ("sns", "{instance}*"), ("secretsmanager", "secret:{instance}*"),
)  # fmt: skip
"""What an apply makes, changes and deletes, by its name below ARN's account."""

UNNAMED = ("ec2:*", "kms:*")
ROLES_MADE = (
    "iam:CreateRole", "iam:DeleteRole", "iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy",
    "iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:PassRole",
    "iam:CreateInstanceProfile", "iam:DeleteInstanceProfile", "iam:AddRoleToInstanceProfile",
    "iam:RemoveRoleFromInstanceProfile", "iam:ListInstanceProfilesForRole",
)  # fmt: skip

SERVICES = ("eks", "eks-nodegroup", "elasticache", "rds", "spot")
"""Each has a role of its own in an account, which whoever first makes something of it makes too."""


def plan_rights(review: Review, one: ReviewedEnvironment) -> Policy:
    return Policy(tuple(_looks(review, one)))


def apply_rights(review: Review, one: ReviewedEnvironment) -> Policy:
    return Policy((*_looks(review, one), *_changes(review, one)))


def _looks(review: Review, one: ReviewedEnvironment) -> Iterator[Statement]:
    for bucket, prefix in map(parted, one.places):
        yield Statement(("s3:ListBucket",), (f"arn:aws:s3:::{bucket}",))
        yield Statement(("s3:GetObject",), (f"arn:aws:s3:::{bucket}/{prefix}*",))
    if not one.account:
        return
    name = instance(review, one)
    yield Statement(LOOKED_AT, ("*",), conditions=in_region(one), reason="lists and descriptions have no narrower name")
    yield Statement(BUCKET_SETTINGS, (f"arn:aws:s3:::{name}*",))
    yield Statement(ROLE_SETTINGS, (f"arn:aws:iam::{account(one)}:role/{name}*",))
    yield Statement(("budgets:ViewBudget",), (f"arn:aws:budgets::{account(one)}:budget/{name}",))


def _changes(review: Review, one: ReviewedEnvironment) -> Iterator[Statement]:
    for bucket, prefix in map(parted, one.places):
        yield Statement(("s3:PutObject", "s3:DeleteObject"), (f"arn:aws:s3:::{bucket}/{prefix}*",))
    if not one.account:
        return
    name, begins = instance(review, one), f"{one.region}:{account(one)}"
    for service, pattern in NAMED:
        arn = f"arn:aws:{service}:{begins}:{pattern.format(instance=name)}"
        yield Statement((f"{service}:*",), (arn,), reason="all of the service, for what has the environment's name")
    yield Statement(("s3:*",), (f"arn:aws:s3:::{name}*",), reason="all, for the environment's own buckets")
    yield Statement(UNNAMED, ("*",), conditions=in_region(one), reason="parts of a network and keys have no names")
    yield Statement(("ecr:GetAuthorizationToken",), ("*",), reason="a token of the registry is of the account")
    yield Statement(ROLES_MADE, _roles(name, one))
    own_roles = f"arn:aws:iam::{account(one)}:role/aws-service-role"
    linked = tuple(f"{own_roles}/{service}.amazonaws.com/*" for service in SERVICES)
    yield Statement(("iam:CreateServiceLinkedRole",), linked, reason="the first of its kind in an account")
    yield Statement(("budgets:ModifyBudget",), (f"arn:aws:budgets::{account(one)}:budget/{name}",))
    own = tuple(role for role in (one.plan_role, one.apply_role) if role is not None)
    yield Statement(("iam:*",), own, effect="Deny")


def _roles(name: str, one: ReviewedEnvironment) -> tuple[str, ...]:
    return tuple(f"arn:aws:iam::{account(one)}:{kind}/{name}*" for kind in ("role", "instance-profile"))


def parted(place: str) -> tuple[str, str]:
    """Bucket and prefix of an `s3://` URI, which may have a query."""
    bucket, _, prefix = place.removeprefix("s3://").partition("?")[0].partition("/")
    return bucket, f"{prefix.strip('/')}/" if prefix else ""


def instance(review: Review, one: ReviewedEnvironment) -> str:
    """What the environment's things are called, or begin with."""
    return f"{prefix_of(review.system)}-{one.name}"


def account(one: ReviewedEnvironment) -> str:
    assert one.plan_role is not None, "asked of a role only"
    return one.plan_role.split(":")[4]


def in_region(one: ReviewedEnvironment) -> dict[str, dict[str, str | None]]:
    return {"StringEquals": {"aws:RequestedRegion": one.region}}
