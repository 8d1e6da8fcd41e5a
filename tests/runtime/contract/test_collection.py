"""What `collect` removes from a workspace, and what it must not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlsystem_runtime.contract.attempts import attempt_name, attempting, place
from mlsystem_runtime.contract.collection import KEPT_OUTPUTS, KEPT_RUNS, collect
from mlsystem_runtime.contract.ledger import FileLedger, RunFinished, RunStarted
from mlsystem_runtime.contract.workspace import StepRecord, Workspace, write_struct

HOUR_S = 3600


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(str(tmp_path))


def put_out(workspace: Workspace, step: str, key: str, hours_ago: float) -> Path:
    folder = workspace.path("steps", step, key)
    folder.mkdir(parents=True)
    (folder / "result.json").write_text("{}")
    return aged(folder, hours_ago)


def use(workspace: Workspace, run_id: str, step: str, key: str, hours_ago: float) -> None:
    record = StepRecord(
        step=step, key=key, status="done", output=f"steps/{step}/{key}", digests={}, facts={}, summary="", seconds=0.0
    )
    write_struct(workspace.record(run_id, step), record)
    aged(workspace.record(run_id, step), hours_ago)
    aged(workspace.path("runs", run_id), hours_ago)


def aged(path: Path, hours: float) -> Path:
    then = time.time() - hours * HOUR_S
    os.utime(path, (then, then))
    return path


def names(workspace: Workspace, *parts: str) -> set[str]:
    return {path.name for path in workspace.path(*parts).iterdir()}


def test_the_outputs_of_a_step_that_were_used_last_stay(workspace: Workspace) -> None:
    for hours in range(2, 9):
        put_out(workspace, "train.main", f"key{hours}", hours)
    use(workspace, "run", "train.main", "key8", 1.5)

    assert collect(workspace) == 7 - KEPT_OUTPUTS

    assert names(workspace, "steps", "train.main") == {"key8", "key2", "key3"}


def test_what_a_run_has_used_stays_until_the_run_has_ended(workspace: Workspace) -> None:
    """A training of hours reads, at its end, what was ingested when it began; refreshes go on ingesting."""
    ledger = FileLedger(workspace.ledger)
    ledger.append(RunStarted("training", "schedule"))
    put_out(workspace, "ingest.flights", "first", 9)
    use(workspace, "training", "ingest.flights", "first", 9)
    for hours in range(2, 7):
        put_out(workspace, "ingest.flights", f"later{hours}", hours)

    collect(workspace)
    assert "first" in names(workspace, "steps", "ingest.flights")

    ledger.append(RunFinished("training", "done", ""))
    put_out(workspace, "ingest.flights", "last", 1.5)
    collect(workspace)
    assert "first" not in names(workspace, "steps", "ingest.flights")


def test_what_is_young_may_be_of_a_run_under_way_and_stays_however_many_there_are(workspace: Workspace) -> None:
    for number in range(10):
        put_out(workspace, "ingest.flights", f"key{number}", 0.5)

    assert collect(workspace) == 0


def test_old_runs_go_but_not_the_last_one_that_a_step_was_part_of(workspace: Workspace) -> None:
    use(workspace, "oldest", "evaluate.main", "key", 500)
    use(workspace, "old", "train.main", "key", 400)
    for number in range(KEPT_RUNS):
        use(workspace, f"run{number}", "train.main", "key", 2 + number)

    collect(workspace)

    assert names(workspace, "runs") == {"oldest", *(f"run{number}" for number in range(KEPT_RUNS))}


def test_the_attempt_of_a_process_that_died_here_goes_and_that_of_a_live_one_stays(workspace: Workspace) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for pid in (ended.pid, os.getpid()):
        workspace.path("steps", "train.main", f".key.{place()}.{pid}.abcd").mkdir(parents=True)

    collect(workspace)

    assert names(workspace, "steps", "train.main") == {f".key.{place()}.{os.getpid()}.abcd"}


def test_the_attempt_of_another_pod_goes_when_nobody_has_touched_it_for_long_whatever_its_pid(
    workspace: Workspace,
) -> None:
    for pod, hours in (("pod-a", 0.5), ("pod-b", 1.5)):
        folder = workspace.path("steps", "train.main", f".key.{pod}.{os.getpid()}.abcd")
        folder.mkdir(parents=True)
        aged(folder, hours)

    assert collect(workspace) == 1

    assert names(workspace, "steps", "train.main") == {f".key.pod-a.{os.getpid()}.abcd"}


def test_another_process_under_the_pid_of_a_dead_one_keeps_its_attempt_for_a_week_only(workspace: Workspace) -> None:
    folder = workspace.path("steps", "train.main", f".key.{place()}.{os.getpid()}.abcd")
    folder.mkdir(parents=True)
    aged(folder, 24 * 8)

    assert collect(workspace) == 1


def test_whoever_works_in_an_attempt_touches_it_and_removes_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlsystem_runtime.contract.attempts.TOUCH_SECONDS", 0.01)
    folder = workspace.path("steps", "train.main", attempt_name("key"))

    with attempting(folder):
        aged(folder, 24 * 8)
        before, deadline = time.time() - 24 * HOUR_S, time.monotonic() + 10
        while folder.stat().st_mtime < before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert collect(workspace) == 0

    assert not folder.exists()


def test_checkpoints_wait_a_week_for_their_step_to_go_on(workspace: Workspace) -> None:
    for name, hours in (("lost", 24 * 8), ("waits", 24 * 6)):
        folder = workspace.path("scratch", "train.main", name)
        folder.mkdir(parents=True)
        aged(folder, hours)

    collect(workspace)

    assert names(workspace, "scratch", "train.main") == {"waits"}


def test_registered_versions_and_everything_else_stay(workspace: Workspace) -> None:
    kept = [workspace.version("main", 1), workspace.path("monitor"), workspace.path("predictions", "main")]
    for path in kept:
        path.mkdir(parents=True)
        aged(path, 10_000)

    assert collect(workspace) == 0
    assert all(path.is_dir() for path in kept)


def test_a_record_that_cannot_be_read_uses_nothing_and_stops_nothing(workspace: Workspace) -> None:
    for hours in range(2, 8):
        put_out(workspace, "train.main", f"key{hours}", hours)
    workspace.path("runs", "run").mkdir(parents=True)
    workspace.record("run", "train.main").write_text("{")

    assert collect(workspace) == 6 - KEPT_OUTPUTS


def test_whatever_another_process_removes_at_whichever_moment_stops_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks_left = 0

    def foreseen(look: Callable[..., Any]) -> Callable[..., Any]:
        def looked(path: Path, *arguments: Any, **options: Any) -> Any:
            nonlocal looks_left
            looks_left -= 1
            if looks_left == 0:
                removed = workspace.path(*path.relative_to(workspace.root).parts[:2])
                shutil.rmtree(removed, ignore_errors=True)
            return look(path, *arguments, **options)

        return looked

    for name in ("stat", "iterdir", "read_bytes"):
        monkeypatch.setattr(Path, name, foreseen(getattr(Path, name)))
    moment = 0
    while looks_left <= 0:
        for run in ("first", "second"):
            use(workspace, run, "train.main", "key", 2)
        for name in ("steps", "scratch"):
            workspace.path(name, "train.main", "key").mkdir(parents=True, exist_ok=True)
        moment += 1
        looks_left = moment
        collect(workspace)

    assert moment > 10
