"""How many replicas one metric asks for.

Source: kubernetes 1.36.3, pkg/controller/podautoscaler/replica_calculator.go and metrics/utilization.go.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.hpa_pods import PER_POD, Tally, listed, of_aggregate, of_pods, quotient
from mlsystem.capacity.controllers.hpa_types import (
    Aggregate,
    AverageValue,
    HpaConfig,
    Metric,
    Observation,
    PodCount,
    PodSamples,
    PodUsages,
    Proposal,
    Reading,
    Source,
    Unavailable,
    Utilisation,
    Value,
    Values,
)

MOST_REPLICAS: Final = 2**31 - 1
MOST: Final = 2**63 - 1


class Tolerances(NamedTuple):
    """Fractions of the target within which nothing changes."""

    down: float
    up: float

    def hold(self, ratio: float) -> bool:
        return 1.0 - self.down <= ratio <= 1.0 + self.up


def tolerances(config: HpaConfig) -> Tolerances:
    """Those of `behavior` (Kubernetes 1.33, on by default from 1.35), or else the controller's."""
    flags, behaviour = config.flags, config.behaviour
    if behaviour is None or not flags.tolerance_of_behaviour:
        return Tolerances(flags.tolerance, flags.tolerance)
    down, up = behaviour.down.tolerance, behaviour.up.tolerance
    return Tolerances(flags.tolerance if down is None else down, flags.tolerance if up is None else up)


def propose(config: HpaConfig, metric: Metric, reading: Reading, seen: Observation) -> Proposal:
    """What this metric alone asks for; a reading that does not fit the metric's source is our own slip."""
    target = metric.target
    if metric.source is Source.UNKNOWN:
        return failed(Clause.NO_SOURCE)
    if isinstance(reading, Unavailable):
        return failed(Clause.NO_METRIC)
    if target is None or isinstance(target, Value if metric.source in PER_POD else Utilisation):
        return failed(Clause.NO_TARGET)
    if isinstance(reading, Values):
        return of_values(metric, reading, seen, tolerances(config))
    tally = counted(config, metric, reading, seen)
    if isinstance(tally, Clause):
        return failed(tally)
    if isinstance(target, Utilisation):
        return of_utilisation(target.percent, tally, seen.spec_replicas, tolerances(config))
    return of_average(target.milli, tally, seen.spec_replicas, tolerances(config))


def failed(clause: Clause) -> Proposal:
    return Proposal(None, (clause,))


def counted(
    config: HpaConfig, metric: Metric, reading: PodSamples | PodUsages | Aggregate, seen: Observation
) -> Tally | Clause:
    assert metric.source in PER_POD, f"{metric.source} is not read by pod"
    if isinstance(reading, Aggregate):
        return of_aggregate(metric, reading)
    assert isinstance(reading, PodSamples) is (metric.source is Source.PODS), f"{metric.source} is read otherwise"
    assert not isinstance(seen.pods, PodCount), "samples by pod need the pods"
    return of_pods(metric, reading, seen.pods, config.flags, seen.now)


def of_utilisation(target: int, tally: Tally, current: int, within: Tolerances) -> Proposal:
    if not tally.requests:
        return failed(Clause.NO_SAMPLES)
    percent = quotient(tally.usage * 100, tally.requests)
    ratio = percent / target
    average = quotient(tally.usage, tally.matched)
    if not tally.missing and not (tally.unready and ratio > 1.0):
        exact = tally.usage * 100 / tally.requests / target
        replicas, clauses = plainly(ratio, exact, tally.ready, current, within)
        return Proposal(replicas, clauses, percent, average)
    refilled_ratio, samples = refilled_utilisation(target, tally, ratio)
    replicas, clauses = again(ratio, refilled_ratio, samples, current, within)
    return Proposal(replicas, (*counted_in(tally, ratio), *clauses), percent, average)


def of_average(target: int, tally: Tally, current: int, within: Tolerances) -> Proposal:
    average = quotient(tally.usage, tally.samples)
    ratio = float(average) / float(target)
    if not tally.missing and not (tally.unready and ratio > 1.0):
        replicas, clauses = plainly(ratio, ratio, tally.ready, current, within)
        return Proposal(replicas, clauses, None, average)
    refilled_ratio, samples = refilled_average(target, tally, ratio)
    replicas, clauses = again(ratio, refilled_ratio, samples, current, within)
    return Proposal(replicas, (*counted_in(tally, ratio), *clauses), None, average)


def refilled_utilisation(target: int, tally: Tally, ratio: float) -> tuple[float, int]:
    """The ratio and the number of pods with those counted that have no sample or are not ready, against the direction
    that `ratio` points to."""
    usage, requests, samples = tally.usage, tally.requests, tally.samples
    if tally.missing and ratio != 1.0:
        usage += tally.missing_busy if ratio < 1.0 else 0
        requests, samples = requests + tally.missing_requests, samples + tally.missing
    if tally.unready and ratio > 1.0:
        requests, samples = requests + tally.unready_requests, samples + tally.unready
    return quotient(usage * 100, requests) / target, samples


