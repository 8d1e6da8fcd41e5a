"""`model.json`: what a model version says of itself, so that it can be served without the spec that made it."""

from __future__ import annotations

from typing import Literal

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.code import Code
from mlsystem_runtime.contract.features import FeatureContract

Task = Literal["binary_classification", "multiclass", "regression"]
ModelType = Literal["tabular", "custom"]
Engine = Literal["onnx", "torch"]


class NumericProfile(Struct):
    """Training distribution of a numeric column: quantile `edges` (ascending, at most 255) cut the line into
    len(edges) + 1 cells; `counts` is how many training rows fell in each, cell i holding edges[i-1] <= x < edges[i]."""

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    nulls: int


class CategoryProfile(Struct):
    """Training counts of each category, most frequent first; what is not listed is `other` (unseen in serving)."""

    name: str
    categories: tuple[str, ...]
    counts: tuple[int, ...]
    other: int
    nulls: int


class Reference(Struct):
    """Frozen at training; production only counts into the same cells. `predictions` profiles the model's output."""

    numeric: tuple[NumericProfile, ...]
    categorical: tuple[CategoryProfile, ...]
    predictions: tuple[NumericProfile, ...]


class MetricValue(Struct):
    """`slice` is COLUMN=VALUE, or None over all rows; `value` None where the metric is undefined there."""

    metric: str
    value: float | None
    rows: int
    slice: str | None = None


class GateResult(Struct):
    """`outcome` "not_comparable" passes or fails as the gate's `if_incomparable` says; `passed` is the verdict."""

    gate: str
    outcome: Literal["passed", "failed", "not_comparable", "too_few_rows"]
    passed: bool
    value: float | None
    bound: float | None
    detail: str


class Lineage(Struct):
    """Where the version came from. `dataset` hashes the full content of the training set."""

    run_id: str
    dataset: str
    fit_fingerprint: str
    rows: int
    code: str | None
    python: str
    packages: dict[str, str]
    trained_at_us: int


class ModelCard(Struct, omit_defaults=True):
    """`model.json`. `architecture` holds what rebuilds the module; weights are `model.safetensors` beside it.

    `outputs` names the model's outputs: ("probability",) for binary, the classes for multiclass, ("value",)
    for regression. `code` is None but for a network of the user's own, whose code is then in the folder `code` beside.
    """

    format: int
    model: str
    version: int | None
    task: Task
    type: ModelType
    contract: FeatureContract
    contract_digest: str
    architecture: dict[str, object]
    outputs: tuple[str, ...]
    reference: Reference
    metrics: tuple[MetricValue, ...]
    gates: tuple[GateResult, ...]
    lineage: Lineage
    code: Code | None = None
