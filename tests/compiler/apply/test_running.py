"""What one does with a running environment: look at it, run it again, decide, roll back, destroy."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
from pipeline import AIRPORT, CONTRACT, TRIP, card

from mlsystem.apply.decide import approve, decide, roll_back
from mlsystem.apply.environment import Environment, environment_of
from mlsystem.apply.events import StepEnds, nobody
from mlsystem.apply.rerun import rerun
from mlsystem.apply.status import status_json, status_of, status_text
from mlsystem.errors import MlsystemError
from mlsystem.state.journal import CarriedOver
from mlsystem.system.snapshot import Kind
from mlsystem_runtime.contract.features import AnyGroup
from mlsystem_runtime.contract.ledger import FileLedger, ProposalDecided, ProposalOpened, RunStarted, VersionRegistered
from mlsystem_runtime.contract.model import GateResult
from mlsystem_runtime.contract.release import read_release
from mlsystem_runtime.contract.releases import release_version
from mlsystem_runtime.contract.workspace import Workspace, write_struct


def events(environment: Environment) -> list[object]:
    return [entry.body for entry in FileLedger(environment.engine.workspace.ledger).entries()]


def test_status_says_what_runs_and_what_the_last_run_did(running):
    status = status_of(running.engine, running.applied())
    text = status_text(status)

    assert set(status.processes.values()) <= {"RUNNING", "STARTING"}
    assert f"endpoint http://127.0.0.1:{running.engine.port}" in text
    assert "train.main" in text
    assert "version 1 answers 100%" in text
    assert json.loads(status_json(status))["run"]["outcome"] == "done"


def test_status_shows_a_proposal_with_what_to_type(running):
    FileLedger(running.engine.workspace.ledger).append(proposal("p1"))

    assert running.plan().notes == ("Proposal p1 waits: retrain main, because drift.",)
    assert "mlsystem approve p1 | mlsystem reject p1" in status_text(status_of(running.engine, running.applied()))


def test_running_again_with_new_rows_leaves_the_plan_empty_where_all_was_run(running, data):
    (data / "data" / "weather.csv").write_text("time_hour\n2\n")
    seen: list[object] = []
    rerun(running, None, "nightly", seen.append)

    assert {one.step: one.status for one in seen if isinstance(one, StepEnds)}["ingest.flights"] == "unchanged"
    assert [one.reason for one in events(running) if isinstance(one, RunStarted)][-1] == "nightly"
    assert running.store.read().serial == 1
    assert running.plan().empty


def test_running_again_reads_what_was_applied_whatever_a_failed_apply_left(running):
    contract = running.engine.generated / "contract" / "run.json"
    applied = contract.read_text()
    contract.write_text("{}")
    rerun(running, ["train.main"], "nightly", nobody)

    assert contract.read_text() == applied


def test_a_rename_that_was_killed_is_noted_and_running_again_takes_it_back(running):
    running.store.journal.begin("plan", "run")
    running.store.journal.write(CarriedOver(kind=Kind.MODEL, old="main", new="late"))
    running.engine.carry_over(Kind.MODEL, "main", "late")
    noted = running.plan().notes
    rerun(running, None, "nightly", nobody)

    assert noted == (
        "An apply was stopped amid renames; the next one goes on, or takes them back: model.late is model.main again.",
    )
    assert running.engine.workspace.version("main", 1).is_dir()
    assert running.plan().notes == ()


def test_running_again_refuses_a_file_that_was_not_applied(running, small, compiled, changed):
    other = compiled(changed(small, ("models", "main", "training", "seed"), "8"))

    with pytest.raises(MlsystemError, match="not what was last applied"):
        rerun(Environment("dev", running.folder, running.store, running.engine, other), None, "x", nobody)


def test_a_step_that_does_not_exist_is_answered_with_those_that_do(running):
    with pytest.raises(MlsystemError, match=r"there is no step 'trian\.main'") as caught:
        rerun(running, ["trian.main"], "x", nobody)
    assert "train.main" in caught.value.hint


def proposal(name: str, kind: str = "retrain", version: int | None = None) -> ProposalOpened:
    return ProposalOpened(proposal=name, kind=kind, model="main", reason="drift", evidence="e", version=version)


def test_an_approved_retraining_is_run(running):
    FileLedger(running.engine.workspace.ledger).append(proposal("p1"))
    outcome = approve(running, None, nobody)
    decided = next(one for one in events(running) if isinstance(one, ProposalDecided))

    assert (decided.proposal, decided.decision, decided.evidence) == ("p1", "approved", "e")
    assert outcome.run_id is not None
    assert [one.reason for one in events(running) if isinstance(one, RunStarted)][-1] == "proposal p1: drift"


def test_an_approved_promotion_is_released(running):
    running.engine.workspace.version("main", 2).mkdir()
    FileLedger(running.engine.workspace.ledger).append(proposal("p2", "promote", 2))
    approve(running, "p2", nobody)

    assert status_of(running.engine, running.applied()).models[0].shares[0].version == 2
    assert running.plan().empty


def test_a_rejected_proposal_is_closed(running):
    FileLedger(running.engine.workspace.ledger).append(proposal("p1"))
    decide(running, "p1", "rejected")

    assert status_of(running.engine, running.applied()).proposals == ()


def register(workspace: Workspace, version: int, groups: tuple[AnyGroup, ...] = ()) -> None:
    """What a rollback needs of a version, whose model reads these groups."""
    write_struct(workspace.version("main", version) / "model.json", card(replace(CONTRACT, groups=groups)))


def test_a_rollback_leaves_the_plan_empty(running):
    workspace = running.engine.workspace
    for version in (1, 2):
        register(workspace, version)
    release_version(workspace, "main", 1, "first", "test")
    release_version(workspace, "main", 2, "second", "test")

    assert roll_back(running, None, None) == "version 1 of main answers (release 3)"
    assert running.plan().empty
    assert running.plan().notes[0].startswith("Model main was rolled back to version 1 by ")


def test_a_rejected_version_answers_only_when_that_is_asked_for(running):
    workspace = running.engine.workspace
    register(workspace, 2, groups=(AIRPORT, TRIP))
    gate = GateResult("roc_auc", "failed", passed=False, value=0.48, bound=0.6, detail="0.48 is below 0.6")
    FileLedger(workspace.ledger).append(
        VersionRegistered(model="main", version=2, status="rejected", run_id="r", digest="d", metrics=(), gates=(gate,))
    )

    with pytest.raises(
        MlsystemError, match=r"version 2 of 'main' was rejected: gate roc_auc: 0\.48 is below"
    ) as caught:
        roll_back(running, None, 2)
    assert caught.value.hint.endswith("mlsystem rollback main --to 2 --yes -e dev")
    assert read_release(workspace.release).models["main"].champion == 1
    answer = "version 2 of main answers (release 2); nothing keeps airport fresh any more"
    assert roll_back(running, None, 2, rejected=True) == answer


def test_a_log_is_found_by_the_name_of_its_step(running):
    assert running.engine.log_of("train.main").read_text() == "train.main runs\n"
    assert running.engine.log_of("server").name == "server.log"


def test_destroy_says_what_it_takes_and_takes_it(running):
    lost = running.lost()
    running.destroy(nobody)

    assert lost[0] == "the model registry of dev and 1 version of 1 model in it will be deleted"
    assert running.store.read() is None
    with pytest.raises(MlsystemError, match="nothing has been applied"):
        running.applied()


def test_a_chosen_port_outlives_the_manifest_and_not_a_destroy(running, data, small, compiled, changed):
    spec = data / "mlsystem.yaml"
    manifest = running.applied()
    outputs = replace(manifest.outputs, port=7777)
    running.store.commit(replace(manifest, serial=manifest.serial + 1, outputs=outputs))
    running.store.path.unlink()
    other = compiled(changed(small, ("environments", "dev", "port"), "9999"))

    assert environment_of(running.compiled, spec, {}).engine.port == 7777
    assert environment_of(other, spec, {}).engine.port == 9999
    running.destroy(nobody)
    assert environment_of(running.compiled, spec, {}).engine.port == running.compiled.system.local.port


def test_a_port_chosen_once_stays_until_the_file_declares_another(running, data, small, compiled, changed):
    spec = data / "mlsystem.yaml"
    manifest = running.applied()
    other = compiled(changed(small, ("environments", "dev", "port"), "9999"))

    assert environment_of(running.compiled, spec, {}).engine.port == manifest.outputs.port
    assert environment_of(running.compiled, spec, {}, port=7777).engine.port == 7777
    assert environment_of(other, spec, {}).engine.port == 9999
