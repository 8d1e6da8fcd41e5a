"""The cluster of an account: whether it is there, and the kubeconfig that leads to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from mlsystem.apply.account import AwsData, Held
from mlsystem.apply.eks import EksCluster
from mlsystem.errors import MlsystemError

REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIATESTSONLY", "AWS_SECRET_ACCESS_KEY": "tests-only-secret"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield


def one(folder: Path) -> EksCluster:
    return EksCluster("flights-prod", REGION, "flights", folder / "kubeconfig", KEYS)


@pytest.mark.usefixtures("account")
def test_a_cluster_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert not one(tmp_path).there()
    with pytest.raises(MlsystemError, match="there is no cluster flights-prod in eu-central-1"):
        one(tmp_path).log_in()


@pytest.mark.usefixtures("account")
def test_the_kubeconfig_of_a_cluster_holds_its_address_and_no_secret(tmp_path: Path) -> None:
    network = {"subnetIds": ["subnet-1"]}
    made = boto3.client("eks", region_name=REGION).create_cluster(
        name="flights-prod", roleArn="arn:aws:iam::123456789012:role/x", resourcesVpcConfig=network
    )["cluster"]  # fmt: skip

    one(tmp_path).log_in()

    written = json.loads((tmp_path / "kubeconfig").read_text())
    assert one(tmp_path).there()
    assert written["clusters"][0]["cluster"]["server"] == made["endpoint"]
    assert written["current-context"] == "flights"
    assert written["users"][0]["user"]["exec"]["args"][:4] == ["eks", "get-token", "--cluster-name", "flights-prod"]
    assert (tmp_path / "kubeconfig").stat().st_mode & 0o077 == 0


def test_an_account_that_does_not_answer_is_said_to() -> None:
    away = {**KEYS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}

    with pytest.raises(MlsystemError, match="about the cluster flights-prod"):
        EksCluster("flights-prod", REGION, "flights", Path("unused"), away).there()


@pytest.mark.usefixtures("account")
def test_a_bucket_is_emptied_of_all_versions_before_it_goes() -> None:
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="full")
    s3.put_bucket_versioning(Bucket="full", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket="full", Key="model", Body=body)
    s3.delete_object(Bucket="full", Key="model")

    said = AwsData("us-east-1", KEYS).release(Held("aws.s3.Bucket", "workspace", "full"))
    s3.delete_bucket(Bucket="full")

    assert said == "3 versions of objects in bucket full are deleted"


def test_a_bucket_that_keeps_objects_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    class S3:
        def get_paginator(self, name: str) -> S3:
            return self

        def paginate(self, **asked: str) -> list[dict[str, list[dict[str, str]]]]:
            return [{"Versions": [{"Key": "model", "VersionId": "1"}]}]

        def delete_objects(self, **asked: object) -> dict[str, list[dict[str, str]]]:
            return {"Errors": [{"Key": "model", "Code": "AccessDenied", "Message": "Access Denied"}]}

    monkeypatch.setattr("mlsystem.apply.account.client", lambda *asked: S3())

    with pytest.raises(MlsystemError, match=r"1 objects of bucket full were not deleted, model first: Access Denied"):
        AwsData(REGION, KEYS).release(Held("aws.s3.Bucket", "workspace", "full"))


def test_that_a_key_takes_what_it_encrypted_is_said() -> None:
    said = AwsData(REGION, KEYS).release(Held("aws.kms.Key", "key", "1234"))

    assert "last snapshots of databases too" in said
    assert "aws kms cancel-key-deletion --key-id 1234" in said


@pytest.mark.usefixtures("account")
def test_a_database_is_free_to_go_with_a_last_snapshot() -> None:
    rds = boto3.client("rds", region_name=REGION)
    rds.create_db_instance(
        DBInstanceIdentifier="mlflow", DBInstanceClass="db.t4g.micro", Engine="postgres", DeletionProtection=True
    )  # fmt: skip

    said = AwsData(REGION, KEYS).release(Held("aws.rds.Instance", "tracking-database", "mlflow"))

    (found,) = rds.describe_db_instances()["DBInstances"]
    assert not found["DeletionProtection"]
    assert said == "database tracking-database leaves a last snapshot"
