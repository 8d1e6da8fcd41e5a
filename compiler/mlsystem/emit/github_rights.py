"""What the roles of a review may do: read and write what an apply remembers, and in an AWS account make what it holds.

A plan reads how things are set up, never what they hold; nobody changes the roles of the review itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlsystem.emit.aws.own import Own
from mlsystem.emit.aws.resource import Policy, Statement
from mlsystem.emit.aws.rights import changes, looks
from mlsystem.emit.kubernetes.objects import label_value
from mlsystem.system.review import Review, ReviewedEnvironment
from mlsystem.system.target import prefix_of


def plan_rights(review: Review, one: ReviewedEnvironment) -> Policy:
    return Policy((*_remembered(one, "s3:GetObject"), *(looks(own(review, one)) if one.account else ())))


def apply_rights(review: Review, one: ReviewedEnvironment) -> Policy:
    remembered = _remembered(one, "s3:GetObject", "s3:PutObject", "s3:DeleteObject")
    return Policy((*remembered, *(_changes(review, one) if one.account else ())))


def _remembered(one: ReviewedEnvironment, *actions: str) -> Iterator[Statement]:
    for bucket, prefix in map(parted, one.places):
        yield Statement(("s3:ListBucket",), (f"arn:aws:s3:::{bucket}",))
        yield Statement(actions, (f"arn:aws:s3:::{bucket}/{prefix}*",))


def _changes(review: Review, one: ReviewedEnvironment) -> Iterator[Statement]:
    yield from changes(own(review, one))
    roles = tuple(role for role in (one.plan_role, one.apply_role) if role is not None)
    yield Statement(("iam:*",), roles, effect="Deny")


def own(review: Review, one: ReviewedEnvironment) -> Own:
    assert one.plan_role is not None, "asked of a role only"
    assert one.region is not None, "the spec demands it where there are roles"
    instance = label_value(f"{prefix_of(review.system)}-{one.name}")
    account = one.plan_role.split(":")[4]
    return Own(instance, one.entry or instance, account, one.region, one.bucket, one.existing, one.boundary)


def parted(place: str) -> tuple[str, str]:
    """Bucket and prefix of an `s3://` URI, which may have a query."""
    bucket, _, prefix = place.removeprefix("s3://").partition("?")[0].partition("/")
    return bucket, f"{prefix.strip('/')}/" if prefix else ""
