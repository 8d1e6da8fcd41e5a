"""What holds back the HorizontalPodAutoscaler in sentences: windows of recommendations and rates of change."""

from __future__ import annotations

from collections.abc import Iterable

from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.hpa_limits import (
    DEFAULT_DOWN,
    DEFAULT_UP,
    before,
    least_replicas,
    most_replicas,
)
from mlsystem.capacity.controllers.hpa_types import (
    HpaConfig,
    HpaState,
    Observation,
    Policy,
    PolicyKind,
    Recommendation,
    Rules,
    Select,
)
from mlsystem.capacity.explain.moment import Clock
from mlsystem.capacity.explain.step import short


def window(config: HpaConfig, clause: Clause) -> float:
    """Seconds of the stabilisation window that `clause` is about."""
    if config.behaviour is None:
        return config.flags.downscale_stabilisation
    if clause is Clause.SCALE_UP_STABILISED:
        return config.behaviour.up.window or 0.0
    down = config.behaviour.down.window
    return float(int(config.flags.downscale_stabilisation)) if down is None else down


def holder(
    config: HpaConfig, recommendations: Iterable[Recommendation], seen: Observation, asked: int, clause: Clause
) -> Recommendation:
    """The recommendation of the window that holds, the newest of equals."""
    since = seen.now - window(config, clause)
    inside = [
        (at, wanted) for at, wanted in recommendations
        if (at >= since if config.behaviour is None else at > since)
    ]  # fmt: skip
    up = clause is Clause.SCALE_UP_STABILISED
    return max(inside, key=lambda one: (-one[1] if up else one[1], one[0]), default=(seen.now, asked))


def held(
    clause: Clause,
    config: HpaConfig,
    recommendations: Iterable[Recommendation],
    seen: Observation,
    asked: int,
    clock: Clock,
) -> str:
    at, wanted = holder(config, recommendations, seen, asked, clause)
    which, fewer = ("lowest", "more") if clause is Clause.SCALE_UP_STABILISED else ("highest", "fewer")
    return (
        f"{asked} would do, but in the last {short(window(config, clause))} s the {which} recommendation was {wanted},"
        f" at {clock(at)}: there may be no {fewer} than that"
    )


def held_until(
    config: HpaConfig, recommendations: Iterable[Recommendation], seen: Observation, asked: int, clock: Clock
) -> str:
    at, wanted = holder(config, recommendations, seen, asked, Clause.SCALE_DOWN_STABILISED)
    until = clock(at + window(config, Clause.SCALE_DOWN_STABILISED))
    return f"fewer than {wanted} are possible from {until} on, if none asks for as many until then"


def up_limit(config: HpaConfig, state: HpaState, seen: Observation) -> str:
    current = seen.spec_replicas
    if config.behaviour is None:
        most = max(config.flags.scale_up_factor * current, config.flags.scale_up_minimum)
        return f"at most {int(most)} at once: twice as many, or 4"
    most = max(current, most_replicas(config.behaviour.up, state.ups, state.downs, current, seen.now))
    return f"scaleUp allows {int(most)}: {allowances(config.behaviour.up, DEFAULT_UP, '+', state, seen)}"


def down_limit(config: HpaConfig, state: HpaState, seen: Observation) -> str:
    assert config.behaviour is not None, "without it nothing limits the way down"
    current = seen.spec_replicas
    least = min(current, least_replicas(config.behaviour.down, state.ups, state.downs, current, seen.now))
    return f"scaleDown allows {least}: {allowances(config.behaviour.down, DEFAULT_DOWN, '-', state, seen)}"


def allowances(rules: Rules, default: tuple[Policy, ...], sign: str, state: HpaState, seen: Observation) -> str:
    """Every policy, with what it starts from, and which of them holds."""
    if rules.select is Select.DISABLED:
        return "selectPolicy is Disabled"
    policies = default if rules.policies is None else rules.policies
    words = [allowance(policy, sign, state, seen) for policy in policies]
    if len(words) == 1:
        return words[0]
    which = "least" if rules.select is Select.MIN else "most"
    return f"the {which} of {', '.join(words)}"


def allowance(policy: Policy, sign: str, state: HpaState, seen: Observation) -> str:
    unit = "%" if policy.kind is PolicyKind.PERCENT else " pods" if policy.value != 1 else " pod"
    then = before(policy.period, state.ups, state.downs, seen.spec_replicas, seen.now)
    return f"{sign}{policy.value}{unit} in {short(policy.period)} s, from {then}"
