"""What one metric asked of the HorizontalPodAutoscaler, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.hpa_metrics import (
    averaged_sum,
    capped_sum,
    counted,
    refilled_average,
    refilled_utilisation,
    tolerances,
)
from mlsystem.capacity.controllers.hpa_pods import PER_POD, Tally, listed
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
from mlsystem.capacity.explain.step import Worded, pods, replicas, short


def label(metric: Metric) -> str:
    return f"{metric.name} of {metric.container}" if metric.container else metric.name


def amount(milli: float) -> str:
    return short(milli / 1000)


def target_of(metric: Metric) -> str:
    match metric.target:
        case Utilisation(percent):
            return f"{percent}%"
        case AverageValue(milli):
            return f"{amount(milli)} for each {'pod' if metric.source in PER_POD else 'replica'}"
        case Value(milli):
            return amount(milli)
    return "none"


def reading_of(metric: Metric, reading: Reading) -> str:
    """In short, as a cell of a table."""
    match reading:
        case Unavailable():
            return "unreadable"
        case Values(values):
            return amount(sum(values)) if values else "no series"
        case Aggregate(ready, usage, request):
            if not ready:
                return "no sample"
            if isinstance(metric.target, Utilisation):
                return f"{short(usage * 100 / (ready * request))}%" if request else "no request"
            return amount(usage / ready)
        case PodSamples(samples):
            return amount(sum(one.value for one in samples.values()) / len(samples)) if samples else "no sample"
        case PodUsages(usages):
            return f"of {pods(len(usages))}"


@dataclass(frozen=True)
class Ratio:
    """`plain` over the target; `counted` after pods were filled in, over `pods`; `exact` before rounding down."""

    value: str
    plain: float
    counted: float
    pods: int
    exact: float


def of_metric(
    config: HpaConfig, metric: Metric, reading: Reading, seen: Observation, proposal: Proposal
) -> Iterator[Worded]:
    """A sentence for each clause of the proposal."""
    ratio = None if proposal.replicas is None else ratio_of(config, metric, reading, seen)
    for clause in proposal.clauses:
        sentence = (
            failure(clause, reading) if ratio is None
            else worded(clause, config, metric, reading, seen, ratio, proposal.replicas or 0)
        )  # fmt: skip
        yield Worded(clause, f"{label(metric)}: {sentence}")


def failure(clause: Clause, reading: Reading) -> str:
    if clause is Clause.NO_SAMPLES and isinstance(reading, Aggregate):
        missing = f", {reading.missing} without a sample" if reading.missing else ""
        return f"{clause.value}: {reading.unready} not ready{missing}"
    return clause.value


def worded(
    clause: Clause, config: HpaConfig, metric: Metric, reading: Reading, seen: Observation, ratio: Ratio, asked: int
) -> str:
    against = f"{ratio.value} over {over(metric, reading, seen)} is {short(ratio.plain)}"
    filled = ratio.counted != ratio.plain
    plainly: str = clause.value
    now = f"then it is {short(ratio.counted)}" if filled else against
    match clause:
        case Clause.TOLERANCE:
            within = tolerances(config)
            band = f"between {short(1 - within.down)} and {short(1 + within.up)}"
            return f"{now}, {band}, so {replicas(asked)} stay"
        case Clause.TARGET_RATIO:
            return f"{now}; {product(metric, ratio, reading, seen)}, rounded up: {asked}"
        case Clause.WHOLE_PERCENT:
            return f"utilisation counts in whole percents: exactly it is {short(ratio.exact)} of the target"
        case Clause.UNREADY_AS_ZERO:
            return f"{against}; {fill(clause, reading)}"
        case Clause.MISSING_AS_ZERO | Clause.MISSING_AS_TARGET:
            return f"{against}; {fill(clause, reading)}"
        case Clause.DIRECTION_KEPT:
            return f"{now}: {clause.value}: {replicas(asked)} stay"
        case Clause.FROM_ZERO:
            return f"{against}, rounded up: {asked}"
    return plainly


def over(metric: Metric, reading: Reading, seen: Observation) -> str:
    """The target, and of one for each replica all of them."""
    if isinstance(reading, Values) and isinstance(metric.target, AverageValue):
        return f"{amount(metric.target.milli)} for each of {replicas(seen.status_replicas)}"
    return target_of(metric)


def fill(clause: Clause, reading: Reading) -> str:
    if not isinstance(reading, Aggregate):
        return clause.value
    if clause is Clause.UNREADY_AS_ZERO:
        return f"{pods(reading.unready)} not ready count{'s' if reading.unready == 1 else ''} as idle, to be careful"
    busy = "idle" if clause is Clause.MISSING_AS_ZERO else "busy"
    return f"{pods(reading.missing)} without a sample count{'s' if reading.missing == 1 else ''} as {busy}"


def product(metric: Metric, ratio: Ratio, reading: Reading, seen: Observation) -> str:
    """What was rounded up."""
    if isinstance(reading, Values) and isinstance(metric.target, AverageValue):
        return f"{ratio.value} / {amount(metric.target.milli)} = {short(ratio.counted * max(1, seen.status_replicas))}"
    who = "pods counted" if ratio.counted != ratio.plain else "ready"
    return f"times {ratio.pods} {who} that is {short(ratio.counted * ratio.pods)}"


def ratio_of(config: HpaConfig, metric: Metric, reading: Reading, seen: Observation) -> Ratio:
    """The same numbers that `hpa_metrics.propose` compared."""
    target = metric.target
    assert target is not None, "without one nothing is proposed"
    assert not isinstance(reading, Unavailable), "without a reading nothing is proposed"
    if isinstance(reading, Values):
        return ratio_of_values(metric, reading, seen)
    tally = counted(config, metric, reading, seen)
    assert isinstance(tally, Tally), "without pods nothing is proposed"
    if isinstance(target, Utilisation):
        exact = tally.usage * 100 / tally.requests
        plain = int(exact) / target.percent
        filled, samples = refilled_utilisation(target.percent, tally, plain)
        return of_pods(tally, f"{short(int(exact))}%", plain, filled, samples, exact / target.percent)
    average = int(tally.usage / tally.samples)
    plain = average / target.milli
    filled, samples = refilled_average(target.milli, tally, plain)
    return of_pods(tally, amount(average), plain, filled, samples, plain)


def of_pods(tally: Tally, value: str, plain: float, filled: float, samples: int, exact: float) -> Ratio:
    if not tally.missing and not (tally.unready and plain > 1.0):
        return Ratio(value, plain, plain, tally.ready, exact)
    return Ratio(value, plain, filled, samples, exact)


def ratio_of_values(metric: Metric, reading: Values, seen: Observation) -> Ratio:
    if isinstance(metric.target, AverageValue):
        usage = averaged_sum(reading.values) if metric.source is Source.EXTERNAL else reading.values[0]
        ratio = usage / (metric.target.milli * max(1, seen.status_replicas))
        return Ratio(amount(usage), ratio, ratio, seen.status_replicas, ratio)
    assert isinstance(metric.target, Value), "an external metric has no utilisation"
    usage = capped_sum(reading.values)
    ratio = usage / metric.target.milli
    return Ratio(amount(usage), ratio, ratio, ready(seen), ratio)


def ready(seen: Observation) -> int:
    """Pods that are ready, and have a sample where metrics are of pods."""
    for reading in seen.readings:
        if isinstance(reading, Aggregate):
            return reading.ready
    return seen.pods.ready if isinstance(seen.pods, PodCount) else listed(seen.pods)[1]
