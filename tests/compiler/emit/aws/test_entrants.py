"""Who enters a cluster that is made: the roles of the review's workflow, with what each of them needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from aws_accounts import misfits_of
from aws_clusters import ACCOUNT, COMPUTED, OUTSIDE, below_of
from aws_policies import findings, said_of
from aws_stacks import stack_program
from clusters import every_cluster
from generated_types import type_errors
from recorder import record

from mlsystem.emit.argo import pipeline_objects
from mlsystem.emit.aws.below import Below
from mlsystem.emit.aws.cluster import cluster_stack
from mlsystem.emit.aws.entrants import ADMINISTRATOR, GROUP, SEEN
from mlsystem.emit.aws.resource import Ref, Stack
from mlsystem.emit.grafana import dashboard_objects
from mlsystem.emit.kubernetes.system import kubernetes_objects
from mlsystem.emit.prometheus import rule_objects

ROLE = f"arn:aws:iam::{ACCOUNT}:role/flight-delay-prod"
PLAN, APPLY = f"{ROLE}-plan", f"{ROLE}-apply"
NOT_INSTALLED = "serving.knative.dev"


def reviewed() -> Below:
    return replace(below_of(), plan_role=PLAN, apply_role=APPLY)


@pytest.fixture(scope="module")
def stack() -> Stack:
    return cluster_stack(reviewed())


def bootstraps(stack: Stack) -> bool:
    found: bool = stack.resource("cluster").inputs["access_config"]["bootstrap_cluster_creator_admin_permissions"]
    return found


def test_the_roles_of_the_review_enter_and_only_the_one_that_applies_administers(stack: Stack) -> None:
    entries = {one.name: one.inputs for one in stack.of_kind("aws.eks.AccessEntry")}
    (administers,) = stack.of_kind("aws.eks.AccessPolicyAssociation")

    assert {one["principal_arn"]: one.get("kubernetes_groups") for one in entries.values()} == {
        PLAN: [GROUP], APPLY: None,
    }  # fmt: skip
    assert administers.inputs["principal_arn"] == Ref("review-applies", "principal_arn")
    assert administers.inputs["policy_arn"] == ADMINISTRATOR


def test_the_entry_of_the_role_that_applies_is_not_there_already_when_that_role_makes_the_cluster(stack: Stack) -> None:
    assert not bootstraps(stack)
    assert bootstraps(cluster_stack(below_of()))


def test_a_cluster_that_is_there_is_not_made_anew_when_a_review_is_declared(stack: Stack) -> None:
    for one in (stack, cluster_stack(below_of())):
        assert one.resource("cluster").ignore_changes == ("accessConfig.bootstrapClusterCreatorAdminPermissions",)


def test_nothing_is_asked_of_the_cluster_before_the_role_that_applies_may(stack: Stack) -> None:
    assert "review-administers" in stack.resource("inside").depends_on
    assert "review-administers" not in cluster_stack(below_of()).resource("inside").depends_on


def test_nobody_enters_a_cluster_of_others_by_this() -> None:
    stack = cluster_stack(replace(reviewed(), existing="company"))

    assert not [one for one in stack.resources if "Access" in one.kind or one.kind.startswith("kubernetes.")]


def test_the_role_that_plans_sees_every_kind_that_the_stacks_declare(stack: Stack) -> None:
    declared = {
        (str(one.body["apiVersion"]), one.kind)
        for cluster in every_cluster().values()
        for one in (*kubernetes_objects(cluster), *pipeline_objects(cluster), *rule_objects(cluster),
                    *dashboard_objects(cluster))
    }  # fmt: skip
    grouped = {(version.rpartition("/")[0], kind) for version, kind in declared}
    unseen = {
        (group, kind) for group, kind in grouped
        if group != NOT_INSTALLED and not {"*", f"{kind.lower()}s"} & set(SEEN.get(group, ()))
    }  # fmt: skip

    assert len(grouped) > 15
    assert unseen == set()


def test_it_only_looks_and_sees_no_secret(stack: Stack) -> None:
    (role,) = stack.of_kind("kubernetes.rbac.v1.ClusterRole")
    (binding,) = stack.of_kind("kubernetes.rbac.v1.ClusterRoleBinding")

    assert {verb for rule in role.inputs["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}
    assert binding.inputs["role_ref"]["name"] == role.inputs["metadata"]["name"]
    assert [one["name"] for one in binding.inputs["subjects"]] == [GROUP]
    assert findings(stack) == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"api_groups": [""], "resources": ["secrets"], "verbs": ["get"]}, "reads secrets"),
        ({"api_groups": [""], "resources": ["*"], "verbs": ["get"]}, "reads secrets"),
        ({"api_groups": ["*"], "resources": ["pods"], "verbs": ["get"]}, "every group"),
        ({"api_groups": ["apps"], "resources": ["*"], "verbs": ["get", "patch"]}, "changes"),
    ],
)
def test_the_checks_find_who_sees_or_does_more(stack: Stack, rule: dict[str, list[str]], said: str) -> None:
    one = stack.resource("plan-sees")

    assert any(said in found for found in said_of(replace(one, inputs={**one.inputs, "rules": [rule]})))


def test_the_sdk_takes_what_is_declared(stack: Stack, tmp_path: Path) -> None:
    place = stack_program(tmp_path, stack)

    for unknown in (False, True):
        found = {one.name for one in record(place, {}, unknown=unknown, computed=COMPUTED, outside=OUTSIDE)}
        assert found == {"account", *(one.name for one in stack.resources)}
    assert list(misfits_of(stack)) == []


@pytest.mark.slow
def test_a_strict_type_checker_finds_nothing_to_say(stack: Stack, tmp_path: Path) -> None:
    assert type_errors(stack_program(tmp_path, stack)) == ""
