"""The same requests with the same service times begin and end at the same moments, in the same pods, as in simpy."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from plain_engine import uniform
from simpy_pods import World

from mlsystem.capacity import traffic
from mlsystem.capacity.simulation.engine import rules_of
from mlsystem.capacity.simulation.layout import ANSWERED, VICTIM
from mlsystem.capacity.simulation.result import Result
from mlsystem.capacity.simulation.scaling import View
from mlsystem.capacity.simulation.service_times import Linear, Measured, ServiceTimes
from mlsystem.capacity.simulation.setting import Objective, PodLoss, Pods, Routing, Server, Setting
from mlsystem.capacity.simulation.simulate import simulate_arrivals

KEY, SECONDS = 20_261_122, 60.0
SCATTER = tuple(np.linspace(0.2, 2.6, 97))
MOMENTS = traffic.all_arrivals(traffic.flash_crowd(20.0, 70.0, int(SECONDS), at=15, rise=5, hold=15, fall=5), seed=8)


class Steps:
    """Desired replicas at the first tick after each of some moments."""

    period = 5.0

    def __init__(self, *steps: tuple[float, int]) -> None:
        self.steps = steps

    def decide(self, view: View, memory: None) -> tuple[int, None]:
        return next((replicas for time, replicas in reversed(self.steps) if view.now >= time), view.replicas), None


def world(setting: Setting) -> World:
    rules = rules_of(setting.server, setting.routing, setting.objective, setting.classes, KEY)
    return World(rules, MOMENTS, setting.pods.initial)


def setting(service: ServiceTimes, routing: Routing, pods: int, slots: int = 1, batch: int = 1) -> Setting:
    server = Server(service, slots, batch, timeout=math.inf)
    return Setting(server, Objective(0.2), Pods(pods, cold_starts=(3.25, 7.5)), routing)


def simulated(setting: Setting) -> Result:
    return simulate_arrivals(setting, [MOMENTS[:700], MOMENTS[700:]], SECONDS, key=KEY, log=len(MOMENTS))


def agree(result: Result, expected: World) -> None:
    assert len(MOMENTS) > 1500
    assert result.log.start == pytest.approx([trip.start for trip in expected.trips], abs=1e-8, nan_ok=True)
    assert result.log.end == pytest.approx([trip.end for trip in expected.trips], abs=1e-8)
    assert (result.log.outcome == ANSWERED).tolist() == [trip.answered for trip in expected.trips]


@pytest.mark.parametrize("routing", Routing)
@pytest.mark.parametrize(("pods", "slots"), [(1, 4), (4, 1), (3, 2)])
def test_pods_with_queues_of_their_own(routing: Routing, pods: int, slots: int) -> None:
    case = setting(Linear(0.0, 0.06, SCATTER), routing, pods, slots)
    expected = world(case)
    expected.env.run()

    result = simulated(case)
    agree(result, expected)
    assert result.log.pod.tolist() == [trip.pod for trip in expected.trips]


@pytest.mark.parametrize("routing", Routing)
@pytest.mark.parametrize("most", [2, 5, 64])
def test_batches_of_all_that_came_meanwhile(routing: Routing, most: int) -> None:
    case = setting(Linear(0.01, 0.08, SCATTER), routing, 2, batch=most)
    expected = world(case)
    expected.env.run()

    agree(simulated(case), expected)


def test_service_times_that_depend_on_what_else_is_computed() -> None:
    samples = {(1, 1): [0.02, 0.03], (2, 1): [0.03, 0.05, 0.06], (3, 1): [0.06, 0.09]}
    case = setting(Measured(samples), Routing.LEAST_REQUESTS, 2, slots=3)
    expected = world(case)
    expected.env.run()

    agree(simulated(case), expected)


@pytest.mark.parametrize("routing", Routing)
def test_pods_that_are_ready_after_a_cold_start(routing: Routing) -> None:
    base = setting(Linear(0.002, 0.05, SCATTER), routing, 1, batch=8)
    case = Setting(base.server, base.objective, base.pods, routing, scaler=Steps((12.0, 2), (22.0, 5)))
    expected, phase = world(case), 5.0 * uniform(KEY, 7, 1)
    for number, asked in enumerate([12.0, 22.0, 22.0, 22.0], start=1):
        tick = phase + 5.0 * math.ceil((asked - phase) / 5.0)
        expected.at(tick + (3.25, 7.5)[int(uniform(KEY, 5, number) * 2)], partial(expected.start, number))
    expected.env.run()

    result = simulated(case)
    agree(result, expected)
    assert result.counts[-1].ready == 5


@pytest.mark.parametrize("routing", Routing)
def test_a_pod_that_dies_and_is_replaced(routing: Routing) -> None:
    base = setting(Linear(0.002, 0.05, SCATTER), routing, 3, batch=8)
    case = Setting(base.server, base.objective, base.pods, routing, failures=(PodLoss(24.0),))
    expected = world(case)
    victim = expected.ready[int(uniform(KEY, VICTIM, 1) * 3)]
    expected.at(24.0, victim.die)
    expected.at(24.0 + (3.25, 7.5)[int(uniform(KEY, 5, 3) * 2)], partial(expected.start, 3))
    expected.env.run()

    result = simulated(case)
    agree(result, expected)
    assert 0 < result.failed < 30
