"""The verdict on one window of one version: tests per column, corrected for their number, with a least effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlsystem_runtime.contract.monitor_state import DriftTest, Verdict
from mlsystem_runtime.monitor.statistics import Counts, Outcome, Psi, chi_square, holm, ks, psi, rates
from mlsystem_runtime.serve.cells import GridColumn, Tally

MIN_ROWS = 50
LEAST_EFFECT = 0.01   # drift that moves less than one row in a hundred is not worth an alarm, however sure it is
PREDICTION = "prediction:"


@dataclass(frozen=True)
class Watch:
    """What of a version is tested: these inputs, its predictions, and whether values go missing."""

    columns: frozenset[str]
    predictions: bool
    missing: bool


@dataclass(frozen=True)
class Place:
    """A column of the grid, what a window counted in its cells, and its name in the state."""

    column: GridColumn
    counts: tuple[int, ...]
    name: str


@dataclass(frozen=True)
class Tested:
    """One test before the correction."""

    column: str
    test: Literal["ks", "chi_square", "missing"]
    rows: int
    outcome: Outcome
    psi: Psi | None = None

    @property
    def enough(self) -> bool:
        return self.rows >= MIN_ROWS and self.outcome.p_value is not None


def judge(tally: Tally, watch: Watch, level: float) -> tuple[Verdict, tuple[DriftTest, ...]]:
    """With probability at most `level` any test alarms where nothing has changed.

    A column with fewer than MIN_ROWS rows, nulls left out, gets "too_little_data" and uses none of the level; so does
    the window when every column does.
    """
    tests = [one for place in _columns(tally, watch) for one in _tests(place, watch)]
    p_values = [one.outcome.p_value for one in tests if one.enough and one.outcome.p_value is not None]
    bounds = iter(holm(p_values, level))
    told = tuple(_told(one, next(bounds) if one.enough else 0.0) for one in tests)
    verdicts = {test.verdict for test in told}
    if "drift" in verdicts:
        return "drift", told
    return ("no_drift" if "no_drift" in verdicts else "too_little_data"), told


def _columns(tally: Tally, watch: Watch) -> list[Place]:
    inputs = [
        Place(column, tuple(counts), column.name)
        for column, counts in zip(tally.grid.inputs, tally.inputs, strict=True)
        if column.name in watch.columns
    ]
    predictions = [
        Place(column, tuple(counts), PREDICTION + column.name)
        for column, counts in zip(tally.grid.predictions, tally.predictions, strict=True)
    ]
    return inputs + (predictions if watch.predictions else [])


def _tests(place: Place, watch: Watch) -> list[Tested]:
    """The last cell counts nulls: it has a test of its own and is no part of the distribution."""
    reference = np.array(place.column.training, dtype=np.int64)
    window = np.array(place.counts, dtype=np.int64)
    tests = [_distribution(place, reference[:-1], window[:-1])]
    if watch.missing:
        rows, other = int(window.sum()), int(reference.sum())
        tests.append(Tested(place.name, "missing", rows, rates(int(window[-1]), rows, int(reference[-1]), other)))
    return tests


def _distribution(place: Place, reference: Counts, window: Counts) -> Tested:
    rows = int(window.sum())
    if place.column.numeric:
        return Tested(place.name, "ks", rows, ks(reference, window), psi(reference, window))
    return Tested(place.name, "chi_square", rows, chi_square(reference, window))


def _told(one: Tested, bound: float) -> DriftTest:
    p_value, effect = one.outcome.p_value, one.outcome.effect
    drifts = p_value is not None and p_value <= bound and effect >= LEAST_EFFECT
    verdict: Verdict = "too_little_data" if not one.enough else "drift" if drifts else "no_drift"
    return DriftTest(
        column=one.column, test=one.test, verdict=verdict, p_value=p_value, threshold=bound, effect=round(effect, 6),
        psi=None if one.psi is None else round(one.psi.value, 6),
        psi_critical=None if one.psi is None else round(one.psi.critical, 6),
    )
