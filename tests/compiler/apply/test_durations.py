"""How long steps took is read from their records; a workspace out of reach is no failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlsystem.apply.durations import durations_in
from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.workspace import StepRecord, Workspace, write_struct


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(str(tmp_path))


def ran(workspace: Workspace, run: str, step: str, order: int, took: float, **facts: Any) -> None:
    path = workspace.record(run, step)
    path.parent.mkdir(parents=True, exist_ok=True)
    record = StepRecord(
        step=step, key="k", status="done", output="steps/x", digests={}, facts=facts, summary="", seconds=took,
        order=order,
    )  # fmt: skip
    write_struct(path, record)


def test_the_newest_record_of_a_step_counts(workspace: Workspace) -> None:
    ran(workspace, "20260101T000000-aaaaaa", "ingest.flights", 1, 12.5)
    ran(workspace, "20260102T000000-aaaaaa", "ingest.flights", 2, 3.5)

    assert durations_in(lambda: workspace, ["ingest.flights"]) == ({"ingest.flights": 3.5}, "")


def test_a_training_took_as_long_as_it_worked_though_its_output_stood_since(workspace: Workspace) -> None:
    ran(workspace, "20260102T000000-aaaaaa", "train.main", 2, 0.4, seconds=1440.5)

    assert durations_in(lambda: workspace, ["train.main"])[0] == {"train.main": 1440.5}


def test_what_never_ran_is_not_there(workspace: Workspace) -> None:
    assert durations_in(lambda: workspace, ["train.main"]) == ({}, "")


def test_a_workspace_that_cannot_be_asked_says_why() -> None:
    def closed() -> Workspace:
        raise MlsystemError("the bucket cannot be listed", "is the network there?")

    assert durations_in(closed, ["train.main"]) == ({}, "the bucket cannot be listed")
