"""KEDA: an operator that wakes the target up and puts it to sleep, and an adapter that feeds the autoscaler between.

Source: KEDA 2.20.2 (2.21.0 decides the same), pkg/scaling/executor/scale_scaledobjects.go,
pkg/scaling/scale_handler.go, pkg/fallback/fallback.go, pkg/scalers/prometheus_scaler.go, pkg/scalers/scaler.go,
controllers/keda/hpa.go.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from mlsystem.capacity.controllers import hpa
from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.hpa_pods import listed
from mlsystem.capacity.controllers.hpa_types import Observation, PodCount, Reading, Unavailable, Values
from mlsystem.capacity.controllers.keda_types import (
    Cached,
    Fallback,
    FallbackBehaviour,
    KedaConfig,
    KedaDecision,
    KedaObservation,
    KedaState,
    MetricKind,
    Poll,
    QueryTrigger,
    ResourceTrigger,
    Sync,
    TriggerReading,
    in_milli,
)


class Answer(NamedTuple):
    """What became of one query: milli-units, None where it failed; and its failures in a row, this one among them."""

    value: int | None
    active: bool
    failures: int
    clauses: tuple[Clause, ...] = ()


def decide(config: KedaConfig, state: KedaState, seen: KedaObservation) -> KedaDecision:
    """`desired` is what the target's spec has after this poll or sync: what it had, where nothing was changed."""
    if config.paused:
        replicas = seen.replicas if isinstance(seen, Poll) else seen.spec_replicas
        return KedaDecision(replicas, state, (Clause.PAUSED,))
    return poll(config, state, seen) if isinstance(seen, Poll) else sync(config, state, seen)


def poll(config: KedaConfig, state: KedaState, seen: Poll) -> KedaDecision:
    """Wakes up from zero or idle, and goes back once the cooldown has passed. A trigger that falls back is active; the
    autoscaler's resources alone never are, but hold the target awake if there is nothing else."""
    answers = tuple(
        query(config, trigger, reading, failures, seen.replicas, seen.ready)
        if isinstance(trigger, QueryTrigger)
        else Answer(0, False, 0)
        for trigger, reading, failures in zip(config.triggers, seen.readings, counts(config, state), strict=True)
    )
    failed = any(answer.value is None for answer in answers)
    resources_alone = all(isinstance(trigger, ResourceTrigger) for trigger in config.triggers)
    active = resources_alone or any(answer.active for answer in answers)
    clauses = tuple(clause for answer in answers for clause in answer.clauses)
    after = replace(
        state,
        failures=tuple(answer.failures for answer in answers),
        cache=tuple(
            Cached(answer.value) if isinstance(trigger, QueryTrigger) and trigger.cached else None
            for trigger, answer in zip(config.triggers, answers, strict=True)
        ),
    )
    if active or config.force_activation:
        return awake(config, after, seen, clauses, active=active, failed=failed)
    return asleep(config, after, seen, clauses, failed=failed)


def awake(
    config: KedaConfig, state: KedaState, seen: Poll, clauses: tuple[Clause, ...], *, active: bool, failed: bool
) -> KedaDecision:
    """While some triggers fail, the moment of the last activity is not written down, except on waking up."""
    idle = config.idle_replicas is not None and seen.replicas < config.min_replicas
    noted = replace(state, last_active=float(math.floor(seen.now)))
    if idle or seen.replicas == 0:
        if config.paused_scale_out:
            return KedaDecision(seen.replicas, state, (*clauses, Clause.PAUSED), active)
        clause = Clause.ACTIVATED if active else Clause.ACTIVATION_FORCED
        return KedaDecision(max(1, config.min_replicas), noted, (*clauses, clause), active)
    return KedaDecision(seen.replicas, state if failed else noted, (*clauses, Clause.ACTIVE), active)


def asleep(
    config: KedaConfig, state: KedaState, seen: Poll, clauses: tuple[Clause, ...], *, failed: bool
) -> KedaDecision:
    """A fallback of zero replicas lets a failing trigger sleep like one without activity."""
    floor = config.min_replicas if config.idle_replicas is None else config.idle_replicas
    desired = seen.replicas
    if failed and config.fallback is not None and config.fallback.replicas != 0:
        clause = Clause.AWAITING_FALLBACK
    elif failed and config.fallback is None:
        clause = Clause.TRIGGER_FAILED
    elif may_sleep(config, seen.replicas):
        if config.paused_scale_in:
            clause = Clause.PAUSED
        elif cooled_down(config, state, seen.now):
            desired, clause = floor, Clause.DEACTIVATED
        else:
            clause = Clause.COOLING_DOWN
    elif config.idle_replicas is None and seen.replicas < config.min_replicas:
        desired, clause = config.min_replicas, Clause.RAISED_TO_MINIMUM
    else:
        clause = Clause.INACTIVE
    return KedaDecision(desired, state, (*clauses, clause), active=False)


