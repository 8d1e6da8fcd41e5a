"""Gates: what a model must be to be released.

A gate with a slice holds for every value of the column that has `min_rows` rows and a defined metric; its result shows
the worst of them. A gate that finds nothing to judge, or nobody to compare with, passes unless `if_incomparable: fail`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlsystem_runtime.contract.metrics import METRICS
from mlsystem_runtime.contract.model import GateResult
from mlsystem_runtime.contract.run import Gate
from mlsystem_runtime.evaluate.metrics import Array, Truth, score
from mlsystem_runtime.evaluate.slices import Slice

ROUNDING = 1e-12  # of sums in another order


@dataclass(frozen=True)
class Rival:
    """Another model's answers for the test rows. `rows_B` are those on which it may be compared, none where `reason`
    says why not."""

    predictions_BO: Array
    rows_B: Array
    reason: str | None = None

    @classmethod
    def absent(cls, reason: str) -> Rival:
        return cls(np.empty((0, 0)), np.empty(0, dtype=np.int64), reason)


@dataclass(frozen=True)
class Trial:
    """Everything that gates look at: the truth and the answers for the test rows, their slices, and the rivals."""

    truth: Truth
    predictions_BO: Array
    slices: Sequence[Slice]
    baseline: Rival
    champion: Rival


@dataclass(frozen=True)
class Finding:
    """One group of rows against its bound. `margin` >= 0 passes."""

    name: str | None
    rows: int
    value: float
    bound: float
    margin: float


def judge(gate: Gate, trial: Trial) -> GateResult:
    """The verdict of one gate."""
    rival = _rival(gate, trial)
    if rival is not None and rival.reason is not None:
        return _undecided(gate, "not_comparable", rival.reason)
    everyone: Array = np.arange(len(trial.truth.y_B)) if rival is None else rival.rows_B
    groups = [(None, everyone)] if gate.slice is None else [
        (one.name, np.intersect1d(one.rows_B, everyone, assume_unique=True))
        for one in trial.slices if one.column == gate.slice
    ]
    enough = [(name, rows) for name, rows in groups if len(rows) >= gate.min_rows]
    if not enough:
        found = max((len(rows) for _, rows in groups), default=0)
        outcome = "too_few_rows" if rival is None else "not_comparable"
        return _undecided(gate, outcome, f"{found} rows, the gate wants {gate.min_rows}")
    findings = [one for name, rows in enough if (one := _find(gate, trial, rival, name, rows)) is not None]
    if not findings:
        return _undefined(gate, sum(len(rows) for _, rows in enough))
    return _verdict(gate, findings)


def _rival(gate: Gate, trial: Trial) -> Rival | None:
    match gate.than:
        case "champion":
            return trial.champion
        case "baseline":
            return trial.baseline
        case _:
            return None


def _find(gate: Gate, trial: Trial, rival: Rival | None, name: str | None, rows_B: Array) -> Finding | None:
    """None where the metric is undefined on these rows."""
    truth = trial.truth.take(rows_B)
    value = score(gate.metric, truth, trial.predictions_BO[rows_B])
    theirs = None if rival is None else score(gate.metric, truth, rival.predictions_BO[rows_B])
    if value is None or (rival is not None and theirs is None):
        return None
    sign = 1.0 if METRICS[truth.task][gate.metric] else -1.0
    if theirs is not None:
        bound = theirs - sign * (gate.worse_by_at_most or 0.0)
        return Finding(name, len(rows_B), value, bound, sign * (value - bound))
    bounds = [(gate.at_least, 1.0), (gate.at_most, -1.0)]
    margins = [(direction * (value - bound), bound) for bound, direction in bounds if bound is not None]
    margin, bound = min(margins)
    return Finding(name, len(rows_B), value, bound, margin)


def _verdict(gate: Gate, findings: Sequence[Finding]) -> GateResult:
    worst = min(findings, key=lambda one: (one.margin, one.name or ""))
    failed = [one for one in findings if one.margin < -ROUNDING]
    where = f" at {worst.name}" if worst.name else ""
    detail = f"{worst.value:.4f}{where} on {worst.rows} rows, bound {worst.bound:.4f}"
    if gate.slice is not None:
        detail += f"; {len(failed)} of {len(findings)} slices fail"
    return GateResult(
        gate=describe(gate), outcome="failed" if failed else "passed", passed=not failed, value=worst.value,
        bound=worst.bound, detail=detail,
    )


def _undecided(gate: Gate, outcome: str, detail: str) -> GateResult:
    assert outcome in ("not_comparable", "too_few_rows")
    return GateResult(
        gate=describe(gate), outcome="not_comparable" if outcome == "not_comparable" else "too_few_rows",
        passed=gate.if_incomparable == "pass", value=None, bound=None, detail=detail,
    )


def _undefined(gate: Gate, rows: int) -> GateResult:
    """A metric that nothing defines says nothing good: on slices there is nothing to judge, over all rows it fails."""
    detail = f"{gate.metric} is undefined on {rows} rows (only one class among them?)"
    if gate.slice is not None:
        return _undecided(gate, "too_few_rows", detail)
    return GateResult(gate=describe(gate), outcome="failed", passed=False, value=None, bound=None, detail=detail)


def describe(gate: Gate) -> str:
    """The gate in words, as results and `status` show it."""
    where = "" if gate.slice is None else f" by {gate.slice}"
    if gate.than is not None:
        return f"{gate.metric}{where} at most {gate.worse_by_at_most or 0.0:g} worse than the {gate.than}"
    bounds = (("at least", gate.at_least), ("at most", gate.at_most))
    return f"{gate.metric}{where} " + " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
