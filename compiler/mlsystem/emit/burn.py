"""Alerts on how fast the error budgets of an endpoint are spent, and what they need recorded.

A valid request is any but those that were wrong or whose caller went away. It is bad for the objective of availability
when it got no answer, and for that of latency when it did not get one in time. Shares are always of requests: what
happens at night, when few come, weighs as little as there were.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.emit.promql import bad, exact, fast, series, valid
from mlsystem.emit.rules import VALUE, Alert, Case, Recording
from mlsystem.emit.timeline import Timeline, shown_share
from mlsystem.system.burn import MINUTE_US, Burn, burns
from mlsystem.system.nodes import ModelNode
from mlsystem_runtime.contract import names
from mlsystem_runtime.contract.quantities import duration, percent

FEWEST = 2
"""Bad requests in a long window that are no more than bad luck."""
COUNTED = 5
"""Minutes of the shortest window, of which the longest ones are made."""
RECORDED = 60
"""Minutes of the window that is recorded whatever alerts there are: a period's budget is added up from it."""
LOOKS = 15
"""Minutes from one look to the next in cases that take days: so they pass in seconds."""
LONGEST_COUNTED = 6 * 60
"""Minutes up to which a window is read from the counters: beyond it is the mean of what was recorded every time."""

REQUESTS, ERRORS, LATE = "requests", "errors", "late"


@dataclass(frozen=True)
class Objective:
    """`kind` names its bad requests, `words` say of a share of requests that it is bad, and how much may not be."""

    name: str
    kind: str
    share: float
    words: str
    burns: tuple[Burn, ...]


def objectives(model: ModelNode) -> Iterator[Objective]:
    """Availability comes first: what got no answer is late too, and is said once."""
    slo = model.serving.slo
    if slo.availability is not None:
        found = tuple(burns(slo.availability, slo.window_us))
        words = f"get no answer; {percent(slo.availability)} should get one"
        yield Objective("Availability", ERRORS, slo.availability, words, found)
    if slo.latency_us is not None and slo.objective is not None:
        found = tuple(burns(slo.objective, slo.window_us))
        words = f"are not answered within {duration(slo.latency_us)}; {percent(slo.objective)} should be"
        yield Objective("Latency", LATE, slo.objective, words, found)


def recorded(cluster: Cluster, model: ModelNode, kind: str, minutes: int) -> str:
    """The series of what `kind` counts, per second over a window."""
    return series(record(kind, minutes), cluster, model.name)


def record(kind: str, minutes: int) -> str:
    return f"mlsystem:{kind}:rate{duration(minutes * MINUTE_US)}"


def recordings(cluster: Cluster, model: ModelNode) -> Iterator[Recording]:
    """The shortest windows first: the longest are made of them."""
    wanted: dict[int, list[str]] = {}
    for objective in objectives(model):
        for minutes in (COUNTED, RECORDED, *windows(objective)):
            wanted.setdefault(minutes, [REQUESTS]).append(objective.kind)
    for minutes in sorted({COUNTED, *wanted}):
        for kind in dict.fromkeys(wanted.get(minutes, [REQUESTS])):
            yield Recording(record(kind, minutes), rate(cluster, model, kind, minutes))


def windows(objective: Objective) -> Iterator[int]:
    for burn in fireable(objective):
        yield from (burn.windows.long, burn.windows.short)


def fireable(objective: Objective) -> tuple[Burn, ...]:
    return tuple(burn for burn in objective.burns if burn.can_fire)


def rate(cluster: Cluster, model: ModelNode, kind: str, minutes: int) -> str:
    window = f"[{duration(minutes * MINUTE_US)}]"
    if minutes > LONGEST_COUNTED:
        return f"avg_over_time({recorded(cluster, model, kind, COUNTED)}{window})"
    requests = f"sum(rate({valid(cluster, model.name)}{window}))"
    if kind == REQUESTS:
        return requests
    if kind == ERRORS:
        return f"sum(rate({bad(cluster, model.name)}{window}))"
    return f"{requests} - sum(rate({fast(cluster, model.name, model.serving.slo)}{window}))"


def burn_alerts(cluster: Cluster, model: ModelNode) -> Iterator[Alert]:
    """Pages before tickets. Each is silent while a page before it says what it would say."""
    paged: list[str] = []
    for severity in ("critical", "warning"):
        for objective in objectives(model):
            found = tuple(burn for burn in fireable(objective) if burn.windows.severity == severity)
            name = alert_name(objective, severity)
            if found:
                before = [one for one in paged if severity == "critical" or covers(one, objective)]
                yield burn_alert(cluster, model, objective, name, found, before)
                paged += [name] if severity == "critical" else []


def covers(page: str, objective: Objective) -> bool:
    """Whether a ticket for this objective says no more than the page: errors are late too, late answers no errors."""
    return objective.kind == LATE or page == alert_name(objective, "critical")


def alert_name(objective: Objective, severity: str) -> str:
    return f"Mlsystem{objective.name}Burns{'Fast' if severity == 'critical' else 'Slowly'}"


