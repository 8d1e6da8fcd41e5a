"""The generated programs of the stacks below the system, under the real SDK."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from aws_stacks import ORIGIN, bucket, bucket_policy, stack_by_hand, stack_of_every_shape, stack_program
from generated_types import type_errors
from recorder import Recorded, record

from mlsystem.emit.aws.resource import Policy, Resource, Statement

COMPUTED = {"aws:eks/getCluster:getCluster": {"endpoint": "https://cluster.example.com"}}


def declared(place: Path, unknown: bool = False) -> dict[str, Recorded]:
    """By name."""
    found = record(place, {}, unknown=unknown, computed=COMPUTED, outside={"vpc": "vpc-1"})
    return {one.name: one for one in found}


def test_the_program_declares_exactly_the_resources_of_the_stack(tmp_path: Path) -> None:
    stack = stack_of_every_shape()

    found = declared(stack_program(tmp_path, stack))

    assert set(found) == {"account", *(one.name for one in stack.resources)}
    assert found["workspace"].inputs == {"bucket": "weather"}


def test_the_program_runs_where_no_output_is_known_yet(tmp_path: Path) -> None:
    stack = stack_of_every_shape()

    found = declared(stack_program(tmp_path, stack), unknown=True)

    assert set(found) == {"account", *(one.name for one in stack.resources)}


def test_what_another_resource_puts_out_stands_in_policies_and_inputs(tmp_path: Path) -> None:
    found = declared(stack_program(tmp_path, stack_of_every_shape()))

    policy = json.loads(found["workspace-tls"].inputs["policy"])
    assert policy["Statement"][0]["Resource"] == ["arn:workspace", "arn:workspace/*"]
    assert json.loads(found["company"].inputs["kubeconfig"]) == {"server": "https://cluster.example.com"}
    assert found["pods"].inputs["vpcId"] == "vpc-1"


def test_what_holds_data_is_protected_and_nothing_else(tmp_path: Path) -> None:
    found = declared(stack_program(tmp_path, stack_of_every_shape()))

    assert [name for name, one in found.items() if "protect" in one.options] == ["workspace"]


def test_resources_of_the_account_go_through_its_provider_and_others_through_their_own(tmp_path: Path) -> None:
    found = declared(stack_program(tmp_path, stack_of_every_shape()))

    assert found["workspace"].provider == "pulumi:providers:aws::account"
    assert found["metrics"].provider == "pulumi:providers:kubernetes::company"


def test_nothing_is_done_in_another_account(tmp_path: Path) -> None:
    provider = declared(stack_program(tmp_path, stack_of_every_shape()))["account"]

    assert json.loads(provider.inputs["allowedAccountIds"]) == ["123456789012"]


def test_a_policy_that_reaches_everything_needs_a_reason() -> None:
    with pytest.raises(AssertionError, match="no reason"):
        Statement(actions=("ec2:DescribeInstances",), resources=("*",))


def test_the_reason_of_a_wildcard_stands_above_the_policy(tmp_path: Path) -> None:
    wild = Statement(("ec2:DescribeInstances",), ("*",), reason="EC2 has no narrower resource for it.")
    role = Resource("aws.iam.Policy", "look", {"policy": Policy((wild,))}, "identity", ORIGIN)

    place = stack_program(tmp_path, stack_by_hand(role))

    assert (
        "# EC2 has no narrower resource for it.\nlook = aws.iam.Policy("
        in (place / "foundation/identity.py").read_text()
    )


def test_two_resources_of_one_name_are_a_slip() -> None:
    with pytest.raises(AssertionError, match="one name"):
        stack_by_hand(bucket(), bucket())


def test_a_statement_stands_after_those_that_it_refers_to(tmp_path: Path) -> None:
    place = stack_program(tmp_path, stack_by_hand(bucket_policy(bucket()), bucket()))

    assert "from foundation.storage import workspace" in (place / "foundation/access.py").read_text()


def test_the_source_is_what_a_formatter_would_leave_alone(tmp_path: Path) -> None:
    place = stack_program(tmp_path, stack_of_every_shape())

    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "100", "--diff", str(place)]
    assert subprocess.run(ruff, capture_output=True, text=True, check=False).stdout == ""


@pytest.mark.slow
def test_a_strict_type_checker_finds_nothing_to_say(tmp_path: Path) -> None:
    assert type_errors(stack_program(tmp_path, stack_of_every_shape())) == ""
