"""A decision of Knative's pod autoscaler in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

from mlsystem.capacity.controllers import kpa
from mlsystem.capacity.controllers.decision import Clause
from mlsystem.capacity.controllers.kpa_types import KpaConfig, KpaDecision, KpaObservation, KpaState
from mlsystem.capacity.explain.moment import Clock
from mlsystem.capacity.explain.step import Account, Step, Worded, replicas, short


def step(config: KpaConfig, state: KpaState, seen: KpaObservation) -> tuple[Step, KpaState]:
    decision = kpa.decide(config, state, seen)
    made = Step(
        seen.now, seen.replicas, seen.replicas, seen.ready, (value(seen.stable), value(seen.panic)), decision.desired,
        decision.clauses or (Clause.STABLE_WINDOW,), partial(account, config, state, seen, decision),
    )  # fmt: skip
    return made, decision.state


def value(mean: float | None) -> str:
    return "no data" if mean is None else short(mean)


def account(config: KpaConfig, state: KpaState, seen: KpaObservation, decision: KpaDecision, clock: Clock) -> Account:
    shown = (
        f"{replicas(seen.replicas)} asked for, {seen.ready} ready",
        f"stable window of {short(config.stable_window)} s: {value(seen.stable)}, panic window of"
        f" {short(config.panic_window)} s: {value(seen.panic)}; target {short(config.target)} for each replica",
        f"bounds: {config.min_scale} to {config.max_scale or 'any number'}",
    )
    worded = tuple(Worded(one, sentence(one, config, state, seen, decision, clock)) for one in decision.clauses)
    return Account(shown, worded, tuple(outlook(config, seen, decision, clock)))


def sentence(
    clause: Clause, config: KpaConfig, state: KpaState, seen: KpaObservation, decision: KpaDecision, clock: Clock
) -> str:
    ready, asked = max(1, seen.ready), decision.state.desired
    plainly: str = clause.value
    match clause:
        case Clause.STABLE_WINDOW:
            return division(clause, seen.stable or 0.0, config)
        case Clause.PANIC_WINDOW:
            over = math.ceil((seen.panic or 0.0) / config.target) / ready
            return (
                f"{division(clause, seen.panic or 0.0, config)}; panic begins at {short(config.panic_threshold)} times"
                f" what is ready, this is {short(over)} times"
            )
        case Clause.PANIC_HOLD:
            return f"{clause.value}: {decision.scaled.state.max_panic_pods} were asked for since it began"
        case Clause.MAX_SCALE_UP_RATE:
            most = math.ceil(config.max_scale_up_rate * ready)
            return f"{clause.value} of {short(config.max_scale_up_rate)}: at most {most} from {ready} ready"
        case Clause.MAX_SCALE_DOWN_RATE:
            least = kpa.least(config, ready)
            return f"{clause.value} of {short(config.max_scale_down_rate)}: at least {least} from {ready} ready"
        case Clause.SCALE_DOWN_DELAY:
            return f"{clause.value}: {asked} in the last {short(config.scale_down_delay)} s"
        case Clause.MAXIMUM:
            return f"{asked} are wanted, but max-scale is {config.max_scale}"
        case Clause.MINIMUM:
            return f"{asked} are wanted, but min-scale is {config.min_scale}"
        case Clause.INITIAL_SCALE:
            return f"{clause.value}: {config.initial_scale}"
        case Clause.IDLE_HOLD | Clause.DEACTIVATING:
            return f"{clause.value} of {short(config.stable_window)} s; active since {clock(state.activity_since)}"
        case Clause.GRACE_PERIOD:
            return f"{clause.value}: {short(config.scale_to_zero_grace_period)} s"
    return plainly


def division(clause: Clause, mean: float, config: KpaConfig) -> str:
    wanted = math.ceil(mean / config.target)
    return f"{clause.value}: {short(mean)} / {short(config.target)}, rounded up: {wanted}"


def outlook(config: KpaConfig, seen: KpaObservation, decision: KpaDecision, clock: Clock) -> Iterator[str]:
    since = decision.scaled.state.panicking_since
    if since is not None:
        yield f"in panic: it ends after {clock(since + config.stable_window)}, if nothing prolongs it"
    if Clause.NO_DATA in decision.clauses:
        yield "without metrics nothing changes until there are some again"
    if Clause.MAXIMUM in decision.clauses and decision.desired == seen.replicas:
        yield "more are possible only with a higher max-scale"
