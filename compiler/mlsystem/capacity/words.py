"""Configurations, and what they miss, as a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsystem.capacity.certificate import STANDARD, Behaviour, Settings

if TYPE_CHECKING:
    from mlsystem.capacity.scenarios import Scenario
    from mlsystem.capacity.search import Question
    from mlsystem.capacity.trials import Trial

NAMES = {"latency": "in time", "availability": "at all"}


def described(settings: Settings) -> str:
    if settings.min_replicas == settings.max_replicas:
        return f"{settings.min_replicas} replicas all the time"
    return f"{settings.min_replicas} to {settings.max_replicas} replicas at {target(settings)}{behaving(settings)}"


def target(settings: Settings) -> str:
    match settings.metric:
        case "cpu":
            return f"{percent(settings.target)} CPU"
        case "requests":
            return f"{settings.target:g} rps each"
        case "concurrency":
            return f"{settings.target:g} requests held by each"


def behaving(settings: Settings) -> str:
    behaviour = settings.behaviour
    if behaviour is None or behaviour == STANDARD:
        return ""
    return f" ({differences(behaviour)})"


def differences(behaviour: Behaviour) -> str:
    found = []
    if behaviour.up != STANDARD.up:
        found.append("more at once where traffic grows")
    if behaviour.down != STANDARD.down:
        found.append(f"fewer after {behaviour.down.window // 60} minutes only")
    return ", ".join(found)


def percent(share: float, digits: int = 4) -> str:
    """Never 100% where it is less: rounded down."""
    scale = 10 ** (digits - 2)
    return f"{int(share * 100 * scale + 1e-9) / scale:g}%"


def missed(question: Question, trial: Trial) -> str:
    """The promise that was missed by most, and where."""
    from mlsystem.capacity.trials import promises  # weight: planning names settings, and simulates nothing

    def left(found: tuple[Scenario, str, float]) -> float:
        scenario, promise, share = found
        return (trial.interval(scenario, promise).mean - share) / (1.0 - share)

    missed = [
        (scenario, promise, share)
        for scenario in question.scenarios if scenario.name in trial.outcomes
        for promise, share in promises(question.endpoint.slo).items()
    ]  # fmt: skip
    scenario, promise, share = min(missed, key=left)
    reached = trial.interval(scenario, promise).mean
    answered = f"answer {percent(reached)} of the requests {NAMES[promise]} in '{scenario.name}'"
    if reached >= share:
        return f"{answered}, too close to the {percent(share)} that are promised to be sure"
    return f"{answered}; {percent(share)} are promised"
