"""`monitor/MODEL.json`: what the monitor knows of one model; written by the monitor, shown by `mlsystem status`."""

from __future__ import annotations

from typing import Literal

from mlsystem_runtime.contract.base import Struct

FORMAT = 1
Verdict = Literal["no_drift", "drift", "too_little_data"]


class DriftTest(Struct):
    """One two-sample test of a window against the training reference.

    `effect` is the share of rows that moved: the KS distance, the total variation, or the difference of missing rates.
    `threshold` is the p-value below which this test alarms, after correction for the number of tests. `psi_critical` is
    the value that `psi` exceeds in one of twenty windows without any drift.
    """

    column: str
    test: Literal["ks", "chi_square", "missing"]
    verdict: Verdict
    p_value: float | None
    threshold: float
    effect: float
    psi: float | None = None
    psi_critical: float | None = None


class WindowState(Struct):
    """One drift window on the environment's clock, `end_us` exclusive. `complete` once the clock has passed its end.

    A window in progress is looked at each time its rows double (`looks` says how often so far); every look and the
    closing one have their share of the window's false alarms.
    """

    version: int
    start_us: int
    end_us: int
    rows: int
    complete: bool
    looks: int
    verdict: Verdict
    tests: tuple[DriftTest, ...]


class FreshnessState(Struct):
    """`age_us` is the environment's clock less the newest row's event time; None where nothing was ingested."""

    source: str
    newest_us: int | None
    age_us: int | None
    limit_us: int
    fresh: bool


class SliState(Struct):
    """Shares over the SLO's window, None where there was no valid request; `met` compares them with the objectives."""

    valid: int
    availability: float | None
    fast: float | None
    availability_objective: float | None
    fast_objective: float | None
    latency_us: int | None
    met: bool


class RefreshState(Struct):
    """Times are wall clock; `done_us` is when it last ended well. `failure` is the last lines of the step that failed
    last, None since it went well. `run` is the one that was counted last, where an engine of its own runs them."""

    steps: tuple[str, ...]
    every_us: int
    runs: int
    failures: int
    started_us: int | None
    finished_us: int | None
    failure: str | None
    done_us: int | None = None
    run: str | None = None


class Refreshes(Struct):
    """`refreshes.json`: by name, where an engine of its own runs them; each writes its own when it has ended."""

    states: dict[str, RefreshState]


REFRESHES = "refreshes.json"


class AlertState(Struct):
    """What is wrong now. `since_us` and `notified_us` are on the environment's clock."""

    key: str
    message: str
    since_us: int
    notified_us: int


class MonitorState(Struct):
    """`window` is the one in progress, `last` the last complete one that had enough rows to judge.

    `judged_until_us` is the end of the last complete window that was looked at. `proposed_us` is when (environment's
    clock) a retraining was last proposed, `evidence` what that proposal rested on.
    """

    format: int
    model: str
    clock_us: int | None
    written_us: int
    window: WindowState | None = None
    last: WindowState | None = None
    judged_until_us: int | None = None
    windows_judged: int = 0
    windows_drifted: int = 0
    freshness: tuple[FreshnessState, ...] = ()
    sli: SliState | None = None
    refreshes: tuple[RefreshState, ...] = ()
    alerts: tuple[AlertState, ...] = ()
    proposed_us: int | None = None
    evidence: str | None = None
