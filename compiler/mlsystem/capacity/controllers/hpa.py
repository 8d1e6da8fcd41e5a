"""The HorizontalPodAutoscaler of Kubernetes: one sync of one object, from what is seen to how many replicas there are.

Source: kubernetes 1.36.3, pkg/controller/podautoscaler/horizontal.go (reconcileAutoscaler, computeReplicasForMetrics).
The order is its own: what disables scaling, what is out of bounds, the metrics, stabilisation, rates, bounds.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final, NamedTuple

from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.hpa_limits import DEFAULT_DOWN, DEFAULT_UP, limit, remembered, stabilise
from mlsystem.capacity.controllers.hpa_metrics import propose
from mlsystem.capacity.controllers.hpa_types import (
    Condition,
    Conditions,
    Fault,
    HpaConfig,
    HpaDecision,
    HpaState,
    Observation,
    Proposal,
    Reason,
    Recommendation,
    Source,
)

NO_SCALE: Final = Condition(False, Reason.FAILED_GET_SCALE)
GOT_SCALE: Final = Condition(True, Reason.SUCCEEDED_GET_SCALE)
RESCALED: Final = Condition(True, Reason.SUCCEEDED_RESCALE)
NOT_RESCALED: Final = Condition(False, Reason.FAILED_UPDATE_SCALE)
READY: Final = Condition(True, Reason.READY_FOR_NEW_SCALE)
METRIC_FOUND: Final = Condition(True, Reason.VALID_METRIC_FOUND)
DISABLED: Final = Condition(False, Reason.SCALING_DISABLED)
AT_ZERO: Final = Condition(True, Reason.SCALED_TO_ZERO)
NOT_AT_ZERO: Final = Condition(False, Reason.NOT_SCALED_TO_ZERO)

STABILISED: Final = {
    Clause.SCALE_UP_STABILISED: Condition(True, Reason.SCALE_UP_STABILISED),
    Clause.SCALE_DOWN_STABILISED: Condition(True, Reason.SCALE_DOWN_STABILISED),
}
NOT_LIMITED: Final = Condition(False, Reason.DESIRED_WITHIN_RANGE)

NO_METRIC: Final = {
    source: Condition(
        False,
        Reason.INVALID_METRIC_SOURCE_TYPE if source is Source.UNKNOWN else Reason(f"FailedGet{source.value}Metric"),
    )
    for source in Source
}
BAD_SELECTOR: Final = {
    Fault.SELECTOR_MISSING: Condition(False, Reason.INVALID_SELECTOR),
    Fault.SELECTOR_INVALID: Condition(False, Reason.INVALID_SELECTOR),
    Fault.SELECTOR_AMBIGUOUS: Condition(False, Reason.AMBIGUOUS_SELECTOR),
}


class Asked(NamedTuple):
    """What the metrics together ask for; `replicas` None where they may not be followed, `failure` then says why."""

    replicas: int | None
    clauses: tuple[Clause, ...]
    proposals: tuple[Proposal, ...]
    metric: int | None
    failure: Condition | None


def decide(config: HpaConfig, state: HpaState, seen: Observation) -> HpaDecision:
    """`desired` is what the target's spec has after this sync: what it had, where nothing was changed.

    The first sync finds a recommendation of what runs, made an instant before.
    """
    if seen.fault is Fault.SCALE_UNREADABLE:
        conditions = state.conditions._replace(able_to_scale=NO_SCALE)
        return HpaDecision(seen.spec_replicas, replace(state, conditions=conditions), (Clause.TARGET_UNREADABLE,))
    current, recommendations = seen.spec_replicas, state.recommendations
    if recommendations is None:
        recommendations = ((math.nextafter(seen.now, -math.inf), current),)
    if current == 0 and not asks_from_zero(config, state):
        return disabled(config, state, recommendations)
    if current > config.max_replicas:
        decision = HpaDecision(config.max_replicas, state, (Clause.ABOVE_MAXIMUM,))
        return rescale(config, state, seen, recommendations, state.conditions, decision)
    if 0 < current < config.min_replicas:
        decision = HpaDecision(config.min_replicas, state, (Clause.BELOW_MINIMUM,))
        return rescale(config, state, seen, recommendations, state.conditions, decision)
    return by_metrics(config, state, seen, recommendations)


def asks_from_zero(config: HpaConfig, state: HpaState) -> bool:
    """Only where the gate HPAScaleToZero is on and this controller itself scaled to zero."""
    at_zero = config.flags.scale_to_zero and state.conditions.scaled_to_zero == AT_ZERO
    return at_zero and (config.min_replicas > 0 or wakes_up(config))


def disabled(config: HpaConfig, state: HpaState, recommendations: tuple[Recommendation, ...]) -> HpaDecision:
    conditions = state.conditions._replace(able_to_scale=GOT_SCALE, scaling_active=DISABLED)
    if not config.flags.scale_to_zero:
        conditions = conditions._replace(scaled_to_zero=None)
    after = HpaState(recommendations, state.ups, state.downs, conditions)
    return HpaDecision(0, after, (Clause.SCALING_DISABLED,))


def wakes_up(config: HpaConfig) -> bool:
    return any(metric.source in (Source.OBJECT, Source.EXTERNAL) for metric in config.metrics)


def by_metrics(
    config: HpaConfig, state: HpaState, seen: Observation, recommendations: tuple[Recommendation, ...]
) -> HpaDecision:
    current = seen.spec_replicas
    asked = ask(config, seen)
    if asked.replicas is None:
        conditions = state.conditions._replace(able_to_scale=GOT_SCALE, scaling_active=asked.failure)
        after = HpaState(recommendations, state.ups, state.downs, conditions)
        return HpaDecision(current, after, asked.clauses, asked.proposals)
    stable = stabilise(config, recommendations, current, max(asked.replicas, 0), seen.now)
    limited = limit(config, state.ups, state.downs, current, stable.replicas, seen.now)
    desired, clauses = limited.replicas, asked.clauses
    if stable.clause is not None:
        clauses = (*clauses, stable.clause)
    if limited.clause is not None:
        clauses = (*clauses, limited.clause)
    if current == 0 and desired < config.min_replicas:
        desired, clauses = config.min_replicas, (*clauses, Clause.MINIMUM)
    conditions = Conditions(
        READY if stable.clause is None else STABILISED[stable.clause],
        METRIC_FOUND,
        NOT_LIMITED if limited.clause is None else Condition(True, limited.reason),
        state.conditions.scaled_to_zero,
    )
    if desired != current:
        decision = HpaDecision(desired, state, clauses, asked.proposals, asked.metric)
        return rescale(config, state, seen, stable.recommendations, conditions, decision)
    after = HpaState(stable.recommendations, state.ups, state.downs, conditions)
    return HpaDecision(desired, after, clauses, asked.proposals, asked.metric)


def ask(config: HpaConfig, seen: Observation) -> Asked:
    """The most that any metric asks for. Where some failed, the others may scale up, but not down."""
    if (selector := BAD_SELECTOR.get(seen.fault) if seen.fault else None) is not None:
        return Asked(None, (Clause.TARGET_UNREADABLE,), (), None, selector)
    pairs = zip(config.metrics, seen.readings, strict=True)
    proposals = tuple([propose(config, metric, reading, seen) for metric, reading in pairs])
    most, chosen, broken = 0, None, None
    for place, proposal in enumerate(proposals):
        replicas = proposal.replicas
        if replicas is None:
            broken = place if broken is None else broken
        elif most == 0 or replicas > most:
            most, chosen = replicas, place
    if broken is not None and (chosen is None or most < seen.spec_replicas):
        refused = Clause.ALL_METRICS_FAILED if chosen is None else Clause.SCALE_DOWN_REFUSED
        failure = NO_METRIC[config.metrics[broken].source]
        return Asked(None, (*proposals[broken].clauses, refused), proposals, None, failure)
    return Asked(most, () if chosen is None else proposals[chosen].clauses, proposals, chosen, None)


def rescale(
    config: HpaConfig,
    state: HpaState,
    seen: Observation,
    recommendations: tuple[Recommendation, ...],
    conditions: Conditions,
    decision: HpaDecision,
) -> HpaDecision:
    """Writes the scale, and remembers by how much it changed where there are policies; `decision` is kept else."""
    current, desired, ups, downs = seen.spec_replicas, decision.desired, state.ups, state.downs
    if seen.fault is Fault.SCALE_UNWRITABLE:
        after = HpaState(recommendations, ups, downs, conditions._replace(able_to_scale=NOT_RESCALED))
        clauses = (*decision.clauses, Clause.TARGET_UNWRITABLE)
        return HpaDecision(current, after, clauses, decision.proposals, decision.metric)
    if config.behaviour is not None:
        event = (seen.now, abs(desired - current))
        if desired > current:
            ups = remembered(config.behaviour.up, DEFAULT_UP, ups, event)
        else:
            downs = remembered(config.behaviour.down, DEFAULT_DOWN, downs, event)
    written = Conditions(
        RESCALED, conditions.scaling_active, conditions.scaling_limited, zero(config, current, desired)
    )
    after = HpaState(recommendations, ups, downs, written)
    return HpaDecision(desired, after, decision.clauses, decision.proposals, decision.metric)


def zero(config: HpaConfig, current: int, desired: int) -> Condition | None:
    """The condition ScaledToZero after a change; the older controller has none."""
    if not config.flags.scale_to_zero:
        return None
    return AT_ZERO if current > 0 and desired == 0 == config.min_replicas and wakes_up(config) else NOT_AT_ZERO
