"""From what the metrics ask for to what is done: stabilisation, rates of change, bounds, in this order.

Source: kubernetes 1.36.3, pkg/controller/podautoscaler/horizontal.go (normalizeDesiredReplicas, its variant with
behaviors, and what they call) and pkg/apis/autoscaling/v2/defaults.go.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.hpa_types import (
    Behaviour,
    Flags,
    HpaConfig,
    Policy,
    PolicyKind,
    Reason,
    Recommendation,
    Rules,
    ScaleEvent,
    Select,
)

DEFAULT_UP: Final = (Policy(PolicyKind.PODS, 4, 15.0), Policy(PolicyKind.PERCENT, 100, 15.0))
DEFAULT_DOWN: Final = (Policy(PolicyKind.PERCENT, 100, 15.0),)


class Stabilised(NamedTuple):
    """`clause` None where the newest recommendation holds as it is."""

    replicas: int
    clause: Clause | None
    recommendations: tuple[Recommendation, ...]


class Limited(NamedTuple):
    """`clause` None where nothing limits."""

    replicas: int
    reason: Reason
    clause: Clause | None


WITHIN: Final = Reason.DESIRED_WITHIN_RANGE


def stabilise(
    config: HpaConfig, recommendations: tuple[Recommendation, ...], current: int, desired: int, now: float
) -> Stabilised:
    """`recommendations` come back with the newest in the place of one that no window reaches, as the controller keeps
    them."""
    if config.behaviour is None:
        return at_most_lately(config.flags, recommendations, desired, now)
    return within_windows(config.flags, config.behaviour, recommendations, current, desired, now)


def at_most_lately(flags: Flags, recommendations: tuple[Recommendation, ...], desired: int, now: float) -> Stabilised:
    """Without `behavior`: the highest of the window for scaling down, its oldest moment included."""
    cutoff = now - flags.downscale_stabilisation
    most, old = desired, None
    for place, (at, replicas) in enumerate(recommendations):
        if at < cutoff:
            old = place
        elif replicas > most:
            most = replicas
    clause = None if most == desired else Clause.SCALE_DOWN_STABILISED
    return Stabilised(most, clause, recorded(recommendations, old, (now, desired)))


def within_windows(
    flags: Flags,
    behaviour: Behaviour,
    recommendations: tuple[Recommendation, ...],
    current: int,
    desired: int,
    now: float,
) -> Stabilised:
    """Up no further than the lowest of one window, down no further than the highest of the other, both without their
    oldest moment."""
    up, down = behaviour.up.window or 0.0, behaviour.down.window
    since_up = now - up
    since_down = now - (int(flags.downscale_stabilisation) if down is None else down)
    least = most = desired
    old = None
    for place, (at, replicas) in enumerate(recommendations):
        if at > since_up and replicas < least:
            least = replicas
        if at > since_down and replicas > most:
            most = replicas
        if at < since_up and at < since_down:
            old = place
    held = min(max(current, least), most)
    kept = recorded(recommendations, old, (now, desired))
    if held == desired:
        return Stabilised(held, None, kept)
    return Stabilised(held, Clause.SCALE_UP_STABILISED if desired >= current else Clause.SCALE_DOWN_STABILISED, kept)


def recorded(
    recommendations: tuple[Recommendation, ...], old: int | None, newest: Recommendation
) -> tuple[Recommendation, ...]:
    if old is None:
        return (*recommendations, newest)
    return (*recommendations[:old], newest, *recommendations[old + 1 :])


def limit(
    config: HpaConfig,
    ups: tuple[ScaleEvent, ...],
    downs: tuple[ScaleEvent, ...],
    current: int,
    desired: int,
    now: float,
) -> Limited:
    """The rate of change, then the bounds: what is decided is never outside them, even if what runs is."""
    if config.behaviour is None:
        return limit_without_policies(config, current, desired)
    if desired > current:
        most = max(current, most_replicas(config.behaviour.up, ups, downs, current, now))
        if desired <= min(most, config.max_replicas):
            return Limited(desired, WITHIN, None)
        return limited_above(most, config.max_replicas)
    if desired < current:
        least = min(current, least_replicas(config.behaviour.down, ups, downs, current, now))
        if desired >= max(least, config.min_replicas):
            return Limited(desired, WITHIN, None)
        if config.min_replicas < least:
            return Limited(least, Reason.SCALE_DOWN_LIMIT, Clause.SCALE_DOWN_LIMIT)
        return Limited(config.min_replicas, Reason.TOO_FEW_REPLICAS, Clause.MINIMUM)
    return Limited(desired, WITHIN, None)


def limit_without_policies(config: HpaConfig, current: int, desired: int) -> Limited:
    """At most twice as many or four at once, whatever came before."""
    flags = config.flags
    most = int(max(flags.scale_up_factor * current, flags.scale_up_minimum))
    if desired < config.min_replicas:
        return Limited(config.min_replicas, Reason.TOO_FEW_REPLICAS, Clause.MINIMUM)
    if desired > min(most, config.max_replicas):
        return limited_above(most, config.max_replicas)
    return Limited(desired, WITHIN, None)


def limited_above(rate: int, maximum: int) -> Limited:
    if maximum > rate:
        return Limited(rate, Reason.SCALE_UP_LIMIT, Clause.SCALE_UP_LIMIT)
    return Limited(maximum, Reason.TOO_MANY_REPLICAS, Clause.MAXIMUM)


def most_replicas(
    rules: Rules, ups: tuple[ScaleEvent, ...], downs: tuple[ScaleEvent, ...], current: int, now: float
) -> int:
    """A percentage is rounded up, so that it always lets at least one in."""
    if rules.select is Select.DISABLED:
        return current
    allowed = []
    for kind, value, period in DEFAULT_UP if rules.policies is None else rules.policies:
        start = before(period, ups, downs, current, now)
        allowed.append(start + value if kind is PolicyKind.PODS else math.ceil(start * (1 + value / 100)))
    return min(allowed) if rules.select is Select.MIN else max(allowed)


def least_replicas(
    rules: Rules, ups: tuple[ScaleEvent, ...], downs: tuple[ScaleEvent, ...], current: int, now: float
) -> int:
    """A percentage is rounded towards zero, which lets one more go."""
    if rules.select is Select.DISABLED:
        return current
    allowed = []
    for kind, value, period in DEFAULT_DOWN if rules.policies is None else rules.policies:
        start = before(period, ups, downs, current, now)
        allowed.append(start - value if kind is PolicyKind.PODS else int(start * (1 - value / 100)))
    return max(allowed) if rules.select is Select.MIN else min(allowed)


def before(period: float, ups: tuple[ScaleEvent, ...], downs: tuple[ScaleEvent, ...], current: int, now: float) -> int:
    """How many replicas ran `period` seconds ago, going by what this controller did."""
    return current - changed(period, ups, now) + changed(period, downs, now)


def changed(period: float, events: tuple[ScaleEvent, ...], now: float) -> int:
    cutoff, total = now - period, 0
    for at, change in events:
        if at > cutoff:
            total += change
    return total


def remembered(rules: Rules, default: tuple[Policy, ...], events: tuple[ScaleEvent, ...], newest: ScaleEvent) -> (
    tuple[ScaleEvent, ...]
):  # fmt: skip
    """With the newest in the place of one that no policy reaches, as the controller keeps them."""
    policies = default if rules.policies is None else rules.policies
    cutoff = newest[0] - max((policy.period for policy in policies), default=0.0)
    old = max((place for place, (at, _) in enumerate(events) if at < cutoff), default=None)
    return (*events, newest) if old is None else (*events[:old], newest, *events[old + 1 :])
