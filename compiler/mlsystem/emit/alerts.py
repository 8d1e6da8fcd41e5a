"""What is said of a running system; each alert with the cases that prove when it fires.

What is said of its service level is in `burn`: these rules look at the last few minutes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from mlsystem.emit.burn import burn_alerts, recordings
from mlsystem.emit.contract import refreshes
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.emit.promql import fast, plain, seconds, series
from mlsystem.emit.rules import Alert, Case, Group
from mlsystem.system.burn import MINUTE_US
from mlsystem.system.nodes import ModelNode
from mlsystem_runtime.contract import names
from mlsystem_runtime.contract.identity import stored_groups
from mlsystem_runtime.contract.quantities import duration
from mlsystem_runtime.contract.run import Refresh

WINDOW = 5
"""Minutes, of rates; and how long something has to be so before it is said."""
ONSET = 10
"""Minutes into a case that what is wrong begins."""


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


def rate(selected: str) -> str:
    return f"sum(rate({selected}[{WINDOW}m]))"


def served(cluster: Cluster, model: ModelNode) -> Iterator[Alert]:
    """What the server of a model says itself, and that it says nothing."""
    yield from burn_alerts(cluster, model)
    yield from counted(cluster, model)
    yield from asked(cluster, model)
    up = series("up", cluster, model.name, component="server")
    share = series(names.RELEASE_SHARE, cluster, model.name)
    yield Alert(
        "MlsystemServerAbsent", f"max(absent({up} == 1))", WINDOW, "critical",
        f"No server of {model.name} answers", "Prometheus reaches no pod of the endpoint.",
        (Case(((up, f"1x{ONSET} 0x30"),), after()),), model.name,
    )  # fmt: skip
    yield Alert(
        "MlsystemNoRelease", f"max(absent({share})) and on () (sum({up}) > 0)", 30, "warning",
        f"No version of {model.name} is released", "Servers are up and have nothing to answer with.",
        (Case(((up, "1x60"),), 30),), model.name,
    )  # fmt: skip
    yield from counters(cluster, model)


def counted(cluster: Cluster, model: ModelNode) -> Iterator[Alert]:
    """Without these series nothing can be said of a service level, and silence would look like success."""
    name, needed = model.name, judged_by(cluster, model)
    up = series("up", cluster, name, component="server")
    absent = " or ".join(f"absent({one})" for one in needed)
    if needed:
        yield Alert(
            "MlsystemNotCounted", f"max({absent}) and on () (sum({up}) > 0)", 15, "warning",
            f"Requests to {name} are not counted", "Servers are up, and do not say what objectives are judged by.",
            tuple(Case(((up, "1x60"), *((one, "0x60") for one in needed if one != gone)), 15) for gone in needed), name,
        )  # fmt: skip


def judged_by(cluster: Cluster, model: ModelNode) -> tuple[str, ...]:
    """Series that a server exports from its start, before anybody asks it."""
    slo, name = model.serving.slo, model.name
    errors = series(names.REQUESTS, cluster, name, version="", outcome="error")
    within = (fast(cluster, name, slo),) if slo.latency_us is not None else ()
    return (errors, *within) if within or slo.availability is not None else ()


def asked(cluster: Cluster, model: ModelNode) -> Iterator[Alert]:
    """Whether as many ask as `serving.traffic` says."""
    name, traffic = model.name, model.serving.traffic
    requests = series(names.REQUESTS, cluster, name)
    one = series(names.REQUESTS, cluster, name, version="1", outcome="ok")
    if traffic.peak_rps is not None:
        peak = Decimal(str(traffic.peak_rps))
        yield Alert(
            "MlsystemTrafficAbovePeak", f"{rate(requests)} > {plain(peak)}", 15, "warning",
            f"More is asked of {name} than was planned for",
            f"More than {plain(peak)} requests a second: replicas were derived for no more.",
            (Case(((one, starts(plain(peak * 120))),), ONSET + WINDOW // 2 + 1 + 15),), name,
        )  # fmt: skip
    if traffic.mean_rps is not None and (minutes := unlikely_minutes(traffic.mean_rps)) is not None:
        yield Alert(
            "MlsystemNoTraffic", f"sum(increase({requests}[{minutes}m])) == 0", 0, "warning",
            f"Nobody asks {name}",
            f"{duration(minutes * MINUTE_US)} without a request, where {traffic.mean_rps:g} a second are expected.",
            (Case(((one, f"0+60x{ONSET} {ONSET * 60}x{minutes + 30}"),), ONSET + minutes),), name,
        )  # fmt: skip


def unlikely_minutes(mean_rps: float) -> int | None:
    """For how long nobody asks only if something is wrong: at a twentieth of the mean, as at night, ten requests would
    come. None: longer than a day."""
    minutes = max(15, math.ceil(10 * 20 / mean_rps / 300) * 5)
    return minutes if minutes <= 24 * 60 else None


def counters(cluster: Cluster, model: ModelNode) -> Iterator[Alert]:
    """Counters of the server that should stand still."""
    name = model.name
    failures, dropped = series(names.RELEASE_FAILURES, cluster, name), series(names.LOG_DROPPED, cluster, name)
    yield Alert(
        "MlsystemReleaseNotFollowed", f"sum(increase({failures}[{2 * WINDOW}m])) > 0", WINDOW, "warning",
        f"A release of {name} cannot be followed", "What answered before goes on; the server's log says why.",
        (Case(((failures, starts()),), after()),), name,
    )  # fmt: skip
    yield Alert(
        "MlsystemPredictionLogLost", f"sum(increase({dropped}[15m])) > 0", 0, "warning",
        f"Predictions of {name} are not logged", "Records could not be written and are lost; answers are not.",
        (Case(((dropped, starts()),), ONSET + 1),), name,
    )  # fmt: skip
    if stored_groups(model.contract):
        missing = series(names.MISSING_FEATURES, cluster, name, cause="store_unreachable")
        one = series(names.MISSING_FEATURES, cluster, name, cause="store_unreachable", feature="f")
        yield Alert(
            "MlsystemStoreUnreachable", f"{rate(missing)} > 0", WINDOW, "critical",
            f"{name} cannot read its features", "The online store does not answer, or holds nothing of a group.",
            (Case(((one, starts()),), after()),), name,
        )  # fmt: skip


def watched(cluster: Cluster, model: ModelNode) -> Iterator[Alert]:
    """What the monitor says of a model, and that it says nothing."""
    name, limit_us = model.name, model.monitoring.freshness_us
    look = series(names.MONITOR_LOOK, cluster, name)
    yield Alert(
        "MlsystemMonitorAbsent", f"max(absent({look})) or time() - max({look}) > {WINDOW * 60}", 2 * WINDOW, "warning",
        f"Nobody watches {name}", "The monitor has not looked at it: drift, freshness and alerts stand still.",
        (Case(((look, f"0+60x{ONSET} {ONSET * 60}x40"),), ONSET + WINDOW + 1 + 2 * WINDOW),), name,
    )  # fmt: skip
    if limit_us is not None:
        age = series(names.SOURCE_AGE, cluster, name)
        one = series(names.SOURCE_AGE, cluster, name, source="s")
        yield Alert(
            "MlsystemSourceStale", f"max by (source) ({age}) > {seconds(limit_us)}", WINDOW, "warning",
            f"A source of {name} is not fresh",
            f"The newest row of {{{{ $labels.source }}}} is older than {duration(limit_us)}.",
            (Case(((one, f"0x{ONSET} {limit_us // 1_000_000 + 1}x30"),), after(), labels=(("source", "s"),)),), name,
        )  # fmt: skip
    if model.monitoring.drift is not None:
        drifted = series(names.DRIFTED, cluster, name)
        yield Alert(
            "MlsystemDrift", f"max({drifted}) == 1", 0, "warning", f"What {name} is asked has changed",
            "The newest window of requests or predictions differs from what it was trained on.",
            (Case(((drifted, f"0x{ONSET} 1x30"),), ONSET + 1),), name,
        )  # fmt: skip


def healthy(cluster: Cluster, model: ModelNode) -> tuple[tuple[str, str], ...]:
    """The series without which something is said of a model: in the case of another one, this one is well."""
    return (
        (series("up", cluster, model.name, component="server"), "1x60"),
        (series(names.RELEASE_SHARE, cluster, model.name, version="1"), "1x60"),
        (series(names.MONITOR_LOOK, cluster, model.name), "0+60x60"),
        *((one, "0x60") for one in judged_by(cluster, model)),
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
        (Case(((ended["done"], "100x60"), (ended["failed"], f"0x{ONSET} 200x30")), ONSET + 1),),
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
        (Case(((end, f"{past}x60"),), ONSET + 1),),
    )  # fmt: skip


def after() -> int:
    """The minute at which an alert fires when all goes wrong from ONSET on, and has to be so for WINDOW minutes."""
    return ONSET + 1 + WINDOW


def starts(every: str = "60") -> str:
    """A counter that stands still until ONSET, and then grows by this much in a minute."""
    return f"0x{ONSET} {every}+{every}x60"
