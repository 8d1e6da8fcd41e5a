"""KEDA: an operator that wakes the target up and puts it to sleep, and an adapter that feeds the autoscaler between.

Source: KEDA 2.21.0, pkg/scaling/executor/scale_scaledobjects.go, pkg/scaling/scale_handler.go,
pkg/fallback/fallback.go, pkg/scalers/prometheus_scaler.go, pkg/scalers/scaler.go, controllers/keda/hpa.go,
controllers/keda/scaledobject_controller.go. Up to 2.20 polls put queries also while the autoscaler does.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple, TypeVar

from mlsystem.capacity.controllers import hpa
from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.hpa_pods import listed
from mlsystem.capacity.controllers.hpa_types import Observation, PodCount, Reading, Unavailable, Values
from mlsystem.capacity.controllers.keda_types import (
    Counts,
    Fallback,
    FallbackBehaviour,
    KedaConfig,
    KedaDecision,
    KedaObservation,
    KedaState,
    MetricKind,
    Poll,
    QueryTrigger,
    Record,
    ResourceTrigger,
    Sync,
    TriggerReading,
    in_milli,
)

T = TypeVar("T")


class Answer(NamedTuple):
    """What became of one query: milli-units, None where it failed; and its failures in a row, this one among them."""

    value: int | None
    active: bool
    failures: int | None
    clauses: tuple[Clause, ...] = ()


def decide(config: KedaConfig, state: KedaState, seen: KedaObservation) -> KedaDecision:
    """`desired` is what the target's spec has after this poll or sync: what it had, where nothing was changed."""
    if config.paused or config.paused_replicas is not None:
        return pause(config, state, seen.replicas if isinstance(seen, Poll) else seen.spec_replicas)
    return poll(config, state, seen) if isinstance(seen, Poll) else sync(config, state, seen)


def pause(config: KedaConfig, state: KedaState, replicas: int) -> KedaDecision:
    """The autoscaler is deleted and both loops forget; what stands in the object's status stays."""
    desired = replicas if config.paused_replicas is None else config.paused_replicas
    after = KedaState(failures=state.failures, last_active=state.last_active, held=state.failures)
    return KedaDecision(desired, after, (Clause.PAUSED,))


def poll(config: KedaConfig, state: KedaState, seen: Poll) -> KedaDecision:
    """Wakes up from zero or idle, and goes back once the cooldown has passed. A trigger that falls back is active; the
    autoscaler's resources alone never are, but hold the target awake if there is nothing else."""
    answers = tuple(polled(config, state, seen, place) for place in range(len(config.triggers)))
    failed = any(answer.value is None for answer in answers)
    resources_alone = all(isinstance(trigger, ResourceTrigger) for trigger in config.triggers)
    active = resources_alone or any(answer.active for answer in answers)
    clauses = tuple(clause for answer in answers for clause in answer.clauses)
    after = replace(
        state,
        failures=tuple(answer.failures for answer in answers),
        records=records_of(config, state, answers),
        held=None if failed else state.held,
        shared=not failed and (state.shared or state.held is None),
    )
    if active or config.force_activation:
        return awake(config, after, seen, clauses, active=active, failed=failed)
    return asleep(config, after, seen, clauses, failed=failed)


def polled(config: KedaConfig, state: KedaState, seen: Poll, place: int) -> Answer:
    """While the autoscaler is told the metrics, and polls are not needed for anything else, they ask nothing."""
    trigger, failures = config.triggers[place], counts(config, state.failures)[place]
    if isinstance(trigger, ResourceTrigger):
        return Answer(0, False, None)
    told = state.autoscaler.conditions.scaling_active
    record = state.records[place] if state.records and told and told.status and not config.polls_ask else None
    if record is None:
        return query(config, trigger, seen.readings[place], failures, seen.replicas, seen.ready)
    return Answer(record.value, record.active, failures, (Clause.READ_BY_SYNC,))


def records_of(config: KedaConfig, state: KedaState, answers: tuple[Answer, ...]) -> tuple[Record | None, ...]:
    """What a poll leaves: the values of the triggers that are cached, or else what syncs left."""
    cached = [isinstance(trigger, QueryTrigger) and trigger.cached for trigger in config.triggers]
    if not any(cached):
        return state.records
    return tuple(
        Record(answer.value, answer.active) if one else None for one, answer in zip(cached, answers, strict=True)
    )


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
    observed, clauses, state = observe(config, state, seen)
    decision = hpa.decide(config.autoscaler, state.autoscaler, observed)
    after = replace(state, autoscaler=decision.state)
    return KedaDecision(decision.desired, after, (*clauses, *decision.clauses), autoscaler=decision)


def observe(config: KedaConfig, state: KedaState, seen: Sync) -> tuple[Observation, tuple[Clause, ...], KedaState]:
    """What the autoscaler underneath is told, which asks for the queries, one by one, only when it looks at metrics."""
    scaler = config.autoscaler
    clauses, readings = tuple[Clause, ...](), list[Reading]()
    if seen.spec_replicas > 0 and scaler.min_replicas <= seen.spec_replicas <= scaler.max_replicas:
        for place in config.asked:
            reading, noted, state = read(config, state, seen, place)
            readings.append(reading)
            clauses += noted
    told = tuple(readings) or (Unavailable(),) * len(config.triggers)
    return Observation(seen.now, seen.spec_replicas, seen.status_replicas, told, seen.pods), clauses, state


def read(config: KedaConfig, state: KedaState, seen: Sync, place: int) -> tuple[Reading, tuple[Clause, ...], KedaState]:
    """What the autoscaler reads of one trigger, and what is remembered of it."""
    trigger, reading = config.triggers[place], seen.readings[place]
    if isinstance(trigger, ResourceTrigger):
        assert not isinstance(reading, float | int | None), "a resource is read as the autoscaler reads it"
        return reading, (), state
    if trigger.cached and state.records and (record := state.records[place]) is not None:
        reading = Unavailable() if record.value is None else record.value / 1000.0
    ready = (seen.pods if isinstance(seen.pods, PodCount) else listed(seen.pods))[1]
    held = counts(config, state.failures if state.held is None else state.held)
    answer = query(config, trigger, reading, held[place], seen.spec_replicas, ready)
    after = noted(config, state, held, place, answer)
    return Unavailable() if answer.value is None else Values((answer.value,)), answer.clauses, after


def noted(config: KedaConfig, state: KedaState, held: Counts, place: int, answer: Answer) -> KedaState:
    """A count that changed is written to the status, and the copy is what the status then is."""
    failures, records = state.failures, state.records
    if answer.failures != held[place]:
        failures = held = put(counts(config, failures), place, answer.failures)
    if not config.polls_ask:
        records = put(records or (None,) * len(config.triggers), place, Record(answer.value, answer.active))
    copy = None if state.shared or answer.value is None else held
    shared = state.shared and answer.value is not None
    return replace(state, failures=failures, records=records, held=copy, shared=shared)


def put(values: tuple[T, ...], place: int, value: T) -> tuple[T, ...]:
    return (*values[:place], value, *values[place + 1 :])


def counts(config: KedaConfig, failures: Counts) -> Counts:
    return failures or (None,) * len(config.triggers)


def query(
    config: KedaConfig, trigger: QueryTrigger, reading: TriggerReading, failures: int | None, replicas: int, ready: int
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
    failures = (failures or 0) + 1
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
