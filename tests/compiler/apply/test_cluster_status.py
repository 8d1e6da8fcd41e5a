"""What `mlsystem status` says of an environment in a cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from running_systems import NAMESPACE, SERVER, api_of, compiled_in, deployment, environment_in, running_in, workflows

from mlsystem.apply.cluster_api import MemoryApi, Reference
from mlsystem.apply.cluster_status import cluster_status, cluster_status_json, cluster_status_text
from mlsystem.apply.reach import workspace_from_here
from mlsystem.apply.running import Running
from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.ledger import ProposalOpened, RunStarted, VersionRegistered, open_ledger
from mlsystem_runtime.contract.release import ModelRelease, Release, Share
from mlsystem_runtime.contract.release_store import FileReleaseStore
from mlsystem_runtime.contract.workspace import StepRecord, Workspace


@pytest.fixture
def running(tmp_path: Path) -> Running:
    """Two replicas, of which one waits, and version 3 answers."""
    one = running_in(tmp_path)
    one.releases.write(Release(1, {"main": ModelRelease("salt", (Share(3, 1.0),))}), one.releases.read().token)
    deployment(one)["spec"]["replicas"] = 2
    deployment(one)["status"] = {"readyReplicas": 1, "updatedReplicas": 2}
    scaler = Reference("autoscaling/v2", "HorizontalPodAutoscaler", SERVER, NAMESPACE)
    api_of(one).objects[scaler]["status"] = {"currentReplicas": 2, "desiredReplicas": 4}
    return one


def text(running: Running) -> str:
    return cluster_status_text(cluster_status(running))


def test_it_says_what_was_applied_what_answers_and_how_many(running: Running) -> None:
    said = text(running)

    assert said.startswith("seattle-weather in staging, serial 1: ")
    assert "monitor 0/1" in said
    assert "version 3 answers 100%" in said
    assert f"Deployment {SERVER}: 1/2 ready\n" in said
    assert "scaled to 2 of 2 to 10, on the way to 4" in said


OF_KNATIVE: dict[str, Any] = {
    "workspace": "s3://models/seattle", "platform": {"argo_workflows": True, "knative": True},
    "override": {"serving": {"scaling": {"controller": "knative"}}},
}  # fmt: skip
KNATIVE = "seattle-weather-main-knative"


@pytest.fixture
def of_knative(tmp_path: Path) -> Running:
    """Revision 2 was made after 1, which answers still; of its three pods one is ready."""
    one = running_in(tmp_path, **OF_KNATIVE)
    api = "serving.knative.dev/v1"
    missing = {"type": "ConfigurationsReady", "status": "Unknown", "reason": "Deploying", "message": "1 of 3 ready"}
    service = api_of(one).objects[Reference(api, "Service", KNATIVE, NAMESPACE)]
    service["status"] = {
        "latestCreatedRevisionName": f"{KNATIVE}-00002", "latestReadyRevisionName": f"{KNATIVE}-00001",
        "conditions": [{"type": "RoutesReady", "status": "True"}, missing, {**missing, "type": "Ready"}],
    }  # fmt: skip
    revision = {"metadata": {"name": f"{KNATIVE}-00002"}, "status": {"actualReplicas": 1, "desiredReplicas": 3}}
    api_of(one).objects[Reference(api, "Revision", f"{KNATIVE}-00002", NAMESPACE)] = revision
    return one


def test_a_server_of_knative_is_its_last_revision(of_knative: Running) -> None:
    said = text(of_knative)

    assert f"Knative Service {KNATIVE}: 1/3 ready, 3 not yet as declared last\n" in said
    assert "    Deploying: 1 of 3 ready\n" in said
    assert "scaled to 1 of 2 to 10, on the way to 3" in said


def test_a_server_of_knative_that_nothing_was_made_of_yet_has_no_replicas(tmp_path: Path) -> None:
    assert f"Knative Service {KNATIVE}: 0/0 ready" in text(running_in(tmp_path, **OF_KNATIVE))


def test_it_says_that_there_is_no_server_of_knative(of_knative: Running) -> None:
    del api_of(of_knative).objects[Reference("serving.knative.dev/v1", "Service", KNATIVE, NAMESPACE)]

    assert "the cluster has no server of it" in text(of_knative)


def test_it_says_why_a_pod_is_not_ready(running: Running) -> None:
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    labels = running.cluster.labels("server", "main")
    pod = {"metadata": {"name": "p", "labels": labels}, "status": {"containerStatuses": [waiting]}}
    api_of(running).objects[Reference("v1", "Pod", "p", NAMESPACE)] = pod

    assert "    ImagePullBackOff: no such image\n" in text(running)


def test_it_shows_the_workflow_of_the_last_run_with_the_pods_that_failed(running: Running) -> None:
    workflow = workflows(running)[0]
    node = {"type": "Pod", "displayName": "train-main(0)", "phase": "Failed", "message": "OOMKilled (exit code 137)"}
    workflow["status"] = {"phase": "Failed", "progress": "3/9", "nodes": {"n": node}}
    later = {**workflow, "metadata": {**workflow["metadata"], "name": "later", "creationTimestamp": "2026-01-02"}}
    later["spec"] = {"entrypoint": "refresh-15m"}
    api_of(running).create(later)

    said = text(running)

    assert f"workflow {workflow['metadata']['name']}: failed, 3/9 tasks (apply, serial 1)" in said
    assert "  train-main(0): OOMKilled (exit code 137)" in said


def test_it_shows_what_the_ledger_knows_where_the_workspace_is_in_reach(running: Running) -> None:
    ledger, workspace = open_ledger(running.workspace), running.workspace
    workspace.version("main", 3).mkdir(parents=True)
    ledger.append(RunStarted("flights-1", "nightly"))
    ledger.append(VersionRegistered("main", 3, "accepted", "flights-1", "d", (), ()))
    ledger.append(ProposalOpened("p1", "retrain", "main", "drift", "e"))
    workspace.write(StepRecord("train.main", "k", "done", "o", {}, {}, "8 epochs", 2.0), "runs", "flights-1",
                    "train.main.json")  # fmt: skip

    said = text(running)

    assert "run flights-1: not finished (nightly)" in said
    assert "train.main  done          2.0 s  8 epochs" in said
    assert "version 3 accepted" in said
    assert "mlsystem approve p1 -e staging | mlsystem reject p1 -e staging" in said


def test_a_workspace_out_of_reach_costs_one_line_and_no_more(tmp_path: Path) -> None:
    status = cluster_status(running_in(tmp_path, in_reach=False))

    assert status.notes == (
        "versions, proposals and the monitor's findings are not shown: the bucket is too far away; go there",
    )
    assert json.loads(cluster_status_json(status))["serial"] == 1


def test_what_was_never_applied_has_no_status(tmp_path: Path) -> None:
    environment = environment_in(tmp_path, compiled_in(tmp_path), MemoryApi())
    workspace = Workspace(str(tmp_path / "bucket"))

    with pytest.raises(MlsystemError, match="nothing has been applied to staging yet"):
        cluster_status(Running(environment, FileReleaseStore(workspace), lambda: workspace))


def test_what_was_applied_from_another_machine_is_shown(tmp_path: Path) -> None:
    assert text(running_in(tmp_path, applied=False)).startswith("seattle-weather in staging, applied elsewhere: ")


def test_a_claim_is_out_of_reach_and_so_is_a_bucket_that_only_pods_find(tmp_path: Path) -> None:
    place: Any = {"endpoint": "http://objects:9000", "secret": "bucket"}
    claim = compiled_in(tmp_path).cluster
    bucket = compiled_in(tmp_path, workspace="s3://models/p", bucket=place).cluster
    assert claim is not None
    assert bucket is not None

    with pytest.raises(MlsystemError, match="claim seattle-weather-workspace, which only pods"):
        workspace_from_here(claim.cluster, {})
    with pytest.raises(MlsystemError, match="http://objects:9000 for pods"):
        workspace_from_here(bucket.cluster, {})
