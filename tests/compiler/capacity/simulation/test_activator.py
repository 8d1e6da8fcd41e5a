"""Requests that come while no pod is ready are held, for the first one that is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlsystem.capacity import traffic
from mlsystem.capacity.controllers.kpa_types import KpaConfig
from mlsystem.capacity.simulation.autoscalers import Kpa
from mlsystem.capacity.simulation.result import Result
from mlsystem.capacity.simulation.scaling import View
from mlsystem.capacity.simulation.service_times import Linear
from mlsystem.capacity.simulation.setting import Activator, Metrics, Objective, PodLoss, Pods, Server, Setting
from mlsystem.capacity.simulation.simulate import simulate, simulate_arrivals

LOST = PodLoss(10.0)
SECONDS = 100.0
PATIENT = Activator()


def run(*moments: float, activator: Activator | None = PATIENT, cold_start: float = 30.0, **server: Any) -> Result:
    """One pod, a second a request, is lost at 10 s; the next one is ready a cold start later."""
    setting = Setting(
        Server(Linear(0.0, 1.0), **server), Objective(60.0), Pods(1, (cold_start,)), failures=(LOST,),
        activator=activator,
    )  # fmt: skip
    return simulate_arrivals(setting, [np.array(moments)], SECONDS, key=1, log=len(moments))


def ends(result: Result) -> list[float]:
    return [float(end) for end in result.log.end]


def test_requests_wait_for_the_first_pod_that_is_ready_and_come_to_it_in_order() -> None:
    result = run(5.0, 12.0, 20.0, 39.5, 40.2)

    assert ends(result) == pytest.approx([6.0, 41.0, 42.0, 43.0, 44.0])
    assert (result.answered, result.failed) == (5, 0)


def test_without_an_activator_they_fail() -> None:
    assert run(5.0, 12.0, 20.0, 40.2, activator=None).failed == 2


def test_the_time_that_a_server_lets_them_wait_begins_when_it_gets_them() -> None:
    result = run(12.0, 20.0, 21.0, 45.0, timeout=1.5)

    assert ends(result) == pytest.approx([41.0, 42.0, 41.5, 46.0])
    assert (result.answered, result.timed_out) == (3, 1)


def test_the_budget_of_a_server_begins_then_as_well() -> None:
    """All are later than the budget, but to the server they are new."""
    result = run(12.0, 13.0, 14.0, 15.0, budget=2.5)

    assert (result.answered, result.refused) == (2, 2)


def test_they_are_held_for_as_long_as_the_activator_has_patience() -> None:
    result = run(12.0, 20.0, 25.0, activator=Activator(patience=19.0))

    assert ends(result) == pytest.approx([31.0, 39.0, 41.0])
    assert (result.answered, result.timed_out) == (1, 2)


def test_no_more_are_held_than_it_has_room_for() -> None:
    result = run(11.0, 12.0, 13.0, 17.0, activator=Activator(patience=5.0, limit=2), cold_start=9.0)

    assert ends(result) == pytest.approx([16.0, 17.0, 13.0, 20.0])
    assert (result.answered, result.timed_out, result.refused) == (1, 2, 1)


def test_what_no_pod_ever_gets_ends_with_the_patience() -> None:
    result = run(12.0, 90.0, cold_start=1000.0, activator=Activator(patience=30.0))

    assert ends(result) == pytest.approx([42.0, 120.0])
    assert result.timed_out == 2


class Watching:
    """Keeps one replica, and what it saw of all pods together."""

    period = 2.0

    def __init__(self) -> None:
        self.seen: list[tuple[float, float, float]] = []

    def decide(self, view: View, memory: None) -> tuple[int, None]:
        if (total := view.total(2.0)) is not None:
            self.seen.append((view.now, total.held, total.rate))
        return 1, None


def test_what_is_held_is_measured_and_counts_once_as_received() -> None:
    scaler = Watching()
    setting = Setting(
        Server(Linear(0.0, 1.0)), Objective(60.0), Pods(1, (30.0,)), scaler=scaler, failures=(LOST,),
        activator=Activator(), metrics=Metrics(scrape=2.0),
    )  # fmt: skip

    simulate_arrivals(setting, [np.array([20.0, 21.0, 22.0])], SECONDS, key=1)

    assert max(held for now, held, _ in scaler.seen if now < 40.0) == pytest.approx(3.0)
    assert sum(rate * 2.0 for _, _, rate in scaler.seen) == pytest.approx(3.0)
    assert scaler.seen[-1][1] == pytest.approx(0.0)


def test_knative_goes_to_zero_with_one_and_comes_back_for_what_is_held() -> None:
    """A minute of traffic, five without any, and a minute again."""
    trace = traffic.Trace(np.repeat([10.0, 0.0, 10.0, 0.0], [60, 300, 60, 180]))
    knative = Kpa(KpaConfig(target=0.7, total=1.0, max_scale=20))
    setting = Setting(
        Server(Linear(0.0, 0.05), timeout=60.0), Objective(60.0), Pods(1, (5.0,)), scaler=knative,
        metrics=Metrics(scrape=1.0), activator=Activator(),
    )  # fmt: skip

    to_zero = simulate(setting, trace, seed=1)
    never = simulate(replace(setting, activator=None), trace, seed=1)

    assert min(count.desired for count in to_zero.counts) == 0
    assert to_zero.counts[-1].desired == 0
    assert (to_zero.answered, to_zero.failed) == (to_zero.came, 0)
    assert to_zero.quantile(1.0) > 5.0
    assert min(count.desired for count in never.counts) == 1
