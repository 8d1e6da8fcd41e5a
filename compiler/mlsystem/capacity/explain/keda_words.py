"""A decision of KEDA in sentences: its operator's, where it polled just now, and that of the autoscaler underneath."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from mlsystem.capacity.controllers import keda
from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.hpa_types import Unavailable
from mlsystem.capacity.controllers.keda_types import (
    KedaConfig,
    KedaDecision,
    KedaState,
    Poll,
    QueryTrigger,
    Sync,
    TriggerReading,
)
from mlsystem.capacity.explain import hpa_words
from mlsystem.capacity.explain.hpa_metric_words import reading_of, ready
from mlsystem.capacity.explain.moment import Clock
from mlsystem.capacity.explain.step import Account, Step, Worded, replicas, short


def step(config: KedaConfig, state: KedaState, polled: Poll | None, seen: Sync) -> tuple[Step, KedaState]:
    """One sync, after a poll where there was one: what it woke up or put to sleep is what the sync finds."""
    woken = None if polled is None else keda.decide(config, state, polled)
    between, before = state if woken is None else woken.state, seen.spec_replicas
    if woken is not None:
        seen = replace(seen, spec_replicas=woken.desired)
    decision = keda.decide(config, between, seen)
    observed = keda.observe(config, between, seen)[0]
    operator = woken.clauses if woken else ()
    asleep = woken is not None and woken.desired == 0  # then the autoscaler has no say
    made = Step(
        seen.now, before, seen.status_replicas, ready(observed),
        tuple(map(cell, seen.readings)), decision.desired,
        (*decision.clauses, *operator) if asleep else (*operator, *decision.clauses),
        partial(account, config, state, woken, between, seen, decision),
    )  # fmt: skip
    return made, decision.state


def cell(reading: TriggerReading) -> str:
    if reading is None:
        return "no series"
    if isinstance(reading, Unavailable):
        return "unreadable"
    return short(reading) if isinstance(reading, float | int) else "by pod"


def account(
    config: KedaConfig,
    state: KedaState,
    woken: KedaDecision | None,
    between: KedaState,
    seen: Sync,
    decision: KedaDecision,
    clock: Clock,
) -> Account:
    operator = tuple(of_poll(config, state, woken, clock)) if woken else ()
    if decision.autoscaler is None:
        return Account((f"{replicas(seen.spec_replicas)} asked for",), (*operator, paused()), ())
    observed = keda.observe(config, between, seen)[0]
    under = hpa_words.account(config.autoscaler, between.autoscaler, observed, decision.autoscaler, clock)
    shown = tuple(of_trigger(config, place, reading) for place, reading in enumerate(seen.readings))
    adapter = tuple(
        Worded(clause, f"sync: {of_query(clause, config, decision.state)}")
        for clause in decision.clauses[: len(decision.clauses) - len(decision.autoscaler.clauses)]
    )
    outlook = (*under.outlook, *traps(config, seen))
    return Account((*under.seen[:1], *shown, *under.seen[-1:]), (*operator, *adapter, *under.clauses), outlook)


def paused() -> Worded:
    return Worded(Clause.PAUSED, Clause.PAUSED.value)


def of_trigger(config: KedaConfig, place: int, reading: TriggerReading) -> str:
    trigger = config.triggers[place]
    if not isinstance(trigger, QueryTrigger):
        shown = "unreadable" if isinstance(reading, float | int | None) else reading_of(trigger.metric, reading)
        return f"trigger {place + 1}, {trigger.metric.name}: {shown}"
    return (
        f"trigger {place + 1}: {cell(reading)}, threshold {short(trigger.threshold)}, activation above"
        f" {short(trigger.activation)}"
    )


def of_poll(config: KedaConfig, state: KedaState, woken: KedaDecision, clock: Clock) -> Iterator[Worded]:
    for clause in woken.clauses:
        yield Worded(clause, f"operator: {of_activity(clause, config, state, woken, clock)}")


def of_activity(clause: Clause, config: KedaConfig, state: KedaState, woken: KedaDecision, clock: Clock) -> str:
    match clause:
        case Clause.ACTIVATED | Clause.ACTIVATION_FORCED | Clause.RAISED_TO_MINIMUM:
            return f"{clause.value}: {replicas(woken.desired)}"
        case Clause.COOLING_DOWN:
            since, wait = state.last_active, config.cooldown
            if since is None:
                since, wait = config.created, config.initial_cooldown
            return f"{clause.value}: it lasts until {clock(since + wait)}"
        case Clause.DEACTIVATED:
            return f"{clause.value} of {short(config.cooldown)} s: {replicas(woken.desired)}"
    return of_query(clause, config, woken.state)


def of_query(clause: Clause, config: KedaConfig, after: KedaState) -> str:
    failures, fallback = max((count or 0 for count in after.failures), default=0), config.fallback
    plainly: str = clause.value
    match clause:
        case Clause.FALLBACK if fallback is not None:
            return (
                f"{clause.value}: {failures} failures, threshold {fallback.failure_threshold}, fallback of"
                f" {replicas(fallback.replicas)} ({fallback.behaviour.name.lower().replace('_', ' ')})"
            )
        case Clause.NO_METRIC if fallback is not None:
            return f"{clause.value}: failure {failures}, the fallback begins after {fallback.failure_threshold}"
        case Clause.NO_METRIC:
            return f"{clause.value}, and there is no fallback"
        case Clause.NULL_AS_ZERO:
            return f"{clause.value}, as ignoreNullValues is not \"false\""
    return plainly


def traps(config: KedaConfig, seen: Sync) -> Iterator[str]:
    for trigger, reading in zip(config.triggers, seen.readings, strict=True):
        if isinstance(trigger, QueryTrigger) and reading is None and trigger.ignore_nulls:
            yield "a series that vanishes scales in like no load: `ignoreNullValues: \"false\"` makes it an error"
        if isinstance(trigger, QueryTrigger) and isinstance(reading, Unavailable) and config.fallback is None:
            yield "with `fallback` there would be a number of replicas for while the trigger fails"