def may_sleep(config: KedaConfig, replicas: int) -> bool:
    if config.idle_replicas is not None and replicas > config.idle_replicas:
        return True
    return replicas > 0 and config.min_replicas == 0


def cooled_down(config: KedaConfig, state: KedaState, now: float) -> bool:
    """A target that was never active only waits for the initial cooldown after its object was made."""
    if state.last_active is None:
        return config.created + config.initial_cooldown < now
    return state.last_active + config.cooldown < now


def sync(config: KedaConfig, state: KedaState, seen: Sync) -> KedaDecision:
    """The autoscaler asks for the queries only when it looks at metrics; each failure it meets counts as well."""
    scaler = config.autoscaler
    asks = seen.spec_replicas > 0 and scaler.min_replicas <= seen.spec_replicas <= scaler.max_replicas
    failures, clauses = counts(config, state), tuple[Clause, ...]()
    readings: tuple[Reading, ...] = (Unavailable(),) * len(config.triggers)
    if asks:
        found = [read(config, state, seen, place, failures[place]) for place in range(len(config.triggers))]
        readings = tuple(reading for reading, _ in found)
        failures = tuple(answer.failures for _, answer in found)
        clauses = tuple(clause for _, answer in found for clause in answer.clauses)
    decision = hpa.decide(
        scaler,
        state.autoscaler,
        Observation(seen.now, seen.spec_replicas, seen.status_replicas, readings, seen.pods),
    )
    after = KedaState(decision.state, failures, state.cache, state.last_active)
    return KedaDecision(decision.desired, after, (*clauses, *decision.clauses), autoscaler=decision)


def read(config: KedaConfig, state: KedaState, seen: Sync, place: int, failures: int) -> tuple[Reading, Answer]:
    """What the autoscaler reads of one trigger."""
    trigger, reading = config.triggers[place], seen.readings[place]
    if isinstance(trigger, ResourceTrigger):
        assert not isinstance(reading, float | int | None), "a resource is read as the autoscaler reads it"
        return reading, Answer(0, False, 0)
    if trigger.cached and state.cache and (cached := state.cache[place]) is not None:
        reading = Unavailable() if cached.value is None else cached.value / 1000.0
    ready = (seen.pods if isinstance(seen.pods, PodCount) else listed(seen.pods))[1]
    answer = query(config, trigger, reading, failures, seen.spec_replicas, ready)
    return (Unavailable() if answer.value is None else Values((answer.value,))), answer


def counts(config: KedaConfig, state: KedaState) -> tuple[int, ...]:
    return state.failures or (0,) * len(config.triggers)


def query(
    config: KedaConfig, trigger: QueryTrigger, reading: TriggerReading, failures: int, replicas: int, ready: int
) -> Answer:
    """Failures are counted only where there is a fallback, and a valid one, that could come in force."""
    assert reading is None or isinstance(reading, float | int | Unavailable), "a query has one value, none, or fails"
    fallback, clauses = valid(config.fallback), tuple[Clause, ...]()
    if reading is None or (not isinstance(reading, Unavailable) and not math.isfinite(reading)):
        reading, clauses = (0.0, (Clause.NULL_AS_ZERO,)) if trigger.ignore_nulls else (Unavailable(), ())
    if not isinstance(reading, Unavailable):
        return Answer(in_milli(reading), reading > trigger.activation, 0 if fallback else failures, clauses)
    if fallback is None:
        return Answer(None, False, failures, (Clause.NO_METRIC,))
    failures += 1
    if failures <= fallback.failure_threshold:
        return Answer(None, False, failures, (Clause.NO_METRIC,))
    if trigger.kind is MetricKind.VALUE and not ready:
        return Answer(None, False, failures, (Clause.FALLBACK_IMPOSSIBLE,))
    wanted = fallback_replicas(fallback, replicas) / (ready if trigger.kind is MetricKind.VALUE else 1)
    normal = in_milli(trigger.threshold) * 0.001
    return Answer(int(normal * 1000 * wanted), True, failures, (Clause.FALLBACK,))


def valid(fallback: Fallback | None) -> Fallback | None:
    return fallback if fallback and min(fallback.failure_threshold, fallback.replicas) >= 0 else None


def fallback_replicas(fallback: Fallback, replicas: int) -> int:
    match fallback.behaviour:
        case FallbackBehaviour.STATIC:
            return fallback.replicas
        case FallbackBehaviour.CURRENT_REPLICAS:
            return replicas
        case FallbackBehaviour.CURRENT_REPLICAS_IF_HIGHER:
            return max(replicas, fallback.replicas)
        case FallbackBehaviour.CURRENT_REPLICAS_IF_LOWER:
            return min(replicas, fallback.replicas)
