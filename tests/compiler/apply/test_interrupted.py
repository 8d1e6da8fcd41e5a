"""What a killed engine left half done: what is looked for, and under which id."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from moto import mock_aws

from mlsystem.apply.interrupted import InAccount, nobody_knows, settled

REGION = "eu-central-1"
TAGS = {"mlsystem.dev/system": "flights", "mlsystem.dev/environment": "prod"}


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:prod::flights-foundation::{kind}::{name}"


def being_made(kind: str, name: str, **inputs: Any) -> dict[str, Any]:
    return {"type": "creating", "resource": {"urn": urn(kind, name), "type": kind, "custom": True, "inputs": inputs}}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> InAccount:
    keys = {"AWS_ACCESS_KEY_ID": "AKIATESTSONLY", "AWS_SECRET_ACCESS_KEY": "tests-only-secret"}
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    return InAccount(REGION, TAGS, keys)


def test_what_has_a_name_is_looked_for_under_it(account: InAccount) -> None:
    kind = "aws:s3/bucket:Bucket"
    deployment = {"resources": [], "pending_operations": [being_made(kind, "workspace", bucket="flights-prod")]}

    state, made = settled(deployment, account)

    assert made == (urn(kind, "workspace"),)
    assert [(one["urn"], one["id"]) for one in state["resources"]] == [(urn(kind, "workspace"), "flights-prod")]
    assert state["pending_operations"] == []


def test_what_has_a_drawn_id_is_found_by_its_tags(account: InAccount) -> None:
    with mock_aws():
        ec2 = boto3.client("ec2", region_name=REGION)
        tags = [{"Key": key, "Value": value} for key, value in {**TAGS, "Name": "net"}.items()]
        mine = ec2.create_vpc(
            CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}]
        )["Vpc"]["VpcId"]  # fmt: skip
        ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags[2:]}])

        found = account("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16", "tags": {"Name": "net"}})
        absent = account("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16", "tags": {"Name": "another"}})

    assert found == mine
    assert absent is None


def test_nodes_are_found_by_how_their_name_begins(account: InAccount) -> None:
    kind, drawn = "aws:eks/nodeGroup:NodeGroup", "20260102030405000000000001"
    inputs = {"clusterName": "flights-prod", "nodeGroupNamePrefix": "training-g5-"}
    with mock_aws():
        eks = boto3.client("eks", region_name=REGION)
        role, network = "arn:aws:iam::123456789012:role/x", {"subnetIds": ["subnet-1"]}
        eks.create_cluster(name="flights-prod", roleArn=role, resourcesVpcConfig=network)
        for name in (f"training-g5-{drawn}", f"training-g5-spot-{drawn}"):
            eks.create_nodegroup(clusterName="flights-prod", nodegroupName=name, subnets=["subnet-1"], nodeRole=role)
        found = account(kind, inputs)
        absent = account(kind, {**inputs, "nodeGroupNamePrefix": "serving-"})

    assert found == f"flights-prod:training-g5-{drawn}"
    assert absent is None


def test_a_secret_is_found_by_its_name(account: InAccount) -> None:
    kind = "aws:secretsmanager/secret:Secret"
    with mock_aws():
        made = boto3.client("secretsmanager", region_name=REGION).create_secret(Name="flights-prod-made")
        found, absent = account(kind, {"name": "flights-prod-made"}), account(kind, {"name": "flights-prod"})

    assert found == made["ARN"]
    assert absent is None


def test_what_can_be_put_again_is_forgotten(account: InAccount) -> None:
    pending = [being_made("aws:s3/bucketVersioning:BucketVersioning", "versions", bucket="x")]

    state, made = settled({"pending_operations": pending}, account)

    assert made == ()
    assert state["resources"] == []


def test_what_was_written_down_after_all_is_there_once() -> None:
    kind = "aws:iam/role:Role"
    there = {"urn": urn(kind, "role"), "type": kind, "id": "role"}

    state, made = settled({"resources": [there], "pending_operations": [being_made(kind, "role")]},
                          lambda kind, inputs: "role")  # fmt: skip

    assert made == ()
    assert state["resources"] == [there]


def test_in_a_cluster_what_is_met_is_taken_over_anyway() -> None:
    pending = [being_made("kubernetes:core/v1:Service", "server")]

    assert settled({"pending_operations": pending}, nobody_knows)[0]["resources"] == []


def test_a_deletion_that_was_under_way_is_begun_again() -> None:
    there = {"urn": urn("aws:iam/role:Role", "role"), "id": "role"}

    state, _ = settled({"resources": [there], "pending_operations": [{"type": "deleting", "resource": there}]},
                       nobody_knows)  # fmt: skip

    assert state == {"resources": [there], "pending_operations": []}
