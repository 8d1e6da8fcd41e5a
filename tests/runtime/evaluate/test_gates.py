"""Gates: bounds, rivals, slices, and what happens where there is nothing to judge."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from mlsystem_runtime.contract.run import Gate
from mlsystem_runtime.evaluate.gates import Rival, Trial, describe, judge
from mlsystem_runtime.evaluate.metrics import Truth
from mlsystem_runtime.evaluate.slices import slices_of

Y = np.array([0, 0, 1, 1, 0, 1, 0, 1])
GOOD = np.array([0.1, 0.2, 0.8, 0.9, 0.1, 0.9, 0.2, 0.8])[:, None]
POOR = np.array([0.1, 0.9, 0.8, 0.9, 0.1, 0.2, 0.2, 0.8])[:, None]
CARRIERS = ["AA", "AA", "AA", "AA", "UA", "UA", None, None]
NOBODY = Rival.absent("there is no champion yet")


def trial(ours: np.ndarray = GOOD, baseline: Rival = NOBODY, champion: Rival = NOBODY, y: np.ndarray = Y) -> Trial:
    slices = slices_of(pa.table({"carrier": CARRIERS}), ["carrier"])
    return Trial(Truth("binary_classification", ("probability",), y), ours, slices, baseline, champion)


def everywhere(predictions: np.ndarray) -> Rival:
    return Rival(predictions, np.arange(len(Y)))


@pytest.mark.parametrize(("gate", "passed"), [
    (Gate(metric="roc_auc", at_least=1.0), True),
    (Gate(metric="roc_auc", at_most=0.9), False),
    (Gate(metric="log_loss", at_most=0.2), True),
    (Gate(metric="log_loss", at_most=0.1), False),
    (Gate(metric="roc_auc", at_least=0.5, at_most=0.9), False),
])
def test_bounds_on_the_metric_itself(gate: Gate, passed: bool) -> None:
    result = judge(gate, trial())

    assert (result.passed, result.outcome) == (passed, "passed" if passed else "failed")


@pytest.mark.parametrize("rival", ["champion", "baseline"])
@pytest.mark.parametrize(("metric", "allowed", "passed"), [
    ("roc_auc", 0.0, False), ("roc_auc", 0.9, True), ("log_loss", 0.0, False), ("log_loss", 9.0, True),
])
def test_worse_than_a_rival_by_more_than_allowed_fails_whichever_way_is_better(
    rival: str, metric: str, allowed: float, passed: bool,
) -> None:
    against = {rival: everywhere(GOOD)}

    result = judge(Gate(metric=metric, than=rival, worse_by_at_most=allowed), trial(POOR, **against))

    assert result.passed is passed
    assert result.bound is not None


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "calibration_error"])
def test_better_than_or_equal_to_a_rival_passes(metric: str) -> None:
    gate = Gate(metric=metric, than="champion")

    assert judge(gate, trial(GOOD, champion=everywhere(GOOD))).passed
    assert judge(gate, trial(GOOD, champion=everywhere(POOR))).passed


@pytest.mark.parametrize("if_incomparable", ["pass", "fail"])
@pytest.mark.parametrize("slice_by", [None, "carrier"])
@pytest.mark.parametrize("than", ["champion", "baseline"])
def test_without_a_rival_the_gate_says_so_and_does_as_it_is_told(if_incomparable, slice_by, than) -> None:
    result = judge(Gate(metric="roc_auc", than=than, slice=slice_by, if_incomparable=if_incomparable), trial())

    assert result.outcome == "not_comparable"
    assert result.passed is (if_incomparable == "pass")
    assert result.value is None


def test_too_few_rows_in_common_with_the_champion_are_not_comparable() -> None:
    champion = Rival(POOR, np.array([6, 7]))

    few = judge(Gate(metric="roc_auc", than="champion", min_rows=3), trial(champion=champion))
    enough = judge(Gate(metric="roc_auc", than="champion", min_rows=2), trial(champion=champion))

    assert (few.outcome, few.detail) == ("not_comparable", "2 rows, the gate wants 3")
    assert enough.outcome == "passed"


def test_both_models_are_compared_on_the_rival_s_rows_alone() -> None:
    ours = np.where(np.arange(8)[:, None] < 4, POOR, GOOD)

    result = judge(Gate(metric="roc_auc", than="champion"), trial(ours, champion=Rival(GOOD, np.array([4, 5, 6, 7]))))

    assert (result.passed, result.value) == (True, 1.0)


def test_a_slice_gate_shows_the_worst_slice() -> None:
    result = judge(Gate(metric="roc_auc", slice="carrier", at_least=0.9), trial(POOR))

    assert result.outcome == "failed"
    assert "carrier=AA" in result.detail
    assert "1 of 3 slices fail" in result.detail


def test_slices_with_too_few_rows_are_not_judged() -> None:
    result = judge(Gate(metric="accuracy", slice="carrier", at_least=0.9, min_rows=3), trial(POOR))

    assert "1 of 1 slices fail" in result.detail


@pytest.mark.parametrize("if_incomparable", ["pass", "fail"])
def test_no_slice_with_enough_rows_is_too_few_rows(if_incomparable) -> None:
    gate = Gate(metric="roc_auc", slice="carrier", at_least=0.9, min_rows=100, if_incomparable=if_incomparable)

    result = judge(gate, trial())

    assert (result.outcome, result.passed) == ("too_few_rows", if_incomparable == "pass")


def test_a_metric_that_no_row_defines_fails_over_all_rows_and_is_skipped_on_slices() -> None:
    only_zeros = trial(y=np.zeros(8, dtype=np.int64))

    overall = judge(Gate(metric="roc_auc", at_least=0.5), only_zeros)
    sliced = judge(Gate(metric="roc_auc", slice="carrier", at_least=0.5), only_zeros)

    assert (overall.outcome, overall.passed) == ("failed", False)
    assert (sliced.outcome, sliced.passed) == ("too_few_rows", True)


def test_slices_hold_the_rows_of_each_value_and_null_is_one() -> None:
    slices = {one.name: one.rows_B.tolist() for one in slices_of(pa.table({"carrier": CARRIERS}), ["carrier"])}

    assert slices == {"carrier=AA": [0, 1, 2, 3], "carrier=UA": [4, 5], "carrier=null": [6, 7]}


@pytest.mark.parametrize(("gate", "words"), [
    (Gate(metric="roc_auc", at_least=0.68), "roc_auc at least 0.68"),
    (Gate(metric="rmse", at_most=3.0, at_least=1.0), "rmse at least 1 and at most 3"),
    (Gate(metric="roc_auc", than="champion", worse_by_at_most=0.005), "roc_auc at most 0.005 worse than the champion"),
    (Gate(metric="roc_auc", slice="carrier", at_least=0.6), "roc_auc by carrier at least 0.6"),
])
def test_a_gate_is_shown_in_words(gate: Gate, words: str) -> None:
    assert describe(gate) == words
