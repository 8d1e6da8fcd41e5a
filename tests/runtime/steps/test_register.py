"""From a trained model to a version that answers, or one that is kept and does not."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from fake_api_server import fake_api_server
from learning import MODEL, SMALL, Learning
from msgspec.structs import replace

from mlsystem_runtime.contract.api_server import ApiServer
from mlsystem_runtime.contract.configmap_release import ConfigMapReleaseStore
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import AnyEvent, FileLedger, ProposalOpened, Released, VersionRegistered
from mlsystem_runtime.contract.names import PROPOSES
from mlsystem_runtime.contract.proposals import decide
from mlsystem_runtime.contract.release import read_release
from mlsystem_runtime.contract.releases import find_proposal, release_version, rollback
from mlsystem_runtime.contract.run import Gate
from mlsystem_runtime.evaluate.champion import champion_version
from mlsystem_runtime.registry import tracking
from mlsystem_runtime.registry.card import read_card
from mlsystem_runtime.steps import register
from mlsystem_runtime.steps.base import run_step

IMPOSSIBLE = (Gate(metric="roc_auc", at_least=1.01),)


@pytest.fixture(autouse=True)
def untracked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow costs seconds, so only the tests about it write to it."""
    if "tracked" not in request.keywords:
        monkeypatch.setattr(register, "track", lambda *_args, **_values: None)


def events(learning: Learning) -> list[AnyEvent]:
    return [entry.body for entry in FileLedger(learning.workspace.ledger).entries()]


def answering(learning: Learning) -> int | None:
    release = read_release(learning.workspace.release).models.get(MODEL)
    return None if release is None else release.champion


def test_the_first_version_answers_once_its_gates_passed(tmp_path: Path) -> None:
    learning = Learning(tmp_path, gates=(Gate(metric="roc_auc", at_least=0.5),))

    record = learning.run_all()

    registered, released = events(learning)
    assert record.status == "done"
    assert answering(learning) == 1
    assert isinstance(registered, VersionRegistered)
    assert (registered.status, registered.version) == ("accepted", 1)
    assert isinstance(released, Released)
    assert released.shares[0].version == 1


def test_a_version_directory_says_everything_of_itself(tmp_path: Path) -> None:
    learning = Learning(tmp_path)
    learning.run_all()

    folder = learning.workspace.version(MODEL, 1)
    card = read_card(folder)
    files = {path.name for path in folder.iterdir()}
    assert files == {
        "model.safetensors", "model.onnx", "model.json", "split.json", "recorded.json", "evaluation.json",
        "registration.json",
    }
    assert card.version == 1
    assert [one.metric for one in card.metrics] == ["roc_auc", "log_loss"]


def test_a_failed_gate_keeps_the_version_as_rejected_and_the_old_one_answering(tmp_path: Path) -> None:
    Learning(tmp_path).run_all()
    learning = Learning(tmp_path, gates=IMPOSSIBLE, seed=8)

    record = learning.run_all("run-2")

    last = events(learning)[-1]
    assert record.status == "blocked"
    assert answering(learning) == 1
    assert isinstance(last, VersionRegistered)
    assert (last.version, last.status) == (2, "rejected")


def test_nothing_is_registered_again_while_no_input_changes(tmp_path: Path) -> None:
    learning = Learning(tmp_path, gates=IMPOSSIBLE)
    learning.run_all()

    record = learning.run_all("run-2")

    assert record.status == "blocked"
    assert len(events(learning)) == 1


def test_killed_before_its_result_is_published_it_makes_no_second_version(tmp_path: Path) -> None:
    learning = Learning(tmp_path)
    record = learning.run_all()
    (learning.output(record) / "result.json").unlink()
    learning.output(record).rmdir()

    learning.run("register")

    assert [path.name for path in (tmp_path / "models" / MODEL).iterdir() if path.name != ".lock"] == ["1"]
    assert len(events(learning)) == 2


def test_killed_before_the_ledger_was_written_it_enters_what_it_made(tmp_path: Path) -> None:
    learning = Learning(tmp_path)
    record = learning.run_all()
    (learning.output(record) / "result.json").unlink()
    learning.output(record).rmdir()
    learning.workspace.ledger.unlink()

    learning.run("register")

    assert [type(event) for event in events(learning)] == [VersionRegistered, Released]


def test_a_model_that_was_deleted_and_comes_back_is_entered_anew(tmp_path: Path) -> None:
    Learning(tmp_path).run_all()
    shutil.rmtree(tmp_path / "models")
    learning = Learning(tmp_path, seed=8)

    learning.run_all("run-2")

    entered = [one for one in events(learning) if isinstance(one, VersionRegistered)]
    assert [(one.version, one.run_id) for one in entered] == [(1, "run-1"), (1, "run-2")]


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / "models" / MODEL / ".new-1"
    left.mkdir(parents=True)
    (left / "model.json").write_text("torn")

    Learning(tmp_path).run_all()

    assert not left.exists()
    assert read_card(tmp_path / "models" / MODEL / "1").version == 1


def test_a_version_of_a_run_that_a_person_started_is_released_at_once(tmp_path: Path) -> None:
    learning = Learning(tmp_path, promote="propose")

    learning.run_all()

    assert answering(learning) == 1


def test_a_version_that_waits_for_a_person_is_a_proposal_bound_to_its_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PROPOSES, "1")
    learning = Learning(tmp_path, promote="propose")

    learning.run_all()

    proposal = events(learning)[-1]
    assert answering(learning) is None
    assert isinstance(proposal, ProposalOpened)
    assert (proposal.kind, proposal.version) == ("promote", 1)
    assert len(proposal.evidence) == 32


