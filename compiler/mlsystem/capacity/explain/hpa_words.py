"""A decision of the HorizontalPodAutoscaler in sentences, with the numbers that each clause compared."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

from mlsystem.capacity.controllers import hpa
from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.hpa_limits import stabilise
from mlsystem.capacity.controllers.hpa_types import (
    Aggregate,
    HpaConfig,
    HpaDecision,
    HpaState,
    Observation,
    Unavailable,
)
from mlsystem.capacity.explain.hpa_limit_words import down_limit, held, held_until, up_limit
from mlsystem.capacity.explain.hpa_metric_words import label, of_metric, reading_of, ready, target_of
from mlsystem.capacity.explain.moment import Clock
from mlsystem.capacity.explain.step import Account, Step, Worded, pods, replicas

STABILISED = (Clause.SCALE_UP_STABILISED, Clause.SCALE_DOWN_STABILISED)


def step(config: HpaConfig, state: HpaState, seen: Observation) -> tuple[Step, HpaState]:
    """One sync, and what is remembered after it."""
    decision = hpa.decide(config, state, seen)
    cells = tuple(reading_of(*pair) for pair in zip(config.metrics, seen.readings, strict=True))
    made = Step(
        seen.now, seen.spec_replicas, seen.status_replicas, ready(seen), cells, decision.desired, decision.clauses,
        partial(account, config, state, seen, decision),
    )  # fmt: skip
    return made, decision.state


def account(config: HpaConfig, state: HpaState, seen: Observation, decision: HpaDecision, clock: Clock) -> Account:
    looked = tuple(what_was_seen(config, seen))
    worded = [
        *by_metric(config, seen, decision),
        *(Worded(clause, after(clause, config, state, seen, decision, clock)) for clause in later(decision)),
    ]
    return Account(looked, tuple(worded), tuple(outlook(config, state, seen, decision, clock)))


def what_was_seen(config: HpaConfig, seen: Observation) -> Iterator[str]:
    asleep = [f"{number} {what}" for number, what in states(seen) if number]
    there = f"{seen.status_replicas} there" if seen.status_replicas != seen.spec_replicas else "as many there"
    yield f"{replicas(seen.spec_replicas)} asked for, {there}; {', '.join([f'{ready(seen)} ready', *asleep])}"
    for metric, reading in zip(config.metrics, seen.readings, strict=True):
        yield f"{label(metric)}: {reading_of(metric, reading)}, target {target_of(metric)}"
    yield f"bounds: {config.min_replicas} to {config.max_replicas}"


def states(seen: Observation) -> Iterator[tuple[int, str]]:
    for reading in seen.readings[:1]:
        if isinstance(reading, Aggregate):
            yield reading.unready, "not ready"
            yield reading.missing, "without a sample"


def by_metric(config: HpaConfig, seen: Observation, decision: HpaDecision) -> Iterator[Worded]:
    """Of every metric; of several the one that asks for most is followed."""
    for metric, reading, proposal in zip(config.metrics, seen.readings, decision.proposals, strict=False):
        yield from of_metric(config, metric, reading, seen, proposal)
    if len(decision.proposals) > 1 and decision.metric is not None:
        chosen = decision.proposals[decision.metric]
        name = label(config.metrics[decision.metric])
        yield Worded(chosen.clauses[-1], f"of all metrics {name} asks for most, so its {chosen.replicas} count")


def later(decision: HpaDecision) -> tuple[Clause, ...]:
    """The clauses that came after the metrics."""
    chosen = decision.proposals[decision.metric].clauses if decision.metric is not None else ()
    if chosen:
        return decision.clauses[len(chosen) :]
    return tuple(clause for clause in decision.clauses if clause not in OF_METRICS)


OF_METRICS = frozenset({
    Clause.NO_METRIC, Clause.NO_SAMPLES, Clause.NO_PODS, Clause.NO_REQUEST, Clause.NO_TARGET, Clause.NO_SOURCE,
})  # fmt: skip


def asked(decision: HpaDecision) -> int:
    """By the metrics, before anything limited it."""
    assert decision.metric is not None, "a metric was followed"
    wanted = decision.proposals[decision.metric].replicas
    return max(0, wanted or 0)


def after(
    clause: Clause, config: HpaConfig, state: HpaState, seen: Observation, decision: HpaDecision, clock: Clock
) -> str:
    current, name = seen.spec_replicas, clause.value
    match clause:
        case Clause.SCALE_UP_STABILISED | Clause.SCALE_DOWN_STABILISED:
            return held(clause, config, recommendations(state, seen), seen, asked(decision), clock)
        case Clause.SCALE_UP_LIMIT:
            return f"{stable(config, state, seen, decision)} are wanted, but {up_limit(config, state, seen)}"
        case Clause.SCALE_DOWN_LIMIT:
            return f"{stable(config, state, seen, decision)} are wanted, but {down_limit(config, state, seen)}"
        case Clause.MAXIMUM:
            return f"{stable(config, state, seen, decision)} are wanted, but maxReplicas is {config.max_replicas}"
        case Clause.MINIMUM:
            return f"{stable(config, state, seen, decision)} are wanted, but minReplicas is {config.min_replicas}"
        case Clause.ABOVE_MAXIMUM:
            return f"{name}: {current} ran, maxReplicas is {config.max_replicas}"
        case Clause.BELOW_MINIMUM:
            return f"{name}: {current} ran, minReplicas is {config.min_replicas}"
        case Clause.ALL_METRICS_FAILED:
            return f"{name}, so {replicas(current)} stay, however much or little there is to do"
        case Clause.SCALE_DOWN_REFUSED:
            return f"{name}, so {replicas(current)} stay"
        case Clause.SCALING_DISABLED:
            return f"{name}: nothing happens until somebody sets replicas to 1 or more"
    return name


def stable(config: HpaConfig, state: HpaState, seen: Observation, decision: HpaDecision) -> int:
    """What is wanted after stabilisation."""
    remembered = recommendations(state, seen)
    return stabilise(config, remembered, seen.spec_replicas, asked(decision), seen.now).replicas


def recommendations(state: HpaState, seen: Observation) -> tuple[tuple[float, int], ...]:
    """As `hpa.decide` takes them at a first sync."""
    if state.recommendations is None:
        return ((math.nextafter(seen.now, -math.inf), seen.spec_replicas),)
    return state.recommendations


def outlook(
    config: HpaConfig, state: HpaState, seen: Observation, decision: HpaDecision, clock: Clock
) -> Iterator[str]:
    clauses, current = decision.clauses, seen.spec_replicas
    if Clause.SCALE_DOWN_STABILISED in clauses:
        yield held_until(config, recommendations(state, seen), seen, asked(decision), clock)
    if Clause.MAXIMUM in clauses and decision.desired == current:
        yield "more are possible only with a higher maxReplicas"
    if Clause.NO_SAMPLES in clauses and decision.metric is None:
        yield (
            "nothing can scale until a pod is ready and has a sample: while none is, no load is high enough; if pods"
            " fail because they are overloaded, add replicas by hand"
        )
    elif Clause.ALL_METRICS_FAILED in clauses or Clause.SCALE_DOWN_REFUSED in clauses:
        dead = [label(one) for one, seen_ in zip(config.metrics, seen.readings, strict=True)
                if isinstance(seen_, Unavailable)]  # fmt: skip
        yield f"frozen until {' and '.join(dead) or 'a metric'} can be read again, also for scaling down"
    if Clause.TOLERANCE in clauses and decision.desired == current and config.behaviour is None:
        yield "within the tolerance nothing changes, also above minReplicas and however long it lasts"
    if Clause.DIRECTION_KEPT in clauses:
        yield f"the next sync with {pods(ready(seen))} or more ready and measured decides anew"
