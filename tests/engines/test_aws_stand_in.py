"""The stand-in for Pulumi's AWS provider, asked as the engine asks it: what it makes is in the account, reads back as
it was asked for, and goes again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_accounts import foundation
from aws_clusters import below_of
from engines.aws import provider
from engines.aws.account import NUMBER, REGION, account_server
from engines.aws.kinds import KINDS
from engines.aws.samples import SAMPLES
from engines.provider_protocol import UNKNOWN, read, write
from pulumi.runtime.proto import provider_pb2

from mlsystem.apply.interrupted import InAccount
from mlsystem.emit.aws.cluster import cluster_stack

TAGS = {"mlsystem.dev/system": "sample", "mlsystem.dev/environment": "test"}
Made = dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]]


class Context:
    def abort(self, code: Any, message: str) -> None:
        raise AssertionError(message)


@contextmanager
def account(folder: Path) -> Iterator[Mapping[str, str]]:
    """An empty one; its environment, which is that of this process too."""
    with (
        pytest.MonkeyPatch.context() as patch,
        account_server(folder, "https://127.0.0.1:1", "eA==") as environment,
    ):
        for name, value in environment.items():
            patch.setenv(name, value)
        yield environment


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[provider.Provider]:
    with account(tmp_path_factory.mktemp("account")):
        yield provider.Provider()


def urn(token: str, name: str) -> str:
    return f"urn:pulumi:test::sample::{token}::{name}"


def filled(value: Any, made: Made) -> Any:
    if isinstance(value, dict):
        return {key: filled(one, made) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, made) for one in value]
    if isinstance(value, str) and (found := re.fullmatch(r"\{([\w-]+)\.(\w+)\}", value)):
        _, identity, _, outputs = made[found[1]]
        return identity if found[2] == "id" else outputs[found[2]]
    return value


def checked(stand_in: provider.Provider, token: str, name: str, inputs: dict[str, Any]) -> Any:
    return stand_in.Check(provider_pb2.CheckRequest(urn=urn(token, name), news=write(inputs)), Context())


def create(stand_in: provider.Provider, token: str, name: str, inputs: dict[str, Any], made: Made) -> None:
    answer = checked(stand_in, token, name, filled(inputs, made))
    assert not answer.failures, f"{name}: {answer.failures}"
    request = provider_pb2.CreateRequest(urn=urn(token, name), properties=answer.inputs)
    answered = stand_in.Create(request, Context())
    made[name] = token, answered.id, read(answer.inputs), read(answered.properties)


def look(stand_in: provider.Provider, made: Made, name: str) -> Any:
    token, identity, inputs, outputs = made[name]
    asked = {"id": identity, "urn": urn(token, name), "properties": write(outputs), "inputs": write(inputs)}
    return stand_in.Read(provider_pb2.ReadRequest(**asked), Context())


def test_every_kind_is_made_reads_back_as_it_was_asked_for_and_goes_again(stand_in: provider.Provider) -> None:
    made: Made = {}
    for token, name, inputs in SAMPLES:
        create(stand_in, token, name, inputs, made)

    drifted = {
        name: read(found.inputs) for name in made if read((found := look(stand_in, made, name)).inputs) != made[name][2]
    }
    missing = [name for name in made if not look(stand_in, made, name).id]
    unmade = [f"{name}: {one}" for name, (token, _, _, outputs) in made.items() for one in KINDS[token].computed
              if one not in outputs]  # fmt: skip
    for name in reversed(made):
        token, identity, _, outputs = made[name]
        asked = {"id": identity, "urn": urn(token, name), "properties": write(outputs)}
        stand_in.Delete(provider_pb2.DeleteRequest(**asked), Context())
    left = [name for name in ("net", "bucket", "database", "cluster", "agent", "role") if look(stand_in, made, name).id]

    assert drifted == {}
    assert missing == []
    assert unmade == []
    assert left == []


def test_what_a_killed_engine_had_made_is_found_or_is_the_same_when_it_is_made_again(tmp_path: Path) -> None:
    """Of every kind that an environment has: an engine knew what it had asked for, and not what became of it."""
    made: Made = {}
    with account(tmp_path / "account") as environment:
        stand_in, identify = provider.Provider(), InAccount(NUMBER, REGION, TAGS, environment)
        stand_in.account.tags |= TAGS
        for token, name, inputs in SAMPLES:
            create(stand_in, token, name, inputs, made)
        first = {name: one for name, one in made.items() if one[0] in emitted(tmp_path)}
        found = {name: identify(token, inputs) for name, (token, _, inputs, _) in first.items()}
        for name in [name for name, identity in found.items() if identity is None]:
            token, _, inputs, _ = first[name]
            create(stand_in, token, name, inputs, made)
            found[name] = made[name][1]

    assert {name: said_of(one) for name, one in found.items()} == {name: said_of(one[1]) for name, one in first.items()}


def said_of(identity: str | None) -> str:
    """Without the version of a secret: each time that a value is put is another one."""
    return str(identity).partition("|")[0]


def emitted(folder: Path) -> frozenset[str]:
    """The kinds of what an account is made of, as the engine calls them."""
    whole = {"network": {"flow_logs": True}, "owners": ["ml@example.com"], "limits": {"max_cost": "$5000/month"}}
    foundations = foundation(folder / "whole", **whole), foundation(folder / "table", online_store={"type": "dynamodb"})
    cluster = cluster_stack(replace(below_of(), plan_role="arn:plan", apply_role="arn:apply"))
    kinds = {one.kind for stack in (*foundations, cluster) for one in stack.resources}
    named = [kind.split(".") for kind in kinds if kind.startswith("aws.")]
    return frozenset(f"aws:{module}/{name[0].lower()}{name[1:]}:{name}" for _, module, name in named)


def test_every_kind_has_a_sample() -> None:
    assert {token for token, _, _ in SAMPLES} == set(KINDS)


def test_what_moto_does_not_know_is_only_stored() -> None:
    assert provider.STORED == [
        "aws:eks/accessEntry:AccessEntry",
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        "aws:eks/addon:Addon",
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        "aws:elasticache/parameterGroup:ParameterGroup",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sns/topicSubscription:TopicSubscription",
    ]


@pytest.mark.parametrize(
    ("token", "inputs", "said"),
    [
        ("aws:s3/bucket:Bucket", {"bukket": "x"}, "bukket is not declared"),
        ("aws:eks/nodeGroup:NodeGroup", {"clusterName": "x", "nodeRoleArn": "x", "subnetIds": ["x"]},
         "scalingConfig is required and missing"),
        ("aws:ec2/vpc:Vpc", {"enableDnsSupport": "yes"}, "enableDnsSupport is str, not bool"),
        ("aws:ec2/vpc:Vpz", {}, "pulumi_aws declares no aws:ec2/vpc:Vpz"),
        ("aws:athena/database:Database", {"name": "x"}, "the stand-in does not know aws:athena/database:Database"),
    ],
)  # fmt: skip
def test_what_the_sdk_does_not_declare_is_refused(
    stand_in: provider.Provider, token: str, inputs: dict[str, Any], said: str
) -> None:
    assert [one.reason for one in checked(stand_in, token, "one", inputs).failures] == [said]


def test_a_value_that_nobody_knows_yet_passes(stand_in: provider.Provider) -> None:
    unknown = UNKNOWN

    assert not checked(stand_in, "aws:ec2/subnet:Subnet", "one", {"vpcId": unknown, "cidrBlock": unknown}).failures


def test_a_name_that_nobody_wrote_is_the_same_every_time(stand_in: provider.Provider) -> None:
    names = [read(checked(stand_in, "aws:sqs/queue:Queue", "jobs", {}).inputs)["name"] for _ in range(2)]

    assert names[0] == names[1]
    assert names[0].startswith("jobs-")


def test_a_full_bucket_and_a_database_without_a_snapshot_are_not_deleted(
    stand_in: provider.Provider, tmp_path: Path
) -> None:
    made: Made = {}
    create(stand_in, "aws:s3/bucket:Bucket", "full", {"bucket": "full"}, made)
    stand_in.account("s3").put_object(Bucket="full", Key="model", Body=b"x")
    database = {"identifier": "kept", "engine": "postgres", "instanceClass": "db.t4g.micro", "allocatedStorage": 20,
                "username": "mlflow", "manageMasterUserPassword": True}  # fmt: skip
    create(stand_in, "aws:rds/instance:Instance", "kept", database, made)

    with pytest.raises(AssertionError, match="BucketNotEmpty"):
        delete(stand_in, made, "full")
    with pytest.raises(AssertionError, match="finalSnapshotIdentifier is required"):
        delete(stand_in, made, "kept")


def delete(stand_in: provider.Provider, made: Made, name: str) -> None:
    token, identity, _, outputs = made[name]
    stand_in.Delete(
        provider_pb2.DeleteRequest(id=identity, urn=urn(token, name), properties=write(outputs)), Context()
    )  # fmt: skip
