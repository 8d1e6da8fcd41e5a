"""The reference profile of a model version: how its inputs and answers were spread at training. Frozen, so that a
monitor only counts (see `contract.model.Reference`)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsystem_runtime.contract.model import CategoryProfile, NumericProfile, Reference
from mlsystem_runtime.train.architecture import Architecture
from mlsystem_runtime.train.fitting import numbers, texts
from mlsystem_runtime.train.quantiles import Floats, cut_points, sorted_values

MOST_EDGES = 255
MOST_CATEGORIES = 255


def reference(rows: pa.Table, predictions_BO: Floats, architecture: Architecture) -> Reference:
    """Profiles of the training `rows` and of predictions (B, O) that the model made for rows it did not learn from."""
    return Reference(
        numeric=tuple(numeric_profile(one.name, numbers(rows[one.name])) for one in architecture.numeric),
        categorical=tuple(category_profile(one.name, rows[one.name]) for one in architecture.categorical),
        predictions=tuple(
            numeric_profile(name, predictions_BO[:, column]) for column, name in enumerate(architecture.outputs)),
    )


def numeric_profile(name: str, values: Floats) -> NumericProfile:
    """NaN is null. Values that occur often are edges, so they have a cell of their own."""
    ascending = sorted_values(values)
    edges = cut_points(ascending, MOST_EDGES)
    below = np.searchsorted(ascending, edges, side="left")
    counts = np.diff(below, prepend=0, append=len(ascending))
    return NumericProfile(
        name=name, edges=tuple(edges.tolist()), counts=tuple(counts.tolist()), nulls=len(values) - len(ascending))


def category_profile(name: str, column: pa.ChunkedArray) -> CategoryProfile:
    counted = {one["values"]: one["counts"] for one in pc.value_counts(texts(column)).to_pylist()}
    nulls = counted.pop(None, 0)
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    kept, rest = ordered[:MOST_CATEGORIES], ordered[MOST_CATEGORIES:]
    return CategoryProfile(
        name=name, categories=tuple(category for category, _ in kept), counts=tuple(count for _, count in kept),
        other=sum(count for _, count in rest), nulls=nulls,
    )
