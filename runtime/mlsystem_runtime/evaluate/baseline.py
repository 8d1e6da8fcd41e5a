"""The shadow baseline: scikit-learn's histogram gradient boosting on the same features and split.

Its settings are what boosted trees need to be a fair rival (a small learning rate, many rounds, early stopping on the
validation part), not what is tuned to one data set.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from mlsystem_runtime.evaluate.metrics import UNKNOWN_CLASS, Array, Truth
from mlsystem_runtime.train.architecture import Architecture
from mlsystem_runtime.train.fitting import numbers, texts
from mlsystem_runtime.train.split import Parts

MOST_LEVELS = 254       # the library allows 255 categories; the last one stands for all others
SETTINGS: dict[str, Any] = {
    "learning_rate": 0.08, "max_iter": 400, "max_leaf_nodes": 31, "min_samples_leaf": 20, "early_stopping": True,
    "n_iter_no_change": 15,
}


def baseline_predictions(dataset: pa.Table, truth: Truth, parts: Parts, architecture: Architecture, seed: int) -> Array:
    """Fitted on the training part, stopped by the validation part, answers (B, O) for the test part.

    `truth` covers the whole dataset. Classes that the training part lacks get probability 0.
    """
    features = matrix(dataset, parts.train, architecture)
    train, validation = _known(parts.train, truth), _known(parts.validation, truth)
    kind = HistGradientBoostingRegressor if truth.task == "regression" else HistGradientBoostingClassifier
    numeric = len(architecture.numeric)
    model = kind(random_state=seed, categorical_features=range(numeric, features.shape[1]), **SETTINGS)
    held_out = {"X_val": features[validation], "y_val": truth.y_B[validation]} if len(validation) else {}
    model.fit(features[train], truth.y_B[train], **held_out)
    if truth.task == "regression":
        values: Array = model.predict(features[parts.test])
        return values[:, None]
    return _by_output(model.predict_proba(features[parts.test]), model.classes_, truth)


def _known(positions: Array, truth: Truth) -> Array:
    return positions[truth.y_B[positions] != UNKNOWN_CLASS] if truth.task == "multiclass" else positions


def _by_output(probabilities: Array, classes: Array, truth: Truth) -> Array:
    if truth.task == "binary_classification":
        return probabilities[:, list(classes).index(1)][:, None]
    ordered = np.zeros((len(probabilities), len(truth.outputs)))
    ordered[:, classes] = probabilities
    return ordered


def matrix(dataset: pa.Table, train: Array, architecture: Architecture) -> Array:
    """(B, N + C) float64: numeric inputs with NaN for null, then categories as codes (NaN for null).

    The most frequent categories of the training rows have a code each; all others share the last one.
    """
    columns = [numbers(dataset[one.name]) for one in architecture.numeric]
    columns += [_codes(texts(dataset[one.name]), train) for one in architecture.categorical]
    return np.column_stack(columns)


def _codes(column: pa.ChunkedArray, train: Array) -> Array:
    counted = pc.value_counts(column.take(pa.array(train)).drop_null()).to_pylist()
    kept = sorted(counted, key=lambda one: (-one["counts"], one["values"]))[:MOST_LEVELS]
    found = pc.index_in(column, pa.array([one["values"] for one in kept], pa.string()), skip_nulls=True)
    codes = np.asarray(pc.fill_null(found, len(kept)), dtype=np.float64)
    codes[np.asarray(column.is_null())] = np.nan
    return codes
