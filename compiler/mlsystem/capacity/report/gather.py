"""What the page shows of an endpoint: its certificate, and simulations of the certified configuration."""

from __future__ import annotations

from dataclasses import replace

from mlsystem.capacity.configured import Configured
from mlsystem.capacity.report.page import Endpoint, Picture
from mlsystem.capacity.report.timeline import timeline, window_for
from mlsystem.capacity.scenarios import Scenario
from mlsystem.capacity.simulation.simulate import simulate


def endpoint_of(name: str, found: Configured) -> Endpoint:
    """Without a certificate there is nothing to picture."""
    slo = found.question.endpoint.slo
    if found.certificate is None:
        return Endpoint(name, slo, None)
    scenarios = found.scenarios
    whole, tightest = next(iter(scenarios.values())), scenarios.get(found.tightest)
    pictures = [picture(found, whole, f"One simulation of {whole.says}.")]
    if tightest is not None:
        says = f"The scenario with the least to spare: {tightest.says}. One of its simulations."
        pictures.append(picture(found, tightest, says))
    return Endpoint(name, slo, found.certificate, found.moved, tuple(pictures))


def picture(found: Configured, scenario: Scenario, says: str) -> Picture:
    """The first replication, as it was when it was certified."""
    setting = found.question.endpoint.setting(found.settings, scenario)
    seen = replace(setting.objective, window=window_for(scenario.trace.seconds))
    result = simulate(
        replace(setting, objective=seen), scenario.trace, seed=found.question.seed, detailed=True
    )
    return Picture(scenario.name, says, timeline(result, float(scenario.trace.start)))
