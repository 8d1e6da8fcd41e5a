"""What a workspace holds for a node goes on under its new name."""

from __future__ import annotations

import pytest

from mlsystem.apply.rename import rename_in_workspace
from mlsystem.plan.carried import renamed_step
from mlsystem.system.snapshot import Kind
from mlsystem_runtime.contract.ledger import (
    FileLedger,
    ProposalDecided,
    ProposalOpened,
    Released,
    VersionRegistered,
    open_proposals,
)
from mlsystem_runtime.contract.release import Share
from mlsystem_runtime.contract.releases import previous_version, release_version
from mlsystem_runtime.contract.workspace import StepRecord, Workspace, read_struct, write_struct


@pytest.fixture
def workspace(tmp_path):
    return Workspace(str(tmp_path))


@pytest.fixture
def ledger(workspace):
    ledger = FileLedger(workspace.ledger)
    for version in (1, 2):
        ledger.append(
            VersionRegistered(
                model="main", version=version, status="accepted", run_id="r", digest="d", metrics=(), gates=()
            )
        )
        shares = (Share(version=version, share=1.0),)
        ledger.append(Released(model="main", shares=shares, serial=version, reason="gates", by="r"))
    for name in ("p1", "p2"):
        ledger.append(ProposalOpened(proposal=name, kind="retrain", model="main", reason="drift", evidence="e"))
    ledger.append(ProposalDecided(proposal="p1", decision="rejected", evidence="e", by="me"))
    return ledger


@pytest.mark.parametrize(
    ("step", "after"),
    [
        ("train.main", "train.late"),
        ("train.other", "train.other"),
        ("ingest.main", "ingest.main"),
        ("materialize.main", "materialize.main"),
        ("materialize.history.main", "materialize.history.late"),
    ],
)
def test_a_step_follows_the_name_of_what_it_belongs_to(step, after):
    assert renamed_step(step, {"model.main": "late"}) == after


def test_the_history_of_a_model_counts_under_its_new_name_and_once(workspace, ledger):
    rename_in_workspace(workspace, Kind.MODEL, "main", "late")
    rename_in_workspace(workspace, Kind.MODEL, "main", "late")
    bodies = [entry.body for entry in ledger.entries()]

    assert [one.version for one in bodies if isinstance(one, VersionRegistered) and one.model == "late"] == [1, 2]
    assert previous_version(workspace, "late") == 1


def test_a_proposal_that_waits_is_for_the_renamed_model_and_a_decided_one_stays_decided(workspace, ledger):
    rename_in_workspace(workspace, Kind.MODEL, "main", "late")

    assert {name: one.model for name, one in open_proposals(ledger).items()} == {"p2": "late"}


def test_a_name_that_is_given_back_has_its_history_and_what_came_to_it_meanwhile(workspace, ledger):
    rename_in_workspace(workspace, Kind.MODEL, "main", "late")
    release_version(workspace, "late", version_of(workspace, "late", 3), "gates", "r")
    rename_in_workspace(workspace, Kind.MODEL, "late", "main")
    bodies = [entry.body for entry in ledger.entries()]

    released = [one.shares[0].version for one in bodies if isinstance(one, Released) and one.model == "main"]
    assert released == [1, 2, 3]
    assert {name: one.model for name, one in open_proposals(ledger).items()} == {"p2": "main"}
    assert workspace.version("main", 3).is_dir()


def version_of(workspace: Workspace, model: str, version: int) -> int:
    workspace.version(model, version).mkdir(parents=True)
    return version


def test_what_is_written_under_the_old_name_while_the_new_one_is_made_goes_along(workspace):
    for name, day in (("main", "1"), ("late", "2"), ("main", "2")):
        folder = workspace.path("predictions", name, day)
        folder.mkdir(parents=True)
        (folder / f"{name}.jsonl").touch()
    rename_in_workspace(workspace, Kind.MODEL, "main", "late")

    found = sorted(f"{path.parent.name}/{path.name}" for path in workspace.path("predictions").rglob("*.jsonl"))
    assert found == ["1/main.jsonl", "2/late.jsonl", "2/main.jsonl"]
    assert not workspace.path("predictions", "main").exists()


def test_a_step_s_output_and_the_records_of_runs_move_along(workspace):
    record = StepRecord(
        step="train.main", key="k", status="done", output="steps/train.main/k", digests={}, facts={}, summary="",
        seconds=1.0,
    )
    write_struct(workspace.path("steps", "train.main", "k", "result.json"), record)
    write_struct(workspace.record("run", "train.main"), record)
    rename_in_workspace(workspace, Kind.MODEL, "main", "late")

    moved = read_struct(workspace.record("run", "train.late"), StepRecord)
    assert (moved.step, moved.output) == ("train.late", "steps/train.late/k")
    assert read_struct(workspace.path(moved.output, "result.json"), StepRecord) == moved
    assert not workspace.record("run", "train.main").exists()
    assert not workspace.path("steps", "train.main").exists()