def test_going_back_to_an_earlier_spec_lets_its_version_answer_again(tmp_path: Path) -> None:
    first, second = Learning(tmp_path), Learning(tmp_path, seed=8)
    first.run_all()
    second.run_all("run-2")
    before = answering(first)

    first.run_all("run-3")

    assert (before, answering(first)) == (2, 1)


def proposed_then_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Learning, str]:
    """Version 1 answers, version 2 is proposed by a run of the system; what proposes it, and the proposal's name."""
    Learning(folder).run_all()
    monkeypatch.setenv(PROPOSES, "1")
    learning = Learning(folder, promote="propose", seed=8)
    learning.run_all("run-2")
    monkeypatch.delenv(PROPOSES)
    proposal = events(learning)[-1]
    assert isinstance(proposal, ProposalOpened)
    return learning, proposal.proposal


def test_going_back_to_what_a_person_approved_lets_it_answer_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learning, name = proposed_then_replaced(tmp_path, monkeypatch)
    ledger = FileLedger(learning.workspace.ledger)
    decide(ledger, name, "approved", find_proposal(ledger, name).evidence, "me")
    release_version(learning.workspace, MODEL, 2, f"proposal {name}", "me")
    Learning(tmp_path, seed=9).run_all("run-3")
    before = answering(learning)

    learning.run_all("run-4")

    assert (before, answering(learning)) == (3, 2)


@pytest.mark.parametrize("decided", [True, False])
def test_going_back_to_what_nobody_approved_leaves_the_release_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decided: bool
) -> None:
    learning, name = proposed_then_replaced(tmp_path, monkeypatch)
    ledger = FileLedger(learning.workspace.ledger)
    if decided:
        decide(ledger, name, "rejected", find_proposal(ledger, name).evidence, "me")
    Learning(tmp_path, seed=9).run_all("run-3")

    learning.run_all("run-4")

    assert answering(learning) == 3


def test_after_an_approval_a_run_that_changes_nothing_leaves_a_rollback_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learning, name = proposed_then_replaced(tmp_path, monkeypatch)
    ledger = FileLedger(learning.workspace.ledger)
    decide(ledger, name, "approved", find_proposal(ledger, name).evidence, "me")
    release_version(learning.workspace, MODEL, 2, f"proposal {name}", "me")
    rollback(learning.workspace, MODEL, None, "me")

    learning.run_all("run-3")

    assert answering(learning) == 1


def test_after_a_rollback_a_run_that_changes_nothing_leaves_the_release_alone(tmp_path: Path) -> None:
    second = Learning(tmp_path, seed=8)
    Learning(tmp_path).run_all()
    second.run_all("run-2")
    rollback(second.workspace, MODEL, None, "me")

    second.run_all("run-3")

    assert answering(second) == 1


def test_a_version_that_was_rejected_is_not_released_by_going_back_to_it(tmp_path: Path) -> None:
    rejected = Learning(tmp_path, gates=IMPOSSIBLE)
    rejected.run_all()
    Learning(tmp_path, seed=8).run_all("run-2")

    rejected.run_all("run-3")

    assert answering(rejected) == 2


@pytest.mark.slow
@pytest.mark.tracked
def test_mlflow_holds_parameters_metrics_and_lineage_once(tmp_path: Path) -> None:
    learning = Learning(tmp_path, slices=("carrier",), parameters=replace(SMALL, epochs=1))
    record = learning.run_all()
    (learning.output(record) / "result.json").unlink()
    learning.output(record).rmdir()
    learning.run("register")

    with sqlite3.connect(tmp_path / "mlflow.db") as store:
        metrics = {name for (name,) in store.execute("select key from metrics")}
        params = dict(store.execute("select key, value from params"))
        tags = dict(store.execute("select key, value from tags"))
        runs = list(store.execute("select count(*) from runs"))
    store.close()
    card = read_card(learning.workspace.version(MODEL, 1))
    assert runs == [(1,)]
    assert {"roc_auc", "log_loss", "roc_auc/carrier/UA"} <= metrics
    assert (params["learning_rate"], params["split.test"]) == ("0.01", "0.15")
    assert tags["mlsystem.dataset"] == card.lineage.dataset
    assert tags.get("mlflow.source.git.commit") == card.lineage.code


@pytest.mark.tracked
def test_a_tracking_store_that_fails_costs_a_warning_not_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:
    def unreachable(*_args: object) -> str:
        raise MlsystemError("MLflow could not record version 1")

    monkeypatch.setattr(tracking, "track", unreachable)

    record = Learning(tmp_path).run_all()

    assert record.facts["mlflow_run"] is None
    assert answering(Learning(tmp_path)) == 1
    assert "could not record" in caplog.text


def test_in_a_cluster_the_release_is_where_the_process_was_told(tmp_path: Path) -> None:
    learning = Learning(tmp_path)
    learning.prepare()
    with fake_api_server() as api:
        store = ConfigMapReleaseStore(ApiServer(api.url), "prod", "flights-release", {})
        for kind in ("train", "evaluate", "register"):
            run_step(learning.config(), f"{kind}.{MODEL}", learning.workspace, "run-1", store)

        assert store.read().release.models[MODEL].champion == 1
        assert champion_version(store, MODEL) == 1
    assert answering(learning) is None
    assert [type(event) for event in events(learning)] == [VersionRegistered, Released]
