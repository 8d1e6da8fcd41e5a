"""The foundation of a system in an account: what it is made of, and what nobody may lose, read or leave open."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_accounts import ACCOUNT_NUMBER, EXISTING, account_cluster, foundation, misfits_of
from aws_policies import findings
from aws_stacks import stack_program
from generated_types import type_errors
from msgspec import structs
from recorder import Recorded, record

from mlsystem.emit.aws.foundation import foundation_stack
from mlsystem.emit.aws.resource import Policy, Ref, Resource, Stack
from mlsystem_runtime.contract.feature_table import EXPIRES, PARTITION, SORT

COMPUTED = {
    "aws:secretsmanager/getRandomPassword:getRandomPassword": {"randomPassword": "made-once"},
    "aws:eks/getCluster:getCluster": {
        "vpcConfig": {"vpcId": "vpc-9", "subnetIds": ["subnet-1", "subnet-2"], "clusterSecurityGroupId": "sg-1"},
    },
    "aws:elasticache/replicationGroup:ReplicationGroup": {"primaryEndpointAddress": "features.example.com"},
    "aws:rds/instance:Instance": {"address": "tracking.example.com"},
    "aws:kms/key:Key": {"keyId": "key-1"},
}
HELD = {
    "key", "workspace", "online-store", "tracking", "online-store-password", "tracking-password", "made",
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "network": {"flow_logs": True, "zones": ["a", "b", "c"]}, "owners": ["ml@example.com", "the team"],
}  # fmt: skip
VARIATIONS: dict[str, dict[str, Any]] = {
    "short": {},
    "whole": WHOLE,
    "existing": EXISTING,
    "table": {"online_store": {"type": "dynamodb"}},
    "own stores": {"workspace": "s3://company/weather", "registry": "registry.example.com/ml",
                   "online_store": {"uri": "redis://redis.data:6379"}, "tracking": {"uri": "https://mlflow.example.com"}},
}  # fmt: skip


def declared(folder: Path, stack: Stack, unknown: bool = False) -> dict[str, Recorded]:
    """By name."""
    found = record(stack_program(folder, stack), {}, unknown=unknown, computed=COMPUTED)
    return {one.name: one for one in found}


@pytest.mark.parametrize("name", VARIATIONS)
def test_every_input_is_one_that_the_sdk_takes(name: str, tmp_path: Path) -> None:
    assert list(misfits_of(foundation(tmp_path, **VARIATIONS[name]))) == []


@pytest.mark.parametrize("name", VARIATIONS)
def test_the_program_declares_the_stack_whatever_it_knows_of_outputs(name: str, tmp_path: Path) -> None:
    stack = foundation(tmp_path, **VARIATIONS[name])

    known, unknown = (declared(tmp_path, stack, unknown) for unknown in (False, True))

    assert set(known) == set(unknown) == {"account", *(one.name for one in stack.resources)}


@pytest.mark.parametrize("name", VARIATIONS)
def test_the_program_is_formatted(name: str, tmp_path: Path) -> None:
    place = stack_program(tmp_path, foundation(tmp_path, **VARIATIONS[name]))

    ruff = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "100", "--diff", str(place)]
    assert subprocess.run(ruff, capture_output=True, text=True, check=False).stdout == ""


@pytest.mark.parametrize("name", VARIATIONS)
def test_nothing_is_open_unencrypted_unprotected_untagged_or_allowed_everything(name: str, tmp_path: Path) -> None:
    assert findings(foundation(tmp_path, **VARIATIONS[name])) == []


@pytest.mark.slow
def test_a_strict_type_checker_finds_nothing_to_say(tmp_path: Path) -> None:
    found = {
        name: type_errors(stack_program(tmp_path / name, foundation(tmp_path / name, **environment)))
        for name, environment in VARIATIONS.items()
    }

    assert found == dict.fromkeys(VARIATIONS, "")


def test_what_holds_data_is_protected_and_nothing_else(tmp_path: Path) -> None:
    assert {one.name for one in foundation(tmp_path).resources if one.protect} == HELD


def test_everything_that_is_kept_is_encrypted_with_the_systems_key(tmp_path: Path) -> None:
    stack = foundation(tmp_path, **WHOLE)

    keys = {one.name: key_of(one) for one in stack.resources}
    kept = (
        "secretsmanager.Secret", "ecr.Repository", "rds.Instance", "elasticache.ReplicationGroup",
        "cloudwatch.LogGroup", "s3.BucketServerSideEncryptionConfiguration",
    )  # fmt: skip
    assert [keys[one.name] for kind in kept for one in stack.of_kind(f"aws.{kind}")].count(None) == 0
    assert stack.resource("key").inputs["enable_key_rotation"] is True


def key_of(one: Resource) -> Ref | None:
    """The key that stands anywhere in its inputs."""
    names = ("kms_key_id", "kms_key", "kms_key_arn", "kms_master_key_id")
    text = [one.inputs]
    while text:
        value = text.pop()
        if isinstance(value, dict):
            found = next((value[name] for name in names if name in value), None)
            if found == Ref("key", "arn"):
                return Ref("key", "arn")
            text += value.values()
        elif isinstance(value, list | tuple):
            text += value
    return None


def test_the_bucket_speaks_tls_only_and_nothing_of_it_is_public(tmp_path: Path) -> None:
    found = declared(tmp_path, foundation(tmp_path))

    statement = json.loads(found["workspace-tls"].inputs["policy"])["Statement"][0]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == ["arn:workspace", "arn:workspace/*"]
    assert all(found["workspace-private"].inputs[name] for name in ("blockPublicAcls", "restrictPublicBuckets"))
    assert found["workspace-versions"].inputs["versioningConfiguration"] == {"status": "Enabled"}


def test_a_tag_of_an_image_never_means_another_one_and_every_image_is_scanned(tmp_path: Path) -> None:
    repositories = foundation(tmp_path).of_kind("aws.ecr.Repository")

    names = [one.inputs["name"] for one in repositories]
    assert names == ["seattle-weather-prod/weather/server", "seattle-weather-prod/weather/trainer"]
    assert {one.inputs["image_tag_mutability"] for one in repositories} == {"IMMUTABLE"}
    assert all(one.inputs["image_scanning_configuration"]["scan_on_push"] for one in repositories)


def test_subnets_are_parts_of_the_network_that_do_not_overlap(tmp_path: Path) -> None:
    stack = foundation(tmp_path, network={"cidr": "10.8.0.0/18", "zones": list("abcdef")})

    found = [ipaddress.ip_network(one.inputs["cidr_block"]) for one in stack.of_kind("aws.ec2.Subnet")]
    assert len(found) == 12
    assert all(one.subnet_of(ipaddress.ip_network("10.8.0.0/18")) for one in found)
    assert not any(one.overlaps(other) for one in found for other in found if one is not other)


def test_nothing_gets_an_address_of_the_internet_and_databases_let_pods_in_only(tmp_path: Path) -> None:
    stack = foundation(tmp_path)

    assert {one.inputs["map_public_ip_on_launch"] for one in stack.of_kind("aws.ec2.Subnet")} == {False}
    assert stack.resource("tracking").inputs["publicly_accessible"] is False
    sources = [rule["cidr_blocks"] for one in stack.of_kind("aws.ec2.SecurityGroup") for rule in one.inputs["ingress"]]
    assert all(block.startswith("10.0.") for blocks in sources for block in blocks)


def test_pods_get_images_identities_and_secrets_without_leaving_the_network(tmp_path: Path) -> None:
    names = [
        one.inputs["service_name"].rpartition("eu-central-1.")[2]
        for one in foundation(tmp_path).of_kind("aws.ec2.VpcEndpoint")
    ]

    assert names == ["s3", "dynamodb", "ecr.api", "ecr.dkr", "eks-auth", "secretsmanager"]


def test_passwords_are_made_once_and_reach_pods_through_one_entry(tmp_path: Path) -> None:
    stack = foundation(tmp_path)
    found = declared(tmp_path, stack)

    value = found["made-values"].inputs["secretString"]
    assert json.loads(value["value"] if isinstance(value, dict) else value) == {
        "ONLINE_STORE_URL": "rediss://:made-once@features.example.com:6379/0",
        "TRACKING_DATABASE_HOST": "tracking.example.com",
        "TRACKING_DATABASE_PASSWORD": "made-once",
    }
    assert stack.resource("tracking-password-value").ignore_changes == ("secretString",)
    assert stack.resource("made").inputs["name"] == "seattle-weather-prod-made"


def test_what_was_deleted_by_mistake_can_be_brought_back(tmp_path: Path) -> None:
    stack = foundation(tmp_path)

    database, store = stack.resource("tracking").inputs, stack.resource("online-store").inputs
    assert (database["deletion_protection"], database["skip_final_snapshot"]) == (True, False)
    assert database["final_snapshot_identifier"] == "seattle-weather-prod-tracking-final"
    assert store["final_snapshot_identifier"] == "seattle-weather-prod-features-final"


def test_generated_values_leave_their_names_free_and_what_people_put_in_can_be_brought_back(tmp_path: Path) -> None:
    cluster = account_cluster(tmp_path)
    told = replace(cluster, system=structs.replace(cluster.system, secrets=("API_KEY",)))

    entries = foundation_stack(told, []).of_kind("aws.secretsmanager.Secret")

    days = {one.name: one.inputs["recovery_window_in_days"] for one in entries}
    assert days == {"online-store-password": 0, "tracking-password": 0, "made": 0, "given": 30}


def test_a_cluster_that_exists_says_where_databases_are(tmp_path: Path) -> None:
    stack = foundation(tmp_path, **EXISTING)
    found = declared(tmp_path, stack)

    assert stack.of_kind("aws.ec2.Vpc") == ()
    assert found["tracking-subnets"].inputs["subnetIds"] == ["subnet-1", "subnet-2"]
    assert found["tracking-callers"].inputs["ingress"][0]["securityGroups"] == ["sg-1"]


def test_a_table_with_the_keys_of_the_online_store_is_made_instead_of_a_redis(tmp_path: Path) -> None:
    stack = foundation(tmp_path, online_store={"type": "dynamodb"})
    store = stack.resource("online-store")

    assert store.kind == "aws.dynamodb.Table"
    assert store.protect
    assert (store.inputs["hash_key"], store.inputs["range_key"]) == (PARTITION, SORT)
    assert store.inputs["ttl"] == {"attribute_name": EXPIRES, "enabled": True}
    assert not [one for one in stack.resources if one.kind.startswith("aws.elasticache") or "online-store-" in one.name]
    assert [*misfits_of(stack)] == []


def test_what_the_environment_names_itself_is_not_made(tmp_path: Path) -> None:
    kinds = {one.kind for one in foundation(tmp_path, **VARIATIONS["own stores"]).resources}

    assert not kinds & {"aws.s3.Bucket", "aws.ecr.Repository", "aws.rds.Instance", "aws.elasticache.ReplicationGroup"}


def test_a_table_is_made_as_its_address_says_and_as_the_runtime_reads_it(tmp_path: Path) -> None:
    table = foundation(tmp_path, online_store={"type": "dynamodb"}).resource("online-store")

    assert table.kind == "aws.dynamodb.Table"
    assert table.inputs["name"] == "seattle-weather-prod-features"
    assert [one["name"] for one in table.inputs["attributes"]] == [table.inputs["hash_key"], table.inputs["range_key"]]
    assert (table.protect, table.inputs["point_in_time_recovery"]["enabled"]) == (True, True)


def test_flow_logs_are_kept_as_long_as_the_file_says(tmp_path: Path) -> None:
    quiet, logged = foundation(tmp_path), foundation(tmp_path, network={"flow_logs": True}, log_retention="30d")

    assert quiet.of_kind("aws.ec2.FlowLog") == ()
    assert logged.resource("network-logs").inputs["retention_in_days"] == 30


def test_names_of_a_long_environment_are_as_long_as_aws_allows(tmp_path: Path) -> None:
    cluster = account_cluster(tmp_path, **WHOLE)
    long = replace(
        cluster, system=structs.replace(cluster.system, environment="production-of-the-department-of-weather-and-more")
    )
    longest = {
        "aws.iam.Role": ("name", 64), "aws.rds.Instance": ("identifier", 63), "aws.s3.Bucket": ("bucket", 63),
        "aws.elasticache.ReplicationGroup": ("replication_group_id", 40),
    }  # fmt: skip

    found = {one.kind: one.inputs[longest[one.kind][0]] for one in foundation_stack(long, []).resources
             if one.kind in longest}  # fmt: skip

    assert set(found) == set(longest)
    assert {kind: name for kind, name in found.items() if len(name) > longest[kind][1]} == {}


def test_no_policy_allows_everything(tmp_path: Path) -> None:
    policies = [value for one in foundation(tmp_path, **WHOLE).resources for value in one.inputs.values()]
    statements = [one for policy in policies if isinstance(policy, Policy) for one in policy.statements]

    assert statements
    assert not [one for one in statements if one.effect == "Allow" and "*" in one.resources and not one.reason]


def test_the_account_is_in_every_name_that_is_taken_once_in_the_world(tmp_path: Path) -> None:
    assert foundation(tmp_path).resource("workspace").inputs["bucket"] == f"seattle-weather-prod-{ACCOUNT_NUMBER}"
