"""Metrics on rows that define them, and None on rows that do not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mlsystem_runtime.contract.metrics import METRICS
from mlsystem_runtime.contract.model import Task
from mlsystem_runtime.evaluate.metrics import BINARY, MULTICLASS, REGRESSION, Truth, calibration_error, score

CLASSES = ("a", "b", "c")


def binary(y: list[int], p: list[float]) -> tuple[Truth, np.ndarray]:
    return Truth.of("binary_classification", ("probability",), np.array(y)), np.array(p)[:, None]


def test_every_declared_metric_can_be_computed() -> None:
    assert {task: set(table) for task, table in METRICS.items()} == {
        "binary_classification": set(BINARY), "multiclass": set(MULTICLASS), "regression": set(REGRESSION),
    }


@pytest.mark.parametrize(("metric", "value"), [
    ("roc_auc", 0.75), ("average_precision", 5 / 6), ("accuracy", 0.75), ("brier", (0.01 + 0.16 + 0.4225 + 0.04) / 4),
])
def test_binary_metrics_of_four_rows(metric: str, value: float) -> None:
    assert score(metric, *binary([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])) == pytest.approx(value)


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
def test_ranking_is_undefined_without_positives(metric: str) -> None:
    assert score(metric, *binary([0, 0, 0], [0.1, 0.2, 0.3])) is None


@pytest.mark.parametrize("task", list(METRICS))
def test_no_rows_define_nothing(task: Task) -> None:
    truth = Truth.of(task, CLASSES if task == "multiclass" else ("x",), np.array([], dtype=np.int64))

    assert [score(metric, truth, np.empty((0, 3))) for metric in METRICS[task]] == [None] * len(METRICS[task])


@pytest.mark.parametrize("task", list(METRICS))
def test_one_row_gives_a_number_or_nothing_and_no_warning(task: Task) -> None:
    outputs = CLASSES if task == "multiclass" else ("x",)
    label = np.array(["b"]) if task == "multiclass" else np.array([1])
    predictions = np.full((1, len(outputs)), 1 / len(outputs))

    values = [score(metric, Truth.of(task, outputs, label), predictions) for metric in METRICS[task]]

    assert all(value is None or np.isfinite(value) for value in values)


def test_certainty_that_was_wrong_costs_a_finite_log_loss() -> None:
    value = score("log_loss", *binary([1, 0], [0.0, 1.0]))

    assert value is not None
    assert 15 < value < 750


def test_a_calibrated_model_has_almost_no_calibration_error() -> None:
    draw = np.random.default_rng(0)
    p = draw.uniform(size=100_000)
    y = (draw.uniform(size=100_000) < p).astype(int)

    assert calibration_error(y, p) < 0.01
    assert calibration_error(y, np.clip(p + 0.2, 0, 1)) == pytest.approx(0.18, abs=0.03)


def test_calibration_of_fewer_rows_than_bins_is_over_single_rows() -> None:
    assert calibration_error(np.array([1, 0]), np.array([0.75, 0.5])) == pytest.approx((0.25 + 0.5) / 2)


def test_class_metrics_agree_with_their_definition() -> None:
    draw = np.random.default_rng(0)
    label = draw.choice(CLASSES, 300)
    p = draw.dirichlet((1, 1, 1), 300)
    truth = Truth.of("multiclass", CLASSES, label)

    assert score("roc_auc", truth, p) == pytest.approx(
        roc_auc_score(label, p, multi_class="ovr", labels=list(CLASSES), average="macro"))
    assert score("log_loss", truth, p) == pytest.approx(-np.log(p[np.arange(300), truth.y_B]).mean())


def test_a_class_that_the_model_does_not_know_is_always_wrong() -> None:
    truth = Truth.of("multiclass", CLASSES, np.array(["a", "z"]))
    p = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])

    assert score("accuracy", truth, p) == 0.5
    assert score("log_loss", truth, p) == pytest.approx(-np.log(np.finfo(float).eps) / 2)


def test_a_class_that_does_not_occur_is_left_out_of_the_mean() -> None:
    truth = Truth.of("multiclass", CLASSES, np.array(["a", "b"]))

    assert score("roc_auc", truth, np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]])) == 1.0


def test_r2_of_a_constant_target_is_undefined() -> None:
    truth = Truth.of("regression", ("value",), np.array([2.0, 2.0]))

    assert score("r2", truth, np.array([[1.0], [2.0]])) is None
    assert score("rmse", truth, np.array([[1.0], [2.0]])) == pytest.approx(np.sqrt(0.5))
