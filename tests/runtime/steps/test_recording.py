"""What a run in a cluster writes down: read here as `status` and the monitor read it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlsystem_runtime.contract.bucket import Listed, UnreachableError
from mlsystem_runtime.contract.ledger import ProposalOpened, RunFinished, RunStarted, open_ledger
from mlsystem_runtime.contract.monitor_state import REFRESHES, Refreshes
from mlsystem_runtime.contract.names import MIRROR
from mlsystem_runtime.contract.run import (
    MonitorSection,
    OnlineStore,
    Refresh,
    RegisterStep,
    RunConfig,
    ServerSection,
    Step,
)
from mlsystem_runtime.contract.workspace import StepRecord, Workspace
from mlsystem_runtime.steps.recording import begin, described, end, propose

QUARTER_US = 15 * 60_000_000


def config(*steps: str) -> RunConfig:
    store = OnlineStore(type="sqlite")
    return RunConfig(
        format=1, system="flights", environment="staging", clock="wall",
        steps=tuple(Step(name=name, fingerprint="", reads=(), payload=payload(name)) for name in steps),
        server=ServerSection(clock="wall", online_store=store, threads=None, endpoints=()),
        monitor=MonitorSection(
            clock="wall", online_store=store, models=(), sources=(),
            refreshes=(Refresh(every_us=QUARTER_US, steps=("ingest.flights",)),),
        ),
    )  # fmt: skip


def payload(step: str) -> RegisterStep:
    return RegisterStep(model=step.partition(".")[2], experiment="flights", promote="release")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(str(tmp_path))


def events(workspace: Workspace) -> list[object]:
    return [entry.body for entry in open_ledger(workspace).entries()]


def put(workspace: Workspace, step: str, status: str) -> None:
    record = StepRecord(
        step=step, key="k", status=status, output="o", digests={}, facts={}, summary=f"{step} says", seconds=1.0
    )
    workspace.write(record, "runs", "run-1", f"{step}.json")


def test_a_beginning_is_written_once_though_its_pod_is_run_again(workspace: Workspace) -> None:
    begin(workspace, "run-1", "schedule 0 3 * * 1")
    begin(workspace, "run-1", "schedule 0 3 * * 1")

    assert events(workspace) == [RunStarted(run_id="run-1", reason="schedule 0 3 * * 1")]


def test_a_run_whose_steps_ended_well_is_done(workspace: Workspace) -> None:
    put(workspace, "register.delay", "done")

    end(config("register.delay"), workspace, "run-1", "all", "Succeeded", '"null"')
    end(config("register.delay"), workspace, "run-1", "all", "Succeeded", '"null"')

    assert events(workspace) == [RunFinished(run_id="run-1", outcome="done", detail="")]


def test_a_gate_that_said_no_ends_a_run_as_blocked_and_says_which(workspace: Workspace) -> None:
    put(workspace, "register.delay", "blocked")
    put(workspace, "register.rain", "done")

    end(config("register.delay", "register.rain"), workspace, "run-1", "model-delay", "Succeeded", '"null"')

    assert events(workspace) == [
        RunFinished(run_id="run-1", outcome="blocked", detail="register.delay: register.delay says")
    ]


def test_a_run_that_failed_says_what_argo_says_of_its_tasks(workspace: Workspace) -> None:
    failures = json.dumps(json.dumps([{"displayName": "train-delay", "message": "OOMKilled (exit code 137)"}]))

    end(config("train.delay"), workspace, "run-1", "all", "Failed", failures)

    assert events(workspace) == [
        RunFinished(run_id="run-1", outcome="failed", detail="train-delay: OOMKilled (exit code 137)")
    ]


@pytest.mark.parametrize("failures", ["", "null", '"null"', "[{}]", "{{workflow.failures}}"])
def test_a_failure_is_described_whatever_it_says(failures: str) -> None:
    assert described(failures)


def test_refreshes_are_counted_and_none_stands_in_the_ledger(workspace: Workspace) -> None:
    end(config(), workspace, "run-1", "refresh-15m", "Succeeded", "")
    well = workspace.read(Refreshes, REFRESHES).states["refresh-15m"]
    end(config(), workspace, "run-2", "refresh-15m", "Failed", "")
    failed = workspace.read(Refreshes, REFRESHES).states["refresh-15m"]

    assert events(workspace) == []
    assert (well.runs, well.failures, well.failure) == (1, 0, None)
    assert well.done_us == well.finished_us
    assert (failed.runs, failed.failures) == (2, 1)
    assert failed.failure is not None
    assert failed.done_us == well.done_us


def test_a_refresh_is_counted_once_though_its_pod_was_killed_after_it_had_written(workspace: Workspace) -> None:
    for run in ("run-1", "run-1", "run-2", "run-2"):
        end(config(), workspace, run, "refresh-15m", "Failed", "")

    state = workspace.read(Refreshes, REFRESHES).states["refresh-15m"]
    assert (state.runs, state.failures, state.run) == (2, 2, "run-2")


def test_refreshes_that_were_counted_without_their_run_are_counted_on(workspace: Workspace) -> None:
    workspace.path(REFRESHES).write_text(json.dumps({"states": {"refresh-15m": {
        "steps": ["ingest.flights"], "every_us": QUARTER_US, "runs": 7, "failures": 0, "started_us": None,
        "finished_us": 5, "failure": None, "done_us": 5,
    }}}))  # fmt: skip

    end(config(), workspace, "run-1", "refresh-15m", "Succeeded", "")

    assert workspace.read(Refreshes, REFRESHES).states["refresh-15m"].runs == 8


def test_a_schedule_opens_one_proposal_until_it_is_decided(workspace: Workspace) -> None:
    propose(workspace, "run-1", "delay", "schedule 0 3 * * 1")
    propose(workspace, "run-2", "delay", "schedule 0 3 * * 1")

    [opened] = events(workspace)
    assert isinstance(opened, ProposalOpened)
    assert (opened.kind, opened.model, opened.reason) == ("retrain", "delay", "schedule 0 3 * * 1")


def test_the_end_of_a_run_that_only_proposed_is_no_event(workspace: Workspace) -> None:
    end(config(), workspace, "run-1", "propose", "Succeeded", "")

    assert events(workspace) == []


def test_where_pods_share_a_disk_the_end_of_a_run_removes_what_nobody_needs(workspace: Workspace) -> None:
    left = workspace.path("steps", "train.delay", ".key.pod-of-yesterday.1.abcd")
    left.mkdir(parents=True)
    os.utime(left, (0, 0))

    end(config(), workspace, "run-1", "refresh-15m", "Succeeded", "")

    assert not left.exists()


def test_a_disk_that_cannot_be_tidied_makes_no_end_fail(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace.ledger.mkdir(parents=True)

    end(config(), workspace, "run-1", "refresh-15m", "Succeeded", "")

    assert workspace.read(Refreshes, REFRESHES).states["refresh-15m"].runs == 1
    assert "stays for now" in capsys.readouterr().err


def test_a_bucket_that_cannot_be_tidied_makes_no_end_fail_and_counts_no_refresh_twice(
    bucket_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(MIRROR, str(tmp_path))
    workspace = Workspace(bucket_uri)
    assert workspace.bucket is not None

    def out_of_reach(*_: object) -> Iterator[Listed]:
        raise UnreachableError("the bucket does not answer")

    monkeypatch.setattr(workspace.bucket, "listing", out_of_reach)
    end(config(), workspace, "run-1", "refresh-15m", "Succeeded", "")

    assert workspace.read(Refreshes, REFRESHES).states["refresh-15m"].runs == 1
    assert "stays for now: the bucket does not answer" in capsys.readouterr().err


def test_failures_are_told_in_one_order_and_without_the_run_that_has_no_message() -> None:
    failures = [("one", ""), ("train(0)", "main: Error (exit code 1)"), ("ingest", "no such file")]
    given = json.dumps(json.dumps([{"displayName": name, "message": message} for name, message in failures]))

    assert described(given) == "ingest: no such file; train(0): main: Error (exit code 1)"
    assert described(json.dumps([{"displayName": "one", "message": ""}])) == "it ended without saying why"
