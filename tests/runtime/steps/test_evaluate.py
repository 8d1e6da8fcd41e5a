"""The evaluate step: what is measured on the test part, and against whom."""

from __future__ import annotations

from pathlib import Path

import pytest
from learning import INPUTS, MODEL, SMALL, Learning, contract, dataset
from msgspec.structs import replace

from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.contract.features import ModelInput
from mlsystem_runtime.contract.run import EvaluateStep, Gate, Split
from mlsystem_runtime.contract.workspace import read_struct
from mlsystem_runtime.evaluate.evaluation import Evaluation
from mlsystem_runtime.steps import register
from mlsystem_runtime.steps.evaluate import label_identity

NO_WORSE = (Gate(metric="roc_auc", than="champion", worse_by_at_most=0.5),)


@pytest.fixture(autouse=True)
def untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "track", lambda *_args, **_values: None)


def evaluated(learning: Learning, run_id: str = "run-1") -> Evaluation:
    learning.prepare(run_id)
    learning.run("train", run_id)
    return read_struct(learning.output(learning.run("evaluate", run_id)) / "evaluation.json", Evaluation)


def test_metrics_are_over_the_test_part_and_each_slice_of_it(tmp_path: Path) -> None:
    evaluation = evaluated(Learning(tmp_path, slices=("carrier",)))

    overall = [one for one in evaluation.metrics if one.slice is None]
    by_carrier = [one for one in evaluation.metrics if one.slice is not None and one.metric == "roc_auc"]
    assert [(one.metric, one.rows) for one in overall] == [("roc_auc", 150), ("log_loss", 150)]
    assert sum(one.rows for one in by_carrier) == 150
    assert {one.slice for one in by_carrier} == {"carrier=AA", "carrier=B6", "carrier=UA", "carrier=null"}


@pytest.mark.parametrize(("task", "metrics"), [
    ("binary_classification", ("roc_auc", "average_precision", "log_loss", "brier", "accuracy", "calibration_error")),
    ("multiclass", ("accuracy", "log_loss", "macro_f1", "roc_auc")),
    ("regression", ("rmse", "mae", "r2", "median_absolute_error")),
])
def test_every_task_is_measured_beside_boosted_trees(tmp_path: Path, task: str, metrics: tuple[str, ...]) -> None:
    table = dataset(2000, task=task, noise=0.2)
    longer = replace(SMALL, epochs=30)
    learning = Learning(
        tmp_path, table=table, task=task, metrics=metrics, baseline="boosted_trees", parameters=longer)

    evaluation = evaluated(learning)

    ours = {one.metric: one.value for one in evaluation.metrics}
    theirs = {one.metric: one.value for one in evaluation.baseline}
    better = metrics[0] if task != "regression" else "r2"
    assert set(ours) == set(theirs) == set(metrics)
    assert ours[better] > theirs[better] - 0.05
    assert theirs[better] > 0.6


def test_without_a_release_there_is_no_champion(tmp_path: Path) -> None:
    evaluation = evaluated(Learning(tmp_path, gates=NO_WORSE))

    (gate,) = evaluation.gates
    assert evaluation.champion.version is None
    assert (gate.outcome, gate.passed, gate.detail) == ("not_comparable", True, "there is no champion yet")


def test_the_champion_is_scored_on_the_same_rows(tmp_path: Path) -> None:
    Learning(tmp_path).run_all()

    evaluation = evaluated(Learning(tmp_path, seed=8, gates=NO_WORSE), "run-2")

    champion = evaluation.champion
    assert (champion.version, champion.rows, champion.reason) == (1, 150, None)
    assert champion.metrics[0].value != champion.challenger[0].value == evaluation.metrics[0].value
    assert evaluation.gates[0].outcome == "passed"


