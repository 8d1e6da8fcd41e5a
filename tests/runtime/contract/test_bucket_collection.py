"""What `collect_bucket` removes, and what it must not. Time is moved by telling it that it is later."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mlsystem_runtime.contract.bucket_collection import collect_bucket
from mlsystem_runtime.contract.collection import KEPT_OUTPUTS
from mlsystem_runtime.contract.ledger import RunFinished, RunStarted, open_ledger
from mlsystem_runtime.contract.names import MIRROR
from mlsystem_runtime.contract.workspace import StepRecord, Workspace

HOUR_S, DAY_S = 3600.0, 86400.0


@pytest.fixture
def workspace(bucket_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv(MIRROR, str(tmp_path / "mirror"))
    return Workspace(bucket_uri)


def publish(workspace: Workspace, folder: str) -> None:
    made = workspace.path(".made")
    made.mkdir(parents=True)
    (made / "result.json").write_text(folder)
    assert workspace.storage.publish(made, folder)


def use(workspace: Workspace, run_id: str, key: str) -> None:
    output = f"steps/train.main/{key}"
    record = StepRecord("train.main", key, "done", output, {}, {}, "", 0.0)
    workspace.write(record, "runs", run_id, "train.main.json")


def collect(workspace: Workspace, after_s: float) -> int:
    assert workspace.bucket is not None
    return collect_bucket(workspace.bucket, time.time() + after_s)


def test_outputs_that_were_used_last_stay_and_versions_always_do(workspace: Workspace) -> None:
    for number in range(KEPT_OUTPUTS + 2):
        publish(workspace, f"steps/train.main/key{number}")
    publish(workspace, "models/main/1")
    time.sleep(1.1)  # the store's clock knows seconds
    use(workspace, "run", "key0")

    assert collect(workspace, 0.0) == 0
    assert collect(workspace, 2 * HOUR_S) == 2

    left = workspace.storage.published("steps/train.main")
    assert "key0" in left
    assert len(left) == KEPT_OUTPUTS
    assert workspace.versions("main") == [1]


def test_files_of_an_attempt_that_was_killed_go_after_a_day_and_published_ones_stay(workspace: Workspace) -> None:
    bucket = workspace.bucket
    assert bucket is not None
    publish(workspace, "steps/train.main/key")
    bucket.put("steps/train.main/key/lost/model.safetensors", b"x")
    bucket.put("models/main/1/killed/model.json", b"x")

    assert collect(workspace, 2 * HOUR_S) == 0
    assert collect(workspace, 2 * DAY_S) == 2

    assert len(list(bucket.listing("steps/"))) == 2
    assert (workspace.storage.fetch("steps/train.main/key") / "result.json").exists()
    assert list(bucket.listing("models/")) == []


def test_runs_long_past_go_unless_they_hold_the_newest_record_of_a_step(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlsystem_runtime.contract.collection.KEPT_RUNS", 1)
    workspace.write(StepRecord("other", "k", "done", "o", {}, {}, "", 0.0), "runs", "first", "other.json")
    use(workspace, "second", "key")
    time.sleep(1.1)
    use(workspace, "third", "key")

    assert collect(workspace, 2 * HOUR_S) == 1

    assert workspace.storage.folders("runs") == ["first", "third"]


def test_checkpoints_wait_a_week_for_their_step(workspace: Workspace) -> None:
    assert workspace.bucket is not None
    workspace.bucket.put("scratch/train.main/key/latest.pt", b"x")

    assert collect(workspace, 6 * DAY_S) == 0
    assert collect(workspace, 8 * DAY_S) == 1


def test_attempts_beside_a_marker_that_cannot_be_read_wait_for_whoever_mends_it(workspace: Workspace) -> None:
    bucket = workspace.bucket
    assert bucket is not None
    publish(workspace, "models/main/1")
    bucket.put("models/main/1/published.json", b"{")

    assert collect(workspace, 2 * DAY_S) == 0
    assert len(list(bucket.listing("models/"))) == 2


def test_what_a_run_has_used_stays_until_the_run_has_ended(workspace: Workspace) -> None:
    ledger = open_ledger(workspace)
    ledger.append(RunStarted("training", "schedule"))
    publish(workspace, "steps/train.main/first")
    use(workspace, "training", "first")
    time.sleep(1.1)
    for number in range(KEPT_OUTPUTS):
        publish(workspace, f"steps/train.main/later{number}")

    assert collect(workspace, 2 * HOUR_S) == 1
    assert "first" in workspace.storage.published("steps/train.main")

    ledger.append(RunFinished("training", "done", ""))
    publish(workspace, "steps/train.main/last")
    assert collect(workspace, 2 * HOUR_S) == 1
    assert "first" not in workspace.storage.published("steps/train.main")
