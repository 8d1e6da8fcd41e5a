"""What a killed engine left half done: what is looked for, and under which id."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from moto import mock_aws

from mlsystem.apply.interrupted import InAccount, nobody_knows, settled
from mlsystem.errors import MlsystemError

NUMBER, REGION = "123456789012", "eu-central-1"
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
    return InAccount(NUMBER, REGION, TAGS, keys)


def tagged(kind: str, **more: str) -> list[dict[str, Any]]:
    tags = [{"Key": key, "Value": value} for key, value in {**TAGS, **more}.items()]
    return [{"ResourceType": kind, "Tags": tags}]


@contextmanager
def answering(path: str, *answers: Mapping[str, Any]) -> Iterator[str]:
    """The address of a service that says these of `path`, one after another, and of anything else that it is not
    there."""
    left = [*answers]

    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == path
            self.send_response(200 if known else 404)
            if not known:
                self.send_header("x-amzn-ErrorType", "ResourceNotFoundException")
            self.end_headers()
            self.wfile.write(json.dumps(left.pop(0) if known else {"message": "it is not there"}).encode())

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_what_has_a_name_is_looked_for_under_it(account: InAccount) -> None:
    kind = "aws:s3/bucket:Bucket"
    deployment = {"resources": [], "pending_operations": [being_made(kind, "workspace", bucket="flights-prod")]}

    state, made = settled(deployment, account)

    assert made == (urn(kind, "workspace"),)
    assert [(one["urn"], one["id"]) for one in state["resources"]] == [(urn(kind, "workspace"), "flights-prod")]
    assert state["pending_operations"] == []


def test_what_has_a_drawn_id_is_found_by_its_tags(account: InAccount) -> None:
    with mock_aws():
        ec2, tags = boto3.client("ec2", region_name=REGION), tagged("vpc", Name="net")
        others = [{**tags[0], "Tags": tags[0]["Tags"][2:]}]
        mine = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
        ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=others)

        found = account("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16", "tags": {"Name": "net"}})
        absent = account("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16", "tags": {"Name": "another"}})

    assert found == mine
    assert absent is None


def test_an_address_is_found_by_its_tags(account: InAccount) -> None:
    with mock_aws():
        ec2 = boto3.client("ec2", region_name=REGION)
        made = ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip", Name="net"))["AllocationId"]
        found = account("aws:ec2/eip:Eip", {"domain": "vpc", "tags": {"Name": "net"}})

    assert found == made


def test_a_gateway_that_was_deleted_is_not_taken_for_the_one_that_was_being_made(account: InAccount) -> None:
    kind, inputs = "aws:ec2/natGateway:NatGateway", {"tags": {"Name": "net"}}
    with mock_aws():
        ec2 = boto3.client("ec2", region_name=REGION)
        network = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=network, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        earlier = new_gateway(ec2, subnet)
        ec2.delete_nat_gateway(NatGatewayId=earlier)
        without = account(kind, inputs)
        made = new_gateway(ec2, subnet)
        found = account(kind, inputs)

    assert without is None
    assert found == made


def new_gateway(ec2: Any, subnet: str) -> str:
    """With an address of its own."""
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    tags = tagged("natgateway", Name="net")
    made = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address, TagSpecifications=tags)
    return str(made["NatGateway"]["NatGatewayId"])


def test_what_a_subnet_has_for_routes_is_found_by_both(account: InAccount) -> None:
    kind = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    with mock_aws():
        ec2 = boto3.client("ec2", region_name=REGION)
        network = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        one, other = (ec2.create_subnet(VpcId=network, CidrBlock=f"10.0.{place}.0/24")["Subnet"]["SubnetId"]
                      for place in (1, 2))  # fmt: skip
        table = ec2.create_route_table(VpcId=network)["RouteTable"]["RouteTableId"]
        made = [ec2.associate_route_table(RouteTableId=table, SubnetId=one)["AssociationId"]]
        found = account(kind, {"routeTableId": table, "subnetId": one})
        absent = account(kind, {"routeTableId": table, "subnetId": other})

    assert [found] == made
    assert absent is None


def test_a_template_of_machines_is_found_by_its_name(account: InAccount) -> None:
    kind = "aws:ec2/launchTemplate:LaunchTemplate"
    with mock_aws():
        ec2 = boto3.client("ec2", region_name=REGION)
        asked = {"LaunchTemplateName": "flights-prod-system", "LaunchTemplateData": {"EbsOptimized": True}}
        made = ec2.create_launch_template(**asked)["LaunchTemplate"]["LaunchTemplateId"]
        found, absent = account(kind, {"name": "flights-prod-system"}), account(kind, {"name": "flights-prod"})

    assert found == made
    assert absent is None


def test_a_key_is_found_by_its_tags_and_what_it_is_for(account: InAccount) -> None:
    kind, inputs = "aws:kms/key:Key", {"description": "What is kept of flights-prod."}
    tags = [{"TagKey": key, "TagValue": value} for key, value in TAGS.items()]
    with mock_aws():
        kms = boto3.client("kms", region_name=REGION)
        kms.create_key(Description=inputs["description"])
        kms.create_key(Description="State of prod.", Tags=tags)
        earlier = kms.create_key(Description=inputs["description"], Tags=tags)["KeyMetadata"]["KeyId"]
        kms.schedule_key_deletion(KeyId=earlier)
        without = account(kind, inputs)
        made = kms.create_key(Description=inputs["description"], Tags=tags)["KeyMetadata"]["KeyId"]
        found = account(kind, inputs)

    assert without is None
    assert found == made


def test_an_identity_of_pods_is_found_by_whose_it_is_and_read_back_by_its_own_id(account: InAccount) -> None:
    kind = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
    inputs = {"clusterName": "flights", "namespace": "ml", "serviceAccount": "server", "roleArn": "arn:role"}
    asked = "/clusters/flights/pod-identity-associations?namespace=ml&serviceAccount=server"
    with answering(asked, {"associations": [{"associationId": "a-1", "namespace": "ml"}]}) as address:
        there = replace(account, environ={**account.environ, "AWS_ENDPOINT_URL_EKS": address})
        state, _ = settled({"pending_operations": [being_made(kind, "server-pods", **inputs)]}, there)
        absent = there(kind, {**inputs, "clusterName": "another"})

    assert [(one["id"], one["outputs"]) for one in state["resources"]] == [("a-1", {**inputs, "associationId": "a-1"})]
    assert absent is None


def test_a_budget_is_called_after_the_account(account: InAccount) -> None:
    assert account("aws:budgets/budget:Budget", {"name": "flights-prod"}) == f"{NUMBER}:flights-prod"


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
        secrets = boto3.client("secretsmanager", region_name=REGION)
        made = secrets.create_secret(Name="flights-prod-made")
        found, absent = account(kind, {"name": "flights-prod-made"}), account(kind, {"name": "flights-prod"})
        secrets.delete_secret(SecretId="flights-prod-made")
        deleted = account(kind, {"name": "flights-prod-made"})

    assert found == made["ARN"]
    assert absent is None
    assert deleted is None


def test_what_takes_minutes_to_be_made_is_waited_for(account: InAccount) -> None:
    kind = "aws:eks/cluster:Cluster"
    answers = [{"cluster": {"name": "flights", "status": status}} for status in ("CREATING", "CREATING", "ACTIVE")]
    with answering("/clusters/flights", *answers) as address:
        there = replace(account, environ={**account.environ, "AWS_ENDPOINT_URL_EKS": address}, pause_s=0.01)
        found, absent = there(kind, {"name": "flights"}), there(kind, {"name": "another"})

    assert found == "flights"
    assert absent is None


def test_what_failed_to_be_made_is_for_a_person_to_look_at(account: InAccount) -> None:
    failed = {"cluster": {"name": "flights", "status": "FAILED"}}
    with answering("/clusters/flights", failed) as address, pytest.raises(MlsystemError, match="terminal failure"):
        replace(account, environ={**account.environ, "AWS_ENDPOINT_URL_EKS": address})(
            "aws:eks/cluster:Cluster", {"name": "flights"}
        )


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