def test_only_test_rows_later_than_what_the_champion_learned_from_are_compared(tmp_path: Path) -> None:
    Learning(tmp_path, split=Split(by="time", validation=0.15, test=0.05)).run_all()

    evaluation = evaluated(Learning(tmp_path, gates=NO_WORSE), "run-2")

    assert evaluation.champion.rows == 50 + 1  # the last label of its validation part came too late
    assert evaluation.metrics[0].rows == 150


def test_a_champion_that_has_seen_every_test_row_is_not_comparable(tmp_path: Path) -> None:
    Learning(tmp_path, split=Split(by="random", validation=0.15, test=0.15)).run_all()

    evaluation = evaluated(Learning(tmp_path, table=dataset(900), gates=NO_WORSE), "run-2")

    assert evaluation.gates[0].outcome == "not_comparable"
    assert "no test row is later" in evaluation.gates[0].detail


def test_a_champion_with_an_input_that_the_dataset_lacks_is_not_comparable(tmp_path: Path) -> None:
    Learning(tmp_path).run_all()
    fewer = Learning(tmp_path, contract=contract(INPUTS[:3]), gates=NO_WORSE)

    evaluation = evaluated(fewer, "run-2")

    assert evaluation.gates[0].outcome == "not_comparable"
    assert "trip.express" in evaluation.gates[0].detail


def test_a_champion_with_fewer_inputs_is_comparable(tmp_path: Path) -> None:
    Learning(tmp_path, contract=contract(INPUTS[:3])).run_all()

    evaluation = evaluated(Learning(tmp_path, gates=NO_WORSE), "run-2")

    assert evaluation.champion.rows == 150


def test_a_feature_group_that_means_something_else_now_is_not_comparable(tmp_path: Path) -> None:
    Learning(tmp_path).run_all()
    before = contract()
    changed = replace(before, groups=(before.groups[0], replace(before.groups[1], fingerprint="history-2")))

    evaluation = evaluated(Learning(tmp_path, contract=changed, gates=NO_WORSE), "run-2")

    assert "history.late_share" in str(evaluation.champion.reason)


def test_a_champion_that_predicts_another_label_is_not_comparable(tmp_path: Path) -> None:
    Learning(tmp_path).run_all()
    other = Learning(tmp_path, table=dataset(task="regression"), task="regression", metrics=("rmse",), gates=(
        Gate(metric="rmse", than="champion", if_incomparable="fail"),))

    evaluation = evaluated(other, "run-2")

    assert (evaluation.gates[0].outcome, evaluation.gates[0].passed) == ("not_comparable", False)
    assert "another label" in evaluation.gates[0].detail


def test_a_label_stays_itself_when_its_source_is_renamed(tmp_path: Path) -> None:
    payload = Learning(tmp_path).config().step(f"evaluate.{MODEL}").payload
    assert isinstance(payload, EvaluateStep)
    renamed = replace(
        payload, examples=replace(payload.examples, source="departures"),
        sources=tuple(replace(one, name="departures") for one in payload.sources),
    )

    assert label_identity(renamed) == label_identity(payload)
    assert label_identity(replace(payload, label=replace(payload.label, column="other"))) != label_identity(payload)


def test_a_damaged_champion_is_not_comparable(tmp_path: Path) -> None:
    learning = Learning(tmp_path)
    learning.run_all()
    (learning.workspace.version(MODEL, 1) / "model.safetensors").write_bytes(b"torn")

    evaluation = evaluated(Learning(tmp_path, seed=8, gates=NO_WORSE), "run-2")

    assert "version 1 cannot be loaded" in str(evaluation.champion.reason)


def test_the_baseline_groups_categories_beyond_what_it_can_hold(tmp_path: Path) -> None:
    table = dataset(1500)
    many = [f"carrier-{row % 600}" for row in range(1500)]
    table = table.set_column(table.column_names.index("trip.carrier"), "trip.carrier", [many])
    inputs = tuple(ModelInput(one.name, ColumnType(one.type)) for one in INPUTS)

    evaluation = evaluated(Learning(tmp_path, table=table, contract=contract(inputs), baseline="boosted_trees"))

    assert evaluation.baseline[0].value > 0.6
