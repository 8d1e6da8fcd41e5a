"""Every metric of `contract.metrics.METRICS`. One that the rows do not define (one class only, no rows) is None."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from mlsystem_runtime.contract.metrics import METRICS
from mlsystem_runtime.contract.model import Task

Array = NDArray[Any]
CALIBRATION_BINS = 10
UNKNOWN_CLASS = -1


@dataclass(frozen=True)
class Truth:
    """What happened. `y_B` is 0/1, the index of a class in `outputs` (UNKNOWN_CLASS if not among them), or a float."""

    task: Task
    outputs: tuple[str, ...]
    y_B: Array

    @classmethod
    def of(cls, task: Task, outputs: tuple[str, ...], label: Array) -> Truth:
        """`label` as `steps.train.labels` gives it."""
        if task != "multiclass":
            return cls(task, outputs, label)
        number = {name: index for index, name in enumerate(outputs)}
        return cls(task, outputs, np.array([number.get(str(one), UNKNOWN_CLASS) for one in label], dtype=np.int64))

    def take(self, chosen: Array) -> Truth:
        return Truth(self.task, self.outputs, self.y_B[chosen])


def score(metric: str, truth: Truth, predictions_BO: Array) -> float | None:
    """`metric` of predictions: probabilities of the positive class or of every class, or values."""
    assert metric in METRICS[truth.task]
    if not len(truth.y_B):
        return None
    table: dict[str, Callable[[Array, Array], float | None]]
    match truth.task:
        case "binary_classification":
            table, predictions = BINARY, np.clip(predictions_BO[:, 0].astype(np.float64), 0.0, 1.0)
        case "multiclass":
            table, predictions = MULTICLASS, predictions_BO.astype(np.float64)
        case _:
            table, predictions = REGRESSION, predictions_BO[:, 0].astype(np.float64)
    value = table[metric](truth.y_B, predictions)
    return None if value is None or not np.isfinite(value) else float(value)


def _roc_auc(y_B: Array, p_B: Array) -> float | None:
    return None if y_B.min() == y_B.max() else float(sk.roc_auc_score(y_B, p_B))


def _average_precision(y_B: Array, p_B: Array) -> float | None:
    return float(sk.average_precision_score(y_B, p_B)) if y_B.any() else None


def calibration_error(y_B: Array, p_B: Array) -> float:
    """Expected calibration error: over ten bins of equally many rows by p, the mean of |mean y - mean p| weighted by
    rows (Naeini et al. 2015, with equal-mass bins)."""
    order = np.argsort(p_B, kind="stable")
    bins = [one for one in np.array_split(order, CALIBRATION_BINS) if len(one)]
    return float(sum(abs(y_B[one].mean() - p_B[one].mean()) * len(one) for one in bins) / len(order))


def _class_log_loss(y_B: Array, p_BO: Array) -> float:
    """A class that the model does not know had probability 0; like every 0 it is held at the smallest float."""
    known = np.where(y_B == UNKNOWN_CLASS, 0.0, p_BO[np.arange(len(y_B)), y_B])
    return float(-np.log(np.clip(known, np.finfo(np.float64).eps, 1.0)).mean())


def _class_roc_auc(y_B: Array, p_BO: Array) -> float | None:
    """One class against the rest, the mean over classes for which that is defined."""
    found = [_roc_auc((y_B == number).astype(np.int64), p_BO[:, number]) for number in range(p_BO.shape[1])]
    defined = [one for one in found if one is not None]
    return float(np.mean(defined)) if defined else None


def _class_f1(y_B: Array, p_BO: Array) -> float:
    return float(sk.f1_score(y_B, p_BO.argmax(axis=1), average="macro", zero_division=0.0))


def _r2(y_B: Array, value_B: Array) -> float | None:
    return float(sk.r2_score(y_B, value_B)) if len(y_B) > 1 and y_B.min() < y_B.max() else None


BINARY: dict[str, Callable[[Array, Array], float | None]] = {
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
    "log_loss": lambda y_B, p_B: float(sk.log_loss(y_B, p_B, labels=[0, 1])),
    "brier": lambda y_B, p_B: float(np.square(y_B - p_B).mean()),
    "accuracy": lambda y_B, p_B: float(sk.accuracy_score(y_B, p_B >= 0.5)),
    "calibration_error": calibration_error,
}
MULTICLASS: dict[str, Callable[[Array, Array], float | None]] = {
    "accuracy": lambda y_B, p_BO: float(sk.accuracy_score(y_B, p_BO.argmax(axis=1))),
    "log_loss": _class_log_loss,
    "macro_f1": _class_f1,
    "roc_auc": _class_roc_auc,
}
REGRESSION: dict[str, Callable[[Array, Array], float | None]] = {
    "rmse": lambda y_B, value_B: float(sk.root_mean_squared_error(y_B, value_B)),
    "mae": lambda y_B, value_B: float(sk.mean_absolute_error(y_B, value_B)),
    "r2": _r2,
    "median_absolute_error": lambda y_B, value_B: float(sk.median_absolute_error(y_B, value_B)),
}
