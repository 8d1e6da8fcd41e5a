"""`evaluation`: how a trained model is judged, and what it must reach to be released."""

from typing import Literal, Self

from pydantic import model_validator

from mlsystem.spec.base import ColumnName, Section, declare, problem

Metric = Literal[
    "roc_auc", "average_precision", "log_loss", "brier", "accuracy", "calibration_error", "macro_f1",
    "rmse", "mae", "r2", "median_absolute_error",
]  # fmt: skip
"""Every metric of `mlsystem_runtime.contract.metrics`, which says the tasks that each is defined for."""


class GateSpec(Section):
    """A bound that a new model must hold to be released: `at_least`/`at_most`, or `than` with `worse_by_at_most`."""

    metric: Metric = declare("The metric.", "evaluate", example="roc_auc")
    at_least: float | None = declare(
        "The least value that passes.", "evaluate", default=None, example="0.68", allow_inf_nan=False
    )
    at_most: float | None = declare("The greatest value that passes.", "evaluate", default=None, allow_inf_nan=False)
    than: Literal["champion", "baseline"] | None = declare(
        "Compare with the released model, or with the baseline.", "evaluate", default=None
    )
    worse_by_at_most: float | None = declare(
        "How much worse than the other it may be.", "evaluate", default=None, example="0.005", ge=0, allow_inf_nan=False
    )
    if_incomparable: Literal["pass", "fail"] = declare(
        "What a comparison does that cannot be made.", "evaluate", default_of="gates.if_incomparable"
    )
    slice: ColumnName | None = declare(
        "Hold the bound in every slice by this column.",
        "evaluate",
        default=None,
        example="carrier",
        implied="over all rows",
    )
    min_rows: int = declare("Slices with fewer rows are not judged.", "evaluate", default_of="gates.min_rows", gt=0)

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        bounds = self.at_least is not None or self.at_most is not None
        if bounds == (self.than is not None):
            raise problem(
                "MLS117",
                "a gate either bounds the metric (`at_least`, `at_most`) or compares it (`than`)",
                "keep one of the two",
            )
        if (self.than is None) != (self.worse_by_at_most is None):
            raise problem(
                "MLS117",
                "`than` and `worse_by_at_most` belong together",
                "write both, for example {than: champion, worse_by_at_most: 0.005}",
            )
        return self


class EvaluationSpec(Section):
    """How a trained model is judged on the test rows."""

    metrics: tuple[Metric, ...] | None = declare(
        "What is measured.",
        "evaluate",
        default=None,
        example="[roc_auc, log_loss]",
        implied="the usual metrics of the task",
        min_length=1,
    )
    slices: tuple[ColumnName, ...] = declare(
        "Also measured for each value of these columns.",
        "evaluate",
        default=(),
        example="[carrier, origin]",
        implied="none",
    )
    baseline: Literal["boosted_trees", "none"] = declare(
        "The shadow model on the same features and split.", "evaluate", default_of="evaluation.baseline"
    )
    gates: tuple[GateSpec, ...] = declare(
        "What a model must reach to be released.", "evaluate", default=(), implied="every model is released"
    )