def refilled_average(target: int, tally: Tally, ratio: float) -> tuple[float, int]:
    """The same for a value that is the mean of pods."""
    usage, samples = tally.usage, tally.samples
    if tally.missing and ratio != 1.0:
        usage += tally.missing * target if ratio < 1.0 else 0
        samples += tally.missing
    if tally.unready and ratio > 1.0:
        samples += tally.unready
    return float(quotient(usage, samples)) / float(target), samples


def plainly(ratio: float, exact: float, ready: int, current: int, within: Tolerances) -> tuple[int, tuple[Clause, ...]]:
    """Without pods to fill in; `exact` is the ratio before utilisation was rounded down."""
    holds = within.hold(ratio)
    replicas = current if holds else math.ceil(ratio * ready)
    if exact != ratio and replicas != (current if within.hold(exact) else math.ceil(exact * ready)):
        return replicas, (Clause.TOLERANCE if holds else Clause.TARGET_RATIO, Clause.WHOLE_PERCENT)
    return replicas, TOLERANCE if holds else TARGET_RATIO


TOLERANCE: Final = (Clause.TOLERANCE,)
TARGET_RATIO: Final = (Clause.TARGET_RATIO,)


def again(
    before: float, ratio: float, samples: int, current: int, within: Tolerances
) -> tuple[int, tuple[Clause, ...]]:
    """With unready and missing pods filled in: only what goes on in the direction of before."""
    if within.hold(ratio):
        return current, TOLERANCE
    if (before < 1.0 < ratio) or (ratio < 1.0 < before):
        return current, (Clause.DIRECTION_KEPT,)
    replicas = math.ceil(ratio * samples)
    if (ratio < 1.0 and replicas > current) or (ratio > 1.0 and replicas < current):
        return current, (Clause.DIRECTION_KEPT,)
    return replicas, TARGET_RATIO


def counted_in(tally: Tally, ratio: float) -> tuple[Clause, ...]:
    unready = (Clause.UNREADY_AS_ZERO,) if tally.unready and ratio > 1.0 else ()
    if not tally.missing or ratio == 1.0:
        return unready
    return (Clause.MISSING_AS_ZERO if ratio > 1.0 else Clause.MISSING_AS_TARGET, *unready)


def of_values(metric: Metric, reading: Values, seen: Observation, within: Tolerances) -> Proposal:
    assert metric.source not in PER_POD, f"{metric.source} is read by pod"
    target = metric.target
    if not reading.values:
        return failed(Clause.NO_METRIC)
    if isinstance(target, AverageValue):
        usage = averaged_sum(reading.values) if metric.source is Source.EXTERNAL else reading.values[0]
        return per_replica(target.milli, usage, seen.status_replicas, within)
    assert isinstance(target, Value), "checked by the caller"
    usage = capped_sum(reading.values)
    ratio = float(usage) / float(target.milli)
    if seen.spec_replicas == 0:
        return Proposal(bounded(ratio), (Clause.FROM_ZERO,), None, usage)
    if within.hold(ratio):
        return Proposal(seen.spec_replicas, TOLERANCE, None, usage)
    found, ready = seen.pods if isinstance(seen.pods, PodCount) else listed(seen.pods)
    return Proposal(bounded(ratio * ready), TARGET_RATIO, None, usage) if found else failed(Clause.NO_PODS)


def per_replica(target: int, usage: int, replicas: int, within: Tolerances) -> Proposal:
    """The replicas of the target's status, not of its spec: what a rolling update adds stays while within tolerance."""
    average = MOST if float(usage) >= float(MOST) or not replicas else math.ceil(float(usage) / float(replicas))
    if replicas and within.hold(float(usage) / (float(target) * float(replicas))):
        return Proposal(replicas, TOLERANCE, None, average)
    return Proposal(bounded(float(usage) / float(target)), TARGET_RATIO, None, average)


def bounded(replicas: float) -> int:
    return MOST_REPLICAS if replicas > MOST_REPLICAS else math.ceil(replicas)


def capped_sum(values: tuple[int, ...]) -> int:
    """As the sum of an external metric with a target of type Value is taken."""
    usage = 0
    for value in values:
        if value > 0 and usage > MOST - value:
            return MOST
        usage += value
    return usage


def averaged_sum(values: tuple[int, ...]) -> int:
    """As with one of type AverageValue, where a sum below zero is taken for one beyond 2^63."""
    usage = 0
    for value in values:
        usage += value
        if usage < 0 or usage > MOST:
            return MOST
    return usage
