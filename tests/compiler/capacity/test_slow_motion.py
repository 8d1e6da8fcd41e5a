"""In slow motion fewer requests are simulated, and the same is seen."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest
from capacity_cases import SLO, case
from msgspec import structs

from mlsystem.capacity.certificate import Settings
from mlsystem.capacity.inputs import Controller, Demand, Quantity, Speed
from mlsystem.capacity.repairs import changed
from mlsystem.capacity.scenarios import MOST_UNSLOWED, REQUESTS_SLOWED, Scenario, paced, scenarios
from mlsystem.capacity.search import Question, always
from mlsystem.capacity.simulation.setting import Routing
from mlsystem.capacity.solve import whole_day
from mlsystem.capacity.traffic import Trace
from mlsystem.capacity.trials import Outcome

REPLICATIONS = 6


def question(mean: float = 40.0, peak: float = 120.0) -> Question:
    """Each replica answers fifty requests a second, each of them within 200 ms if it can."""
    asked = changed(
        case(), traffic=Demand(mean, peak, None), profile=Speed(None, 20_000, 30_000_000),
        slo=structs.replace(SLO, latency_us=200_000),
    )  # fmt: skip
    return replace(asked, routing=Routing.RANDOM).question()


def outcomes(asked: Question, settings: Settings, scenario: Scenario) -> list[Outcome]:
    return [asked.endpoint.run(settings, scenario, asked.seed, number) for number in range(REPLICATIONS)]


@pytest.mark.slow
@pytest.mark.parametrize(("controller", "metric", "target"), [
    ("hpa", "cpu", 0.5), ("keda", "requests", 25.0), ("knative", "concurrency", 0.5), ("knative", "requests", 25.0),
])  # fmt: skip
def test_what_is_seen_is_the_same(controller: Controller, metric: Quantity, target: float) -> None:
    asked, settings = question(), Settings(controller, metric, target, 3, 8)
    for scenario in asked.scenarios:
        fast, slow = (outcomes(asked, settings, replace(scenario, slowness=one)) for one in (1.0, 4.0))

        assert sum(one.came for one in slow) == pytest.approx(sum(one.came for one in fast) / 4, rel=0.02)
        assert mean_of(slow, "attainment") == pytest.approx(mean_of(fast, "attainment"), abs=0.01)
        assert mean_of(slow, "availability") == pytest.approx(mean_of(fast, "availability"), abs=0.01)
        assert mean_of(slow, "latency") == pytest.approx(mean_of(fast, "latency"), rel=0.1)
        assert mean_of(slow, "replicas") == pytest.approx(mean_of(fast, "replicas"), rel=0.05)


def mean_of(found: list[Outcome], name: str) -> float:
    return fmean(getattr(one, name) for one in found)


def test_what_would_wait_too_long_in_truth_is_not_answered_in_slow_motion_either() -> None:
    asked, rates = question(), np.full(120, 50.0)
    rates[60:63] = 300.0
    scenario = Scenario("a burst", "", Trace(rates), 0)
    fast, slow = (
        outcomes(asked, always(asked.wanted, 3), replace(scenario, slowness=one)) for one in (1.0, 20.0)
    )

    assert mean_of(fast, "availability") < 0.95
    assert mean_of(slow, "availability") == pytest.approx(mean_of(fast, "availability"), abs=0.01)


@pytest.mark.parametrize("peak", [1_000.0, 1_500.0, 6_000.0, 40_000.0])
def test_however_many_requests_come_no_more_are_simulated(peak: float) -> None:
    for scenario in scenarios(Demand(400.0, peak, None), None, lead=60):
        seen = paced(scenario, 0.05)

        assert seen.slowed().trace.requests <= MOST_UNSLOWED
        assert (seen.slowness > 1.0) == (scenario.trace.requests > MOST_UNSLOWED)


def test_nothing_takes_longer_in_slow_motion_than_traffic_takes_to_change() -> None:
    busy = scenarios(Demand(400.0, 40_000.0, None), None, lead=60)[1]

    assert paced(busy, 0.05).slowness == pytest.approx(100.0)
    assert paced(busy, 0.5).slowness == pytest.approx(10.0)
    assert paced(busy, 60.0).slowness == 1.0
    assert paced(busy, 0.001).slowed().trace.requests == pytest.approx(REQUESTS_SLOWED)


def test_a_day_is_seen_as_slowly_as_its_busiest_minutes_at_most() -> None:
    usual, busy = question(), question(400.0, 6_000.0)

    assert whole_day(usual).slowness == 1.0
    assert 1.0 < whole_day(busy).slowness <= max(one.slowness for one in busy.scenarios)
