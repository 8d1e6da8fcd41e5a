"""Explains a moment of the traffic that is expected: the configuration is simulated, and asked why."""

from __future__ import annotations

from functools import partial

from mlsystem.capacity.configured import Configured
from mlsystem.capacity.explain.moment import offset, since_start
from mlsystem.capacity.explain.simulated import columns, record
from mlsystem.capacity.explain.text import at, explained
from mlsystem.capacity.scenarios import Scenario
from mlsystem.capacity.words import described
from mlsystem.diagnostics.suggest import help_among
from mlsystem.errors import MlsystemError

HINT = "an offset from the beginning of the traffic, such as 03:12 (hours and minutes), 03:12:30 or 2h5m"
ALL = "all traffic"


def explain_simulated(moment: str, name: str, found: Configured, wanted: str | None) -> str:
    """`wanted`: a scenario, None: all the traffic. Raises MlsystemError for a moment or a scenario that is not there,
    and where nothing is ever decided."""
    when = offset(moment)
    if when is None:
        raise MlsystemError(f"'{moment}' is no moment of simulated traffic", HINT)
    scenario = chosen(found, wanted or ALL)
    setting = found.question.endpoint.setting(found.settings, scenario)
    start = float(scenario.trace.start)
    check_inside(when, scenario)
    steps = record(setting, scenario.trace, seed=found.question.seed)
    if not steps:
        always = f"{described(found.settings)}: nothing is decided, whatever happens"
        raise MlsystemError(always, "write `min_replicas` below `max_replicas`")
    clock = partial(shifted, start)
    place = at(steps, when - start, clock)
    return "\n".join([*heading(name, found, scenario), "", explained(steps, place, columns(setting.scaler), clock)])


def chosen(found: Configured, name: str) -> Scenario:
    scenarios = found.scenarios
    if name not in scenarios:
        listed = ", ".join(f"'{one}'" for one in scenarios)
        raise MlsystemError(f"there is no scenario '{name}'", help_among(name, list(scenarios)) or f"one of {listed}")
    return scenarios[name]


def check_inside(when: float, scenario: Scenario) -> None:
    start, end = scenario.trace.start, scenario.trace.start + scenario.trace.seconds
    if not start <= when < end:
        raise MlsystemError(
            f"{since_start(when)} is not in '{scenario.name}', which goes from {since_start(start)} to"
            f" {since_start(end)}",
            "choose a moment between them, or another scenario with --scenario",
        )


def shifted(start: float, seconds: float) -> str:
    return since_start(start + seconds)


def heading(name: str, found: Configured, scenario: Scenario) -> list[str]:
    how = "as written, not certified" if found.certificate is None else "certified"
    if found.moved:
        how = f"certified before {' and '.join(found.moved)} moved"
    return [
        f"{name}: {described(found.settings)}, {how}",
        f"simulated: {scenario.name}, {scenario.says}; seed {found.question.seed}",
    ]
