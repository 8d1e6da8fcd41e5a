"""The metrics of each task, and which way is better. How they are computed stands in `mlsystem_runtime.evaluate`."""

from __future__ import annotations

from mlsystem_runtime.contract.model import Task

HIGHER, LOWER = True, False

METRICS: dict[Task, dict[str, bool]] = {
    "binary_classification": {
        "roc_auc": HIGHER,
        "average_precision": HIGHER,
        "log_loss": LOWER,
        "brier": LOWER,
        "accuracy": HIGHER,
        "calibration_error": LOWER,
    },
    "multiclass": {"accuracy": HIGHER, "log_loss": LOWER, "macro_f1": HIGHER, "roc_auc": HIGHER},
    "regression": {"rmse": LOWER, "mae": LOWER, "r2": HIGHER, "median_absolute_error": LOWER},
}
"""Task → metric → whether greater is better."""

DEFAULT_METRICS: dict[Task, tuple[str, ...]] = {
    "binary_classification": ("roc_auc", "average_precision", "log_loss", "calibration_error"),
    "multiclass": ("accuracy", "log_loss", "macro_f1"),
    "regression": ("rmse", "mae", "r2"),
}
