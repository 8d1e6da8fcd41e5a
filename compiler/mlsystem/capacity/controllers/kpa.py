"""Knative's pod autoscaler: what the windows ask for, the bounds, and the way to zero.

Source: knative.dev/serving 0.51.0 (1.22), pkg/autoscaler/scaling/autoscaler.go, multiscaler.go and
pkg/reconciler/autoscaling/kpa/scaler.go, kpa.go, resources/decider.go, ../resources/target.go.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.kpa_types import (
    Activity,
    Delayed,
    KpaConfig,
    KpaDecision,
    KpaObservation,
    KpaState,
    Scaled,
    ScalerState,
    ScalingMetric,
)
from mlsystem.capacity.controllers.kpa_windows import delayed

UNKNOWN: Final = -1
LEAST_TARGET: Final = 0.01
ACTIVATION_BUFFER: Final = 30.0


class Wanted(NamedTuple):
    """After bounds and the way to zero: `applied` None where the target is left as it is."""

    want: int
    applied: int | None
    clauses: tuple[Clause, ...]


def metric_target(
    metric: ScalingMetric, container_concurrency: int = 0, annotated: float | None = None,
    utilisation: float | None = None,
) -> tuple[float, float]:  # fmt: skip
    """(target, total) of one replica: what it can bear, from the annotation or the defaults (a concurrency of 100, 200
    requests/s, the container's limit), and the utilisation (0.7) of it that is aimed at."""
    concurrency = metric is ScalingMetric.CONCURRENCY
    total = (float(container_concurrency) or 100.0) if concurrency else 200.0
    if annotated is not None:
        total = min(annotated, float(container_concurrency)) if concurrency and container_concurrency else annotated
    return max(LEAST_TARGET, total * (0.7 if utilisation is None else utilisation)), total


def start(config: KpaConfig, ready: int, now: float) -> KpaState:
    """With more than one pod it starts in panic, so as not to shrink before it knows anything."""
    burst = config.target_burst_capacity
    excess = int(burst) if burst in (-1.0, 0.0) else int(config.initial_scale * config.total - burst)
    scaler = ScalerState(now if ready > 1 else None, ready)
    return KpaState(scaler, activity_since=now, proxied_since=now, excess_burst_capacity=excess)


def decide(config: KpaConfig, state: KpaState, seen: KpaObservation) -> KpaDecision:
    """One tick. `desired` is what the target's spec has after it: what it had, where nothing was changed."""
    scaled = scale(config, state.scaler, seen)
    asked, excess = state.desired, state.excess_burst_capacity
    if scaled.desired != UNKNOWN:
        asked, excess = scaled.desired, scaled.excess_burst_capacity
    wanted = within_bounds(config, state, seen, asked)
    served = wanted.want > 0 and excess >= 0
    proxied = None if served else seen.now if state.proxied_since is None else state.proxied_since
    initialised, activity = status(config, state, seen, wanted.want)
    after = KpaState(
        scaled.state, activity, state.activity_since if activity is state.activity else seen.now, initialised,
        proxied, asked, excess,
    )  # fmt: skip
    desired = seen.replicas if wanted.applied is None else wanted.applied
    return KpaDecision(desired, after, (*scaled.clauses, *wanted.clauses), scaled)


def scale(config: KpaConfig, state: ScalerState, seen: KpaObservation) -> Scaled:
    """What the two windows ask for, within what the rates allow from the pods that are ready (one, if none is)."""
    if seen.stable is None or seen.panic is None:
        return Scaled(UNKNOWN, state, (Clause.NO_DATA,))
    ready = max(1, seen.ready)
    stable, panic = math.ceil(seen.stable / config.target), math.ceil(seen.panic / config.target)
    by_stable, by_panic = bounded(config, ready, stable), bounded(config, ready, panic)
    since = panicking(config, state, seen.now, over=panic / ready >= config.panic_threshold)
    most = state.max_panic_pods if since is not None or state.panicking_since is None else 0
    if since is None:
        desired = by_stable
        clauses: tuple[Clause, ...] = (Clause.STABLE_WINDOW, *limits(config, stable, by_stable))
    else:
        desired, clauses = max(by_stable, by_panic), (Clause.PANIC_WINDOW, *limits(config, panic, by_panic))
        if by_stable > by_panic:
            clauses = (Clause.STABLE_WINDOW, *limits(config, stable, by_stable))
        clauses = (*clauses, Clause.PANIC_HOLD) if desired < most else clauses
        desired = most = max(most, desired)
    entries = state.delayed.entries
    if config.reachable and config.scale_down_delay > 0:
        entries = delayed(entries, config.scale_down_delay, seen.now, desired)
        clauses = (*clauses, Clause.SCALE_DOWN_DELAY) if entries[0][1] != desired else clauses
        desired = entries[0][1]
    return Scaled(desired, ScalerState(since, most, Delayed(entries)), clauses, excess_burst(config, seen))


def panicking(config: KpaConfig, state: ScalerState, now: float, *, over: bool) -> float | None:
    """Since when, or since when anew; a stable window without reason ends it."""
    since = state.panicking_since
    if over:
        return now
    return None if since is not None and since + config.stable_window < now else since


def bounded(config: KpaConfig, ready: int, pods: int) -> int:
    """Up to the rate, rounded up, and down to the other, rounded down; more than none means the activation scale."""
    within = min(max(pods, least(config, ready)), math.ceil(config.max_scale_up_rate * ready))
    return max(within, config.activation_scale) if config.activation_scale > 1 and pods > 0 else within


def least(config: KpaConfig, ready: int) -> int:
    return math.floor(ready / config.max_scale_down_rate) if config.reachable else 0


def limits(config: KpaConfig, pods: int, within: int) -> tuple[Clause, ...]:
    if within == pods:
        return ()
    if pods > within:
        return (Clause.MAX_SCALE_UP_RATE,)
    if config.activation_scale > 1 and pods > 0 and within == config.activation_scale:
        return (Clause.ACTIVATION_SCALE,)
    return (Clause.MAX_SCALE_DOWN_RATE,)


def excess_burst(config: KpaConfig, seen: KpaObservation) -> int:
    """What the pods that are ready can bear beyond the burst they must be ready for and what they bear now; below zero
    the activator stands in the path."""
    burst = config.target_burst_capacity
    if burst <= 0:
        return -1 if burst else 0
    assert seen.panic is not None, "checked by the caller"
    return math.floor(seen.ready * config.total - burst - seen.panic)


def within_bounds(config: KpaConfig, state: KpaState, seen: KpaObservation, asked: int) -> Wanted:
    """Until the initial scale was reached once, it is the minimum. An unreachable revision has neither."""
    activating = state.activity in (None, Activity.ACTIVATING)
    if asked < 0 and not activating:
        return Wanted(asked, None, ())
    lowest = config.min_scale if config.reachable else 0
    clause = Clause.MINIMUM
    if config.initial_scale > max(1, lowest) and not state.initialised and config.reachable:
        lowest, clause = config.initial_scale, Clause.INITIAL_SCALE
    if asked < lowest:
        return applied(lowest, clause) if lowest else to_zero(config, state, seen)
    if config.max_scale and asked > config.max_scale:
        return applied(config.max_scale, Clause.MAXIMUM)
    return applied(asked) if asked else to_zero(config, state, seen)


def applied(replicas: int, *clauses: Clause) -> Wanted:
    return Wanted(replicas, replicas, clauses)


def to_zero(config: KpaConfig, state: KpaState, seen: KpaObservation) -> Wanted:
    """First inactive for a stable window, which puts the activator in the path; then, after a grace period, gone."""
    if not config.scale_to_zero:
        return applied(1, Clause.SCALE_TO_ZERO_DISABLED)
    lasted = seen.now - state.activity_since
    match state.activity:
        case None | Activity.ACTIVATING:
            if lasted > config.progress_deadline + ACTIVATION_BUFFER:
                return applied(0, Clause.ACTIVATION_TIMED_OUT)
            return Wanted(UNKNOWN, None, (Clause.ACTIVATING,))
        case Activity.ACTIVE:
            if lasted >= config.stable_window:
                return Wanted(0, None, (Clause.DEACTIVATING,))
            return applied(1, Clause.IDLE_HOLD)
        case Activity.INACTIVE:
            return away(config, state, seen, lasted)


def away(config: KpaConfig, state: KpaState, seen: KpaObservation, inactive: float) -> Wanted:
    if config.target_burst_capacity != -1 and not seen.activator_in_path:
        return Wanted(0, None, (Clause.ACTIVATOR_ABSENT,))
    retention = config.pod_retention if config.reachable else 0.0
    if inactive >= max(config.scale_to_zero_grace_period, retention):
        return applied(0, Clause.SCALED_TO_ZERO)
    if inactive < retention:
        return Wanted(0, None, (Clause.POD_RETENTION,))
    proxied = 0.0 if state.proxied_since is None else seen.now - state.proxied_since
    if proxied >= config.scale_to_zero_grace_period:
        return applied(0, Clause.SCALED_TO_ZERO)
    return Wanted(0, None, (Clause.GRACE_PERIOD,))


def status(config: KpaConfig, state: KpaState, seen: KpaObservation, want: int) -> tuple[bool, Activity]:
    """Whether the initial scale was reached, and the condition Active: with the pods it takes, on the way, or idle."""
    lowest = config.min_scale if config.reachable else 0
    needed = max(lowest, 1 if state.initialised else config.initial_scale)
    initialised = state.initialised or (seen.ready >= needed and seen.service)
    if want == 0 or needed == 0:
        return initialised, Activity.INACTIVE
    if want > 0 or state.activity is not Activity.INACTIVE:
        return initialised, Activity.ACTIVE if seen.ready >= needed else Activity.ACTIVATING
    return initialised, Activity.INACTIVE
