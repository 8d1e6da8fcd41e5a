"""The architecture for given training rows: how inputs are scaled, which categories there are; from them alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlsystem_runtime.contract.features import ModelInput
from mlsystem_runtime.contract.model import Task
from mlsystem_runtime.contract.run import TabularParameters
from mlsystem_runtime.train.architecture import FLOAT32_MAX, FORMAT, Architecture, CategoricalInput, NumericInput
from mlsystem_runtime.train.quantiles import Floats, quantiles, sorted_values

MAX_KNOTS = 17
MAX_CATEGORIES = 10_000
RARE_PER = 5_000     # a category with fewer than one row in this many counts as unseen, up to MAX_RARE rows
MAX_RARE = 10
TINY = 1e-30         # below this a spread divides by nothing
NORMAL_INTERQUARTILE_RANGE = 1.35  # of the standard normal distribution


def fit_architecture(
    rows: pa.Table, label: NDArray[Any], inputs: Sequence[ModelInput], task: Task, parameters: TabularParameters,
) -> Architecture:
    """The architecture for these training rows, which hold one column per input, and their labels.

    `label` is float64 for regression, 0/1 for binary classification, text for multiclass.
    """
    placed = list(enumerate(inputs))
    centre, spread = _target(label) if task == "regression" else (0.0, 1.0)
    return Architecture(
        format=FORMAT, task=task, outputs=_outputs(label, task),
        numeric=tuple(_numeric(rows[one.name], one.name, at) for at, one in placed if not one.categorical),
        categorical=tuple(_categorical(rows[one.name], one.name, at) for at, one in placed if one.categorical),
        hidden=parameters.hidden, dropout=parameters.dropout, numeric_embedding=parameters.numeric_embedding,
        embedding_size=parameters.embedding_size, target_centre=centre, target_spread=spread,
    )


def _outputs(label: NDArray[Any], task: Task) -> tuple[str, ...]:
    match task:
        case "binary_classification":
            return ("probability",)
        case "regression":
            return ("value",)
        case _:
            return tuple(sorted({str(one) for one in label}))


def _target(label: NDArray[Any]) -> tuple[float, float]:
    spread = float(label.std())
    return float(label.mean()), spread if spread > 0 else 1.0


def _numeric(column: pa.ChunkedArray, name: str, position: int) -> NumericInput:
    """Quantiles of the values that are there. A constant or empty column is centred and left unscaled."""
    values = sorted_values(np.clip(numbers(column), -FLOAT32_MAX / 4, FLOAT32_MAX / 4))
    if not len(values):
        return NumericInput(name=name, position=position, centre=0.0, spread=1.0, knots=(0.0, 1.0))
    low, centre, high = (float(one) for one in quantiles(values, np.array([0.25, 0.5, 0.75])))
    spread = (high - low) / NORMAL_INTERQUARTILE_RANGE or float(values.std())
    knots = np.unique(quantiles(values, np.linspace(0.0, 1.0, MAX_KNOTS)).astype(np.float32)).tolist()
    return NumericInput(
        name=name, position=position, centre=centre, spread=spread if spread > TINY else 1.0,
        knots=tuple(knots) if len(knots) > 1 else (knots[0], knots[0] + 1.0),
    )


def _categorical(column: pa.ChunkedArray, name: str, position: int) -> CategoricalInput:
    """The most frequent categories. Very rare ones are left out, so that training meets the id for unseen ones."""
    counted = pc.value_counts(texts(column)).to_pylist()
    least = max(1, min(MAX_RARE, len(column) // RARE_PER))
    common = [(one["counts"], one["values"]) for one in counted if one["values"] is not None and one["counts"] >= least]
    kept = sorted(common, key=lambda pair: (-pair[0], pair[1]))[:MAX_CATEGORIES]
    return CategoricalInput(name=name, position=position, vocabulary=tuple(value for _, value in kept))


def numbers(column: pa.ChunkedArray) -> Floats:
    """float64, null as NaN."""
    values: Floats = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
    return values


def texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Categories as text; booleans become "false" and "true"."""
    return pc.cast(column, pa.string())
