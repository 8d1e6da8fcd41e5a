"""What processes of the system do in a bucket, under the roles that they are given, where a store enforces them."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_clusters import below_of
from object_store import object_store

from mlsystem.emit.aws.identity import EDGES, identities
from mlsystem.emit.aws.resource import Policy, Statement
from mlsystem_runtime.contract.bucket import Bucket, UnreachableError
from mlsystem_runtime.contract.ledger import ProposalDecided, open_ledger
from mlsystem_runtime.contract.names import MIRROR
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.serve.shipping import Shipper

BUCKET, SOURCES = "flight-delay-prod", "data"
URI = f"s3://{BUCKET}/delay"
As = Callable[[str], Workspace]

OF_MANY = Statement(("s3:DeleteObject",), (f"arn:aws:s3:::{BUCKET}",))
"""S3 asks for each object of a deletion of many whether it may be deleted, moto only for the bucket: who may delete
what, the other tests of roles say."""


def policies() -> dict[str, dict[str, Any]]:
    """By the kind of process; the key of the account is not the store's business."""
    found = {}
    for one in identities(below_of()):
        if one.kind == "aws.iam.RolePolicy":
            policy = one.inputs["policy"]
            kept = [each for each in policy.statements if not any(name.startswith("kms:") for name in each.actions)]
            found[str(one.inputs["name"])] = Policy((*kept, OF_MANY)).document
    return found


@pytest.fixture(scope="module")
def keys() -> Iterator[dict[str, dict[str, str]]]:
    """What each kind of process has in its environment, in an account that allows only what some policy allows."""
    with object_store() as anybody:
        endpoint = anybody["AWS_ENDPOINT_URL_S3"]
        session = boto3.session.Session(
            anybody["AWS_ACCESS_KEY_ID"], anybody["AWS_SECRET_ACCESS_KEY"], region_name=anybody["AWS_DEFAULT_REGION"]
        )
        for name in (BUCKET, SOURCES):
            where = {"LocationConstraint": anybody["AWS_DEFAULT_REGION"]}
            session.client("s3", endpoint_url=endpoint).create_bucket(Bucket=name, CreateBucketConfiguration=where)
        store = session.client("s3", endpoint_url=endpoint)
        store.put_object(Bucket=SOURCES, Key="weather.csv", Body=b"time\n")
        found = {}
        iam = session.client("iam", endpoint_url=endpoint)
        for kind, policy in policies().items():
            iam.create_user(UserName=kind)
            iam.put_user_policy(UserName=kind, PolicyName=kind, PolicyDocument=json.dumps(policy))
            key = iam.create_access_key(UserName=kind)["AccessKey"]
            own = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
            found[kind] = {**anybody, **own}
        plain = {"Content-Type": "text/plain"}
        asked = urllib.request.Request(f"{endpoint}/moto-api/reset-auth", data=b"0", headers=plain)
        with urllib.request.urlopen(asked):
            yield found


@pytest.fixture
def process(keys: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> As:
    """The workspace as a process of that kind has it: with its own rights and its own disk."""

    def begun(kind: str) -> Workspace:
        for name, value in keys[kind].items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv(MIRROR, str(tmp_path / kind))
        workspace = Workspace(URI)
        assert workspace.bucket is not None
        workspace.bucket.folders("models")  # connects, with these keys
        return workspace

    return begun


def publish(workspace: Workspace, folder: str) -> None:
    made = workspace.root / "made"
    made.mkdir(parents=True)
    (made / "model.json").write_text("{}")
    assert workspace.storage.publish(made, folder)


def test_steps_make_models_and_read_sources(process: As) -> None:
    steps = process("pipeline")

    publish(steps, "models/delay/1")
    steps.storage.write("clock.json", b"{}")
    steps.storage.update("order.json", lambda held: b"1" if held is None else b"2")
    steps.storage.write("scratch/train.delay/k/a", b"x")
    steps.storage.discard("scratch/train.delay/k")

    assert Bucket(f"s3://{SOURCES}").get("weather.csv").data == b"time\n"
    assert [one.name for one in Bucket(f"s3://{SOURCES}").listing("weather.csv")] == ["weather.csv"]


def test_a_server_fetches_a_version_ships_what_it_logged_and_forgets_what_is_old(process: As) -> None:
    publish(process("pipeline"), "models/delay/2")
    server = process("server")
    assert server.bucket is not None
    segment = server.root / "predictions/main/2026-01-01/00/a.parquet"
    counts = server.root / "counts/main/a.json"
    for path in (segment, counts):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"{}")
    shipper = Shipper(server, server.bucket, {"main": timedelta(days=1)})

    assert server.fetch_version("delay", 2).is_dir()
    shipper.ship()
    assert not segment.exists()
    assert [one.rsplit("/", 1)[1] for one in names(process("pipeline"), "predictions/main/")] == ["a.parquet"]

    shipper.prune(1_800_000_000_000_000)
    assert names(process("pipeline"), "predictions/main/") == []
    assert names(process("pipeline"), "counts/main/") == ["counts/main/a.json"]


def names(workspace: Workspace, folder: str) -> list[str]:
    assert workspace.bucket is not None
    return [one.name for one in workspace.bucket.listing(folder)]


def test_what_is_not_there_is_not_there_for_everybody_and_not_forbidden(process: As) -> None:
    for edges in EDGES:
        with pytest.raises(FileNotFoundError):
            process(edges.kind).storage.read("models/delay/9/published.json")


def test_the_monitor_reads_everything_and_writes_its_state_and_the_ledger(process: As) -> None:
    process("pipeline").storage.write("counts/main/b.json", b"{}")
    monitor = process("monitor")

    monitor.storage.write("monitor/main.json", b"{}")
    monitor.storage.restore("counts/main")
    monitor.storage.discard("counts/main/b.json")
    open_ledger(monitor).append(ProposalDecided(proposal="p", decision="approved", evidence="e", by="somebody"))

    assert len(list(open_ledger(monitor).entries())) == 1


@pytest.mark.parametrize(
    ("kind", "name"),
    [("server", "models/delay/7/model.json"), ("server", "ledger/1.json"), ("server", "clock.json"),
     ("monitor", "models/delay/7/model.json"), ("monitor", "clock.json")],
)  # fmt: skip
def test_nobody_writes_what_is_not_theirs(process: As, kind: str, name: str) -> None:
    with pytest.raises(UnreachableError, match="AccessDenied"):
        process(kind).storage.write(name, b"{}")


def test_a_server_does_not_read_what_others_decided(process: As) -> None:
    process("pipeline").storage.write("ledger/1.json", b"{}")

    with pytest.raises(UnreachableError, match="AccessDenied"):
        process("server").storage.read("ledger/1.json")


def test_no_key_of_this_machine_is_in_play(keys: dict[str, dict[str, str]]) -> None:
    assert all(found["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull for found in keys.values())
