"""`mlsystem status`, `run`, `approve`, `rollback` and `logs` against a real API server, with Argo's controller."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from engines.kubectl import Cluster, Object
from engines.processes import Processes
from object_store import object_store
from pipeline import CONTRACT, card
from running_systems import compiled_in

from mlsystem_runtime.contract.ledger import ProposalOpened, VersionRegistered, open_ledger
from mlsystem_runtime.contract.workspace import Workspace, write_struct

NAMESPACE, SYSTEM, BUCKET = "commands", "seattle-weather", "s3://models/weather"
ENDED = ("Succeeded", "Failed", "Error")
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Staging:
    """All objects are there, as an apply from another machine leaves them; nothing was ever run."""

    folder: Path
    cluster: Cluster
    store: Mapping[str, str]

    def run(self, command: str, *arguments: str) -> Done:
        environment = {**self.cluster.environment, **self.store, "MLSYSTEM_MIRROR": str(self.folder / "mirror")}
        line = [sys.executable, "-m", "mlsystem.cli.main", command, "-e", "staging", *arguments]
        return subprocess.run(
            line, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def said(self, command: str, *arguments: str) -> str:
        done = self.run(command, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def status(self) -> Any:
        return json.loads(self.said("status", "--format", "json"))

    def ended(self) -> Object:
        """The only run, at its end."""
        [one] = self.cluster.find("workflows", NAMESPACE)
        return self.cluster.wait_for(
            "workflow", one["metadata"]["name"], lambda found: found.get("status", {}).get("phase") in ENDED,
            NAMESPACE, seconds=180,
        )  # fmt: skip


@pytest.fixture
def staging(
    cluster: Cluster, argo: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Staging]:
    del argo
    inside = compiled_in(tmp_path, workspace=BUCKET, namespace={"name": NAMESPACE}).cluster
    assert inside is not None
    cluster.namespace(NAMESPACE)
    cluster.apply(*(one.body for one in inside.objects))
    with object_store() as store:
        for name, value in store.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("MLSYSTEM_MIRROR", str(tmp_path / "mine"))
        place = {"LocationConstraint": store["AWS_DEFAULT_REGION"]}
        boto3.client("s3").create_bucket(Bucket="models", CreateBucketConfiguration=place)
        yield Staging(tmp_path, cluster, store)
    cluster.delete("namespace", NAMESPACE)


def version(workspace: Workspace, number: int) -> None:
    made = workspace.path("made", str(number))
    made.mkdir(parents=True)
    write_struct(made / "model.json", card(CONTRACT))
    workspace.storage.publish(made, f"models/main/{number}")
    open_ledger(workspace).append(VersionRegistered("main", number, "accepted", "r", "d", (), ()))


def test_what_runs_is_seen_run_again_decided_on_and_rolled_back(staging: Staging, cluster: Cluster) -> None:
    workspace = Workspace(BUCKET)
    version(workspace, 1)
    version(workspace, 2)
    open_ledger(workspace).append(ProposalOpened("p2", "promote", "main", "better", "e", 2))

    cluster.eventually(lambda: staging.status()["models"][0]["replicas"]["ready"] == 2, "two servers", seconds=60)
    submitted = staging.said("run", "ingest.weather")
    nodes = staging.ended()["status"]["nodes"].values()
    approved = staging.said("approve")
    one = staging.status()

    assert "is submitted; to watch it: mlsystem status -e staging" in submitted
    assert {node["displayName"] for node in nodes if node["type"] == "Retry"} >= {"begin", "ingest-weather"}
    assert not [node for node in nodes if node["displayName"].startswith("train")]
    assert "version 2 of main answers" in approved
    assert (one["workflow"]["outcome"], one["workflow"]["entrypoint"]) == ("done", "chosen")
    assert one["models"][0]["model"]["shares"] == [{"version": 2, "share": 1.0}]
    assert [found["version"] for found in one["models"][0]["model"]["versions"]] == [2, 1]
    assert one["models"][0]["scaler"]["minimum"] == 2

    assert "version 1 of main answers" in staging.said("rollback", "--to", "1")
    held = cluster.get("configmap", f"{SYSTEM}-release", NAMESPACE)["data"]["release.json"]
    assert json.loads(held)["models"]["main"]["shares"] == [{"version": 1, "share": 1.0}]
    assert staging.run("logs", "sever").returncode == 1
    assert "for one machine" in staging.run("replay", "--from", "2020-01-01", "--to", "2020-01-02").stderr