def burn_alert(
    cluster: Cluster, model: ModelNode, objective: Objective, name: str, found: tuple[Burn, ...], paged: list[str]
) -> Alert:
    severity, period_us = found[0].windows.severity, model.serving.slo.window_us
    speed = "fast" if severity == "critical" else "too fast"
    any_of_them = " or ".join(f"({burning(cluster, model, objective, burn)})" for burn in found)
    return Alert(
        name, f"({any_of_them}){unless(cluster, model, paged)}" if paged else any_of_them, 0, severity,
        f"{model.name} spends its budget for {objective.name.lower()} {speed}",
        f"{VALUE} of the requests {objective.words}. Of the budget for {duration(period_us)},"
        f" {' or '.join(spent(burn, period_us) for burn in found)}.",
        tuple(cases(cluster, model, objective, found)), model.name,
    )  # fmt: skip


def spent(burn: Burn, period_us: int) -> str:
    """In words: which part of the budget goes in the long window."""
    long_us = burn.windows.long * MINUTE_US
    return f"{float(burn.factor * long_us / period_us) * 100:.3g}% is gone in {duration(long_us)}"


def burning(cluster: Cluster, model: ModelNode, objective: Objective, burn: Burn) -> str:
    """In the long window, in the short one, and in more than a few requests: where few come one that fails is a large
    share of them, and where they all fail a few are enough."""
    long, short = burn.windows.long, burn.windows.short
    above = " and ".join(
        f"{recorded(cluster, model, objective.kind, minutes)} / {recorded(cluster, model, REQUESTS, minutes)}"
        f" > {exact(burn.threshold)}" for minutes in (long, short)
    )  # fmt: skip
    return f"{above} and {recorded(cluster, model, objective.kind, long)} * {long * 60} > {FEWEST}"


def unless(cluster: Cluster, model: ModelNode, paged: list[str]) -> str:
    alerts = series("ALERTS", cluster, model.name, alertname=f"=~{'|'.join(paged)}", alertstate="firing")
    return f" unless on (system, environment, model) {alerts}"


def cases(cluster: Cluster, model: ModelNode, objective: Objective, found: tuple[Burn, ...]) -> Iterator[Case]:
    """For each pair of windows a share of bad requests that is too much for it and for none that is faster; and nine
    tenths of what would be too much."""
    faster = {*(burn.threshold for burn in fireable(objective)), Fraction(1)}
    for threshold in sorted({burn.threshold for burn in found}, reverse=True):
        share = share_between(threshold, min(one for one in faster if one > threshold), found)
        line = Timeline(share, history=max(burn.windows.long for burn in found))
        yield firing(cluster, model, objective, found, line)
    below = Timeline(min(burn.threshold for burn in found) * 9 / 10, history=0)
    yield Case(counted(cluster, model, objective, below), None, silent=(60, 90))


def share_between(threshold: Fraction, above: Fraction, found: tuple[Burn, ...]) -> Fraction:
    """A share at which nothing is reached exactly when it is looked at, and nothing shown lies between two numbers."""
    share = min((threshold + above) / 2, threshold * Fraction(34, 25))
    while any(at_an_edge(burn, share) for burn in found):
        share = (share + threshold * 99) / 100
    return share


def at_an_edge(burn: Burn, share: Fraction) -> bool:
    """Whether the rounding of Prometheus, which counts in binary, would decide."""
    seen, little = bad_when_seen(burn, share), Fraction(1, 10**9)
    exactly = (moment(burn, share) / step(burn)).denominator == 1
    return exactly or shown_share(seen * (1 - little)) != shown_share(seen * (1 + little))


def bad_when_seen(burn: Burn, share: Fraction) -> Fraction:
    """Of the requests in the long window, when there are seen to be too many."""
    return burn.threshold * detection(burn, share) / moment(burn, share)


def firing(cluster: Cluster, model: ModelNode, objective: Objective, found: tuple[Burn, ...], line: Timeline) -> Case:
    """Bad requests come at a constant share until the alert fires, and then no more."""
    minutes = {burn: detection(burn, line.share) for burn in found if burn.threshold < line.share}
    spoken = [burn for burn in minutes if minutes[burn] == min(minutes.values())]
    every, ended = step(spoken[0]), line.until(minutes[spoken[0]])
    reset = max(ceil(burn.windows.short * (1 - burn.threshold / line.share) / every) * every for burn in spoken)
    return Case(
        counted(cluster, model, objective, ended), ended.end,
        shown_share(bad_when_seen(spoken[0], line.share)), silent=(ended.end + reset + every,), every=every,
    )  # fmt: skip


def step(burn: Burn) -> int:
    """Minutes from one look to the next in its cases."""
    return LOOKS if burn.windows.long > LONGEST_COUNTED else 1


def detection(burn: Burn, share: Fraction) -> int:
    """Minutes from the first bad request until it is seen that there are too many."""
    return (floor(moment(burn, share) / step(burn)) + 1) * step(burn)


def moment(burn: Burn, share: Fraction) -> Fraction:
    """Minutes from the first bad request until the long window has as many as its threshold: long · threshold / share.
    One that is the mean of what was recorded has a value at both its ends."""
    long = burn.windows.long
    return (long if step(burn) == 1 else long + step(burn)) * burn.threshold / share


def counted(cluster: Cluster, model: ModelNode, objective: Objective, line: Timeline) -> tuple[tuple[str, str], ...]:
    """What servers count along a timeline."""
    name = model.name
    ok = series(names.REQUESTS, cluster, name, version="1", outcome="ok")
    error = series(names.REQUESTS, cluster, name, version="", outcome="error")
    if objective.kind == ERRORS:
        return (ok, line.good), (error, line.bad)
    return (ok, line.all), (error, line.none), (fast(cluster, name, model.serving.slo), line.good)
