"""What is recorded and what is said of a running system; each alert with the case that proves when it fires.

Burn rates of error budgets are not among them: these rules look at the last five minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from mlsystem.emit.contract import refreshes
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.emit.promql import beyond, fast, plain, seconds, series, valid
from mlsystem.system.nodes import ModelNode
from mlsystem_runtime.contract import names
from mlsystem_runtime.contract.identity import stored_groups
from mlsystem_runtime.contract.quantities import duration, percent
from mlsystem_runtime.contract.run import Refresh

WINDOW = 5
"""Minutes, of rates; and how long something has to be so before it is said."""
FEWEST = 2
"""Bad requests in a window that are no more than bad luck."""
ONSET = 10
"""Minutes into a case that what is wrong begins."""
VALUE = "{{ $value | humanizePercentage }}"

ANSWERS = f"mlsystem:answers:rate{WINDOW}m"
REQUESTS = f"mlsystem:requests:rate{WINDOW}m"
SLOW = f"mlsystem:slow_answers:ratio_rate{WINDOW}m"
ERRORS = f"mlsystem:errors:ratio_rate{WINDOW}m"


@dataclass(frozen=True)
class Case:
    """`input` maps series to values, one a minute. The alert fires at minute `fires`, not at the one before."""

    input: tuple[tuple[str, str], ...]
    fires: int
    value: str = ""
    """What stands for VALUE then."""
    labels: tuple[tuple[str, str], ...] = ()
    """Beside those of the rule."""


@dataclass(frozen=True)
class Recording:
    record: str
    expression: str


@dataclass(frozen=True)
class Alert:
    """`minutes`: how long it has to be so. `model` None: of the whole system."""

    name: str
    expression: str
    minutes: int
    severity: Literal["critical", "warning"]
    summary: str
    description: str
    case: Case
    model: str | None = None


@dataclass(frozen=True)
class Group:
    """Evaluated in this order, so that alerts see what was recorded before them."""

    name: str
    origin: str
    model: str | None
    recordings: tuple[Recording, ...]
    alerts: tuple[Alert, ...]


def groups(cluster: Cluster) -> tuple[Group, ...]:
    """One per endpoint and one for the system."""
    endpoints = tuple(
        Group(
            name=f"{cluster.instance}-endpoint-{model.name}",
            origin=f"endpoint.{model.name}",
            model=model.name,
            recordings=tuple(recordings(cluster, model)),
            alerts=(*served(cluster, model), *watched(cluster, model)),
        )
        for model in cluster.system.models
    )
    system = Group(f"{cluster.instance}-pipeline", "infrastructure.environment", None, (), tuple(pipeline(cluster)))
    return (*endpoints, system)


def recordings(cluster: Cluster, model: ModelNode) -> Iterator[Recording]:
    """Rates per second and shares. A share is of what there was: without requests there is none."""
    counted = rate(valid(cluster, model.name))
    answered = rate(series(names.REQUESTS, cluster, model.name, outcome="ok"))
    yield Recording(REQUESTS, counted)
    yield Recording(ANSWERS, answered)
    yield Recording(ERRORS, f"1 - ({answered} or vector(0)) / {counted}")
    if model.serving.slo.latency_us is not None:
        within = rate(fast(cluster, model.name, model.serving.slo))
        yield Recording(SLOW, f"1 - {within} / {rate(series(f'{names.LATENCY}_count', cluster, model.name))}")


def rate(selected: str) -> str:
    return f"sum(rate({selected}[{WINDOW}m]))"


def served(cluster: Cluster, model: ModelNode) -> Iterator[Alert]:
    """What the server of a model says itself, and that it says nothing."""
    yield from service_level(cluster, model)
    up = series("up", cluster, model.name, component="server")
    share = series(names.RELEASE_SHARE, cluster, model.name)
    yield Alert(
        "MlsystemServerAbsent", f"max(absent({up} == 1))", WINDOW, "critical",
        f"No server of {model.name} answers", "Prometheus reaches no pod of the endpoint.",
        Case(((up, f"1x{ONSET} 0x30"),), after()), model.name,
    )  # fmt: skip
    yield Alert(
        "MlsystemNoRelease", f"max(absent({share})) and on () (sum({up}) > 0)", 30, "warning",
        f"No version of {model.name} is released", "Servers are up and have nothing to answer with.",
        Case(((up, "1x60"),), 30), model.name,
    )  # fmt: skip
    yield from counters(cluster, model)


def service_level(cluster: Cluster, model: ModelNode) -> Iterator[Alert]:
    """More than the share that the objective leaves, in a whole window and in more than a few requests."""
    slo, name = model.serving.slo, model.name
    if slo.latency_us is not None and slo.objective is not None:
        within, answers = fast(cluster, name, slo), series(f"{names.LATENCY}_count", cluster, name)
        ok = series(names.REQUESTS, cluster, name, version="1", outcome="ok")
        threshold = duration(slo.latency_us)
        yield Alert(
            "MlsystemSlowAnswers", exceeds(cluster, name, SLOW, ANSWERS, beyond(slo.objective)), WINDOW, "warning",
            f"{name} answers slowly",
            f"{VALUE} of its answers take longer than {threshold}; {percent(slo.objective)} should not.",
            Case(((within, stops()), (answers, "0+60x40"), (ok, "0+60x40")),
                 after(beyond(slo.objective)), "100%"), name,
        )  # fmt: skip
    if slo.availability is not None:
        ok = series(names.REQUESTS, cluster, name, version="1", outcome="ok")
        error = series(names.REQUESTS, cluster, name, version="", outcome="error")
        yield Alert(
            "MlsystemErrors", exceeds(cluster, name, ERRORS, REQUESTS, beyond(slo.availability)), WINDOW, "critical",
            f"Requests to {name} fail", f"{VALUE} of them get no answer; {percent(slo.availability)} should get one.",
            Case(((ok, stops()), (error, starts())), after(beyond(slo.availability)), "100%"), name,
        )  # fmt: skip


def exceeds(cluster: Cluster, model: str, share: str, among: str, allowed: Decimal) -> str:
    bad, all_of_them = series(share, cluster, model), series(among, cluster, model)
    return f"{bad} > {plain(allowed)} and {bad} * {all_of_them} * {WINDOW * 60} > {FEWEST}"


def counters(cluster: Cluster, model: ModelNode) -> Iterator[Alert]:
    """Counters of the server that should stand still."""
    name = model.name
    failures, dropped = series(names.RELEASE_FAILURES, cluster, name), series(names.LOG_DROPPED, cluster, name)
    yield Alert(
        "MlsystemReleaseNotFollowed", f"sum(increase({failures}[{2 * WINDOW}m])) > 0", WINDOW, "warning",
        f"A release of {name} cannot be followed", "What answered before goes on; the server's log says why.",
        Case(((failures, starts()),), after()), name,
    )  # fmt: skip
    yield Alert(
        "MlsystemPredictionLogLost", f"sum(increase({dropped}[15m])) > 0", 0, "warning",
        f"Predictions of {name} are not logged", "Records could not be written and are lost; answers are not.",
        Case(((dropped, starts()),), ONSET + 1), name,
    )  # fmt: skip
    if stored_groups(model.contract):
        missing = series(names.MISSING_FEATURES, cluster, name, cause="store_unreachable")
        one = series(names.MISSING_FEATURES, cluster, name, cause="store_unreachable", feature="f")
        yield Alert(
            "MlsystemStoreUnreachable", f"{rate(missing)} > 0", WINDOW, "critical",
            f"{name} cannot read its features", "The online store does not answer, or holds nothing of a group.",
            Case(((one, starts()),), after()), name,
        )  # fmt: skip


def watched(cluster: Cluster, model: ModelNode) -> Iterator[Alert]:
    """What the monitor says of a model, and that it says nothing."""
    name, limit_us = model.name, model.monitoring.freshness_us
    look = series(names.MONITOR_LOOK, cluster, name)
    yield Alert(
        "MlsystemMonitorAbsent", f"max(absent({look})) or time() - max({look}) > {WINDOW * 60}", 2 * WINDOW, "warning",
        f"Nobody watches {name}", "The monitor has not looked at it: drift, freshness and alerts stand still.",
        Case(((look, f"0+60x{ONSET} {ONSET * 60}x40"),), ONSET + WINDOW + 1 + 2 * WINDOW), name,
    )  # fmt: skip
    if limit_us is not None:
        age = series(names.SOURCE_AGE, cluster, name)
        one = series(names.SOURCE_AGE, cluster, name, source="s")
        yield Alert(
            "MlsystemSourceStale", f"max by (source) ({age}) > {seconds(limit_us)}", WINDOW, "warning",
            f"A source of {name} is not fresh",
            f"The newest row of {{{{ $labels.source }}}} is older than {duration(limit_us)}.",
            Case(((one, f"0x{ONSET} {limit_us // 1_000_000 + 1}x30"),), after(), labels=(("source", "s"),)), name,
        )  # fmt: skip
    if model.monitoring.drift is not None:
        drifted = series(names.DRIFTED, cluster, name)
        yield Alert(
            "MlsystemDrift", f"max({drifted}) == 1", 0, "warning", f"What {name} is asked has changed",
            "The newest window of requests or predictions differs from what it was trained on.",
            Case(((drifted, f"0x{ONSET} 1x30"),), ONSET + 1), name,
        )  # fmt: skip


def healthy(cluster: Cluster, model: str) -> tuple[tuple[str, str], ...]:
    """The series without which something is said of a model: in the case of another one, this one is well."""
    return (
        (series("up", cluster, model, component="server"), "1x60"),
        (series(names.RELEASE_SHARE, cluster, model, version="1"), "1x60"),
        (series(names.MONITOR_LOOK, cluster, model), "0+60x60"),
    )


def pipeline(cluster: Cluster) -> Iterator[Alert]:
    for refresh in refreshes(cluster.system):
        yield late(cluster, refresh)
    ended = {
        outcome: series(names.RUN_END, cluster, outcome=outcome) for outcome in ("failed", "=~done|blocked", "done")
    }
    good = f"(max({ended['=~done|blocked']}) or vector(0))"
    yield Alert(
        "MlsystemRunFailed", f"max({ended['failed']}) > {good}", 0, "warning", "The last run of the pipeline failed",
        "What was released before goes on answering; the next run goes on where this one ended.",
        Case(((ended["done"], "100x60"), (ended["failed"], f"0x{ONSET} 200x30")), ONSET + 1),
    )  # fmt: skip


def late(cluster: Cluster, refresh: Refresh) -> Alert:
    """Three periods: one run may fail, and one take its time."""
    every, allowed_us = duration(refresh.every_us), 3 * refresh.every_us
    assert every is not None
    end = series(names.REFRESH_END, cluster, refresh=every, outcome="done")
    past = ONSET * 60 - allowed_us // 1_000_000
    return Alert(
        "MlsystemRefreshLate", f"time() - max({end}) > {seconds(allowed_us)}", 0, "warning",
        f"The online store is not refreshed every {every}",
        f"No refresh has ended well for {duration(allowed_us)}; features grow old.",
        Case(((end, f"{past}x60"),), ONSET + 1),
    )  # fmt: skip


def after(allowed: Decimal = Decimal(0)) -> int:
    """The minute at which an alert fires when all goes wrong from ONSET on.

    After k minutes k parts of the window are bad; k is the least that is more than allowed. From then on it waits.
    """
    return ONSET + int(WINDOW * allowed) + 1 + WINDOW


def stops() -> str:
    """A counter of one a second that stands still from ONSET on."""
    return f"0+60x{ONSET} {ONSET * 60}x30"


def starts() -> str:
    """A counter that stands still until then."""
    return f"0x{ONSET} 60+60x30"
