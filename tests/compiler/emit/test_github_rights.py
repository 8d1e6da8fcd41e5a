"""What the roles of a review may do in an account, tried request by request: all that the stacks need, and nothing of
what belongs to somebody else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from aws_accounts import ACCOUNT_NUMBER, EXISTING, PROD, account_cluster
from aws_requests import ASKED, Asked, Request, Thing, requests

from mlsystem.emit.aws.budget import TAG
from mlsystem.emit.aws.resource import Policy, Resource, Stack
from mlsystem.emit.aws.stacks import account_stacks
from mlsystem.emit.github_rights import apply_rights, plan_rights
from mlsystem.emit.kubernetes.objects import Cluster

REGION = PROD["region"]
PLAN, APPLY = (f"arn:aws:iam::{ACCOUNT_NUMBER}:role/review-{name}" for name in ("plan", "apply"))
WHOLE: dict[str, Any] = {
    "network": {"flow_logs": True, "zones": ["a", "b"]}, "owners": ["ml@example.com"],
    "limits": {"max_cost": "$9000/month"}, "platform": {"ingress": "nginx", "host": "weather.example.com"},
}  # fmt: skip
BOUNDARY = f"arn:aws:iam::{ACCOUNT_NUMBER}:policy/limit"
ACCOUNTS: dict[str, dict[str, Any]] = {
    "short": {},
    "whole": WHOLE,
    "table": {"online_store": {"type": "dynamodb"}},
    "existing": EXISTING,
    "own entry": {"secrets": {"name": "company-weather"}},
    "own bucket": {"workspace": "s3://company/weather"},
    "limited": {"permissions_boundary": BOUNDARY, "network": {"flow_logs": True}},
}
NAMES = ("prod", "prod2", "prod-eu", "prod_eu", "pro")
LONG = "an-environment-with-a-name-that-a-cache-cannot-have"
OF_ANYBODY = {
    "ecr:GetAuthorizationToken", "logs:CreateLogDelivery", "kms:CreateGrant", "kms:Decrypt", "kms:EnableKeyRotation",
    "kms:GenerateDataKey",
}  # fmt: skip
"""What no name and no tag binds: with keys that have no tag yet, through a service of which only what is one's own may
be changed."""


@cache
def compiled(account: str, called: str = "prod") -> Cluster:
    with TemporaryDirectory() as folder:
        roles = {"plan_role": PLAN, "apply_role": APPLY}
        return account_cluster(Path(folder), called, roles, **ACCOUNTS[account])


def stacks(account: str, called: str = "prod") -> tuple[Stack, ...]:
    cluster = compiled(account, called)
    return account_stacks(cluster, [f"{cluster.target.registry}/server"])


def asked(account: str, called: str = "prod") -> list[tuple[Resource, Request]]:
    return [one for stack in stacks(account, called) for one in requests(stack)]


def rights(account: str, called: str = "prod", *, plan: bool = False) -> Mapping[str, Any]:
    review = compiled(account, called).system.review
    assert review is not None
    (one,) = review.environments
    policy: Policy = (plan_rights if plan else apply_rights)(review, one)
    return policy.document


@pytest.mark.parametrize("called", [*NAMES, LONG])
@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_apply_may_do_all_that_the_stacks_need(account: str, called: str) -> None:
    document = rights(account, called)

    denied = [(one.name, request) for one, request in asked(account, called) if not request.allowed(document, REGION)]
    assert denied == []


def test_every_kind_that_may_be_made_is_asked_for() -> None:
    declared = (one.kind for account in ACCOUNTS for stack in stacks(account) for one in stack.resources)

    assert {kind.removeprefix("aws.") for kind in declared if kind.startswith("aws.")} == set(ASKED)


@pytest.mark.parametrize(("mine", "other"), list(permutations(NAMES, 2)))
def test_nothing_of_another_environment_is_touched_however_alike_it_is_called(mine: str, other: str) -> None:
    document = rights("whole", mine)

    allowed = {request.action for _, request in asked("whole", other) if request.allowed(document, REGION)}
    assert allowed <= OF_ANYBODY


@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_plan_changes_nothing_of_its_own_either(account: str) -> None:
    document = rights(account, plan=True)

    allowed = {request.action for _, request in asked(account) if request.allowed(document, REGION)}
    assert allowed <= {"iam:GetRole"}


@pytest.mark.parametrize("role", [PLAN, APPLY])
def test_nobody_changes_the_roles_of_the_review(role: str) -> None:
    for action in ("iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:DeleteRole", "iam:PassRole"):
        assert not Request(action, (Thing(role),)).allowed(rights("whole"), REGION)


def of(kind: str, service: str = "ec2", tag: str | None = None, *, made: bool = False) -> Thing:
    """Somebody's thing: without a tag, or with an environment's."""
    tags = {} if tag is None else {TAG: f"seattle-weather-{tag}"}
    return Thing(f"arn:aws:{service}:{REGION}:{ACCOUNT_NUMBER}:{kind}/x-1", tags, made)


OWN = {TAG: "seattle-weather-prod"}


@pytest.mark.parametrize("tag", [None, "prod2", "pro"])
@pytest.mark.parametrize(
    ("action", "kind"),
    [("ec2:DeleteVpc", "vpc"), ("ec2:DeleteSubnet", "subnet"), ("ec2:DeleteSecurityGroup", "security-group"),
     ("ec2:AuthorizeSecurityGroupIngress", "security-group"), ("ec2:TerminateInstances", "instance"),
     ("ec2:DeleteNatGateway", "natgateway"), ("ec2:ReleaseAddress", "elastic-ip"), ("ec2:DeleteTags", "vpc"),
     ("ec2:DeleteLaunchTemplate", "launch-template"), ("ec2:DeleteVolume", "volume")],
)  # fmt: skip
def test_what_has_not_the_environments_tag_is_not_changed(action: str, kind: str, tag: str | None) -> None:
    document = rights("whole")

    assert Request(action, (of(kind, tag="prod"),)).allowed(document, REGION)
    assert not Request(action, (of(kind, tag=tag),)).allowed(document, REGION)


@pytest.mark.parametrize("tag", [None, "prod2"])
@pytest.mark.parametrize("action", ["kms:ScheduleKeyDeletion", "kms:PutKeyPolicy", "kms:DisableKey", "kms:Decrypt"])
def test_nor_is_a_key(action: str, tag: str | None) -> None:
    document = rights("whole")

    assert Request(action, (of("key", "kms", "prod"),)).allowed(document, REGION)
    assert not Request(action, (of("key", "kms", tag),)).allowed(document, REGION)


@pytest.mark.parametrize("kind", ["vpc", "subnet", "instance", "volume", "elastic-ip"])
def test_what_others_made_is_not_given_the_tag(kind: str) -> None:
    assert not Request("ec2:CreateTags", (of(kind, made=True),), OWN).allowed(rights("whole"), REGION)


@pytest.mark.parametrize(("action", "kind", "service"), [("ec2:CreateTags", "security-group", "ec2"),
                                                         ("kms:TagResource", "key", "kms")])  # fmt: skip
def test_a_group_and_a_key_are_given_it_where_they_have_no_others(action: str, kind: str, service: str) -> None:
    document = rights("whole")

    assert Request(action, (of(kind, service, made=True),), OWN).allowed(document, REGION)
    assert not Request(action, (of(kind, service, "prod2", made=True),), OWN).allowed(document, REGION)


@pytest.mark.parametrize("given", [{}, {TAG: "seattle-weather-prod2"}])
def test_nothing_is_made_without_the_tag(given: dict[str, str]) -> None:
    document = rights("whole")
    created = [one for _, one in asked("whole") if one.given]

    assert created
    assert not [one for one in created if Request(one.action, one.things, given, one.more).allowed(document, REGION)]


def test_what_has_no_name_is_made_in_the_region_only() -> None:
    document = rights("whole")
    unnamed = [one for _, one in asked("whole") if one.action.startswith(("ec2:", "kms:Create")) and one.given]

    assert not [one for one in unnamed if one.allowed(document, "us-east-1")]


@pytest.mark.parametrize("name", ["seattle-weather-prod2-server", "seattle-weather-prod-other", "admin"])
def test_no_role_is_made_or_passed_that_the_stacks_have_not(name: str) -> None:
    role = Thing(f"arn:aws:iam::{ACCOUNT_NUMBER}:role/{name}")

    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole", "iam:DeleteRole"):
        assert not Request(action, (role,)).allowed(rights("whole"), REGION)


@pytest.mark.parametrize("called", [*NAMES, "a-name-of-a-place"])
@pytest.mark.parametrize("account", ACCOUNTS)
def test_the_documents_fit_where_aws_keeps_them(account: str, called: str) -> None:
    """An inline policy of a role: 10,240 characters without white space."""
    assert len(json.dumps(rights(account, called), separators=(",", ":"))) <= 10_240


def test_in_a_cluster_of_others_only_what_pods_may_be_is_changed() -> None:
    document = rights("existing")
    (_, stack) = stacks("existing")

    asked_of = [*Asked(stack).named("eks", "DeleteCluster UpdateClusterConfig", "cluster/company"),
                *Asked(stack).named("eks", "CreateAccessEntry CreateNodegroup", "cluster/company")]  # fmt: skip
    assert not [one for one in asked_of if one.allowed(document, REGION)]


def test_every_role_that_is_made_is_within_the_boundary() -> None:
    roles = [one for stack in stacks("limited") for one in stack.of_kind("aws.iam.Role")]

    assert len(roles) > 5
    assert {one.inputs["permissions_boundary"] for one in roles} == {BOUNDARY}


@pytest.mark.parametrize("boundary", [{}, {"iam:PermissionsBoundary": f"{BOUNDARY}-other"}])
@pytest.mark.parametrize("action", ["CreateRole", "PutRolePolicy", "AttachRolePolicy", "PutRolePermissionsBoundary"])
def test_no_role_gets_rights_outside_of_it(action: str, boundary: dict[str, str]) -> None:
    role = (Thing(f"arn:aws:iam::{ACCOUNT_NUMBER}:role/seattle-weather-prod-server"),)
    within = {"iam:PermissionsBoundary": BOUNDARY}

    assert Request(f"iam:{action}", role, more=within).allowed(rights("limited"), REGION)
    assert not Request(f"iam:{action}", role, more=boundary).allowed(rights("limited"), REGION)


def test_nobody_takes_the_boundary_away() -> None:
    role = (Thing(f"arn:aws:iam::{ACCOUNT_NUMBER}:role/seattle-weather-prod-server"),)

    for more in ({}, {"iam:PermissionsBoundary": BOUNDARY}):
        assert not Request("iam:DeleteRolePermissionsBoundary", role, more=more).allowed(rights("limited"), REGION)
