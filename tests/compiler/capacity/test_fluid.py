"""As a liquid no fewer requests are answered than can be one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from capacity_cases import case

from mlsystem.capacity.candidates import BEHAVIOURS
from mlsystem.capacity.certificate import Settings
from mlsystem.capacity.fluid import answered_at_most
from mlsystem.capacity.inputs import Demand
from mlsystem.capacity.repairs import changed
from mlsystem.capacity.scenarios import CROWD
from mlsystem.capacity.search import Search, always, asked_for, beyond
from mlsystem.capacity.simulation.simulate import simulate

MINUTE = np.ones(60)


def test_enough_answer_all() -> None:
    assert answered_at_most(10.0 * MINUTE, 10.0 * MINUTE, 1.0) == 1.0
    assert answered_at_most(0.0 * MINUTE, 0.0 * MINUTE, 1.0) == 1.0


def test_too_few_answer_what_they_can_and_what_can_wait_at_the_end() -> None:
    assert answered_at_most(20.0 * MINUTE, 10.0 * MINUTE, 3.0) == pytest.approx((600 + 30) / 1200)


def test_what_comes_at_once_waits_only_as_long_as_it_has_patience() -> None:
    rates = np.zeros(60)
    rates[10] = 100.0

    assert answered_at_most(rates, 10.0 * MINUTE, 4.0) == pytest.approx(0.5)
    assert answered_at_most(rates, 10.0 * MINUTE, 9.0) == pytest.approx(1.0)


def test_what_was_lost_before_does_not_count() -> None:
    rates = np.where(np.arange(60) < 30, 20.0, 10.0)

    assert answered_at_most(rates, 10.0 * MINUTE, 0.0, since=30) == 1.0


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_no_simulation_answers_more(replicas: int) -> None:
    question = case().question()
    settings = always(question.wanted, replicas)
    for scenario in question.scenarios:
        limits = question.endpoint.limits(scenario, np.full(scenario.trace.seconds, float(replicas)))
        found = [question.endpoint.run(settings, scenario, question.seed, number) for number in range(4)]

        assert np.mean([one.attainment for one in found]) <= limits["latency"] + 0.01
        assert np.mean([one.availability for one in found]) <= limits["availability"] + 0.01


@pytest.mark.parametrize("target", [0.2, 0.5, 0.9])
def test_no_autoscaler_has_more_replicas_than_arithmetic_lets_it_have(target: float) -> None:
    question = case().question()
    crowd = next(one for one in question.scenarios if one.name == CROWD)
    for behaviour in BEHAVIOURS:
        settings = Settings("hpa", "cpu", target, 2, 8, behaviour)
        most = np.maximum(asked_for(question, settings, crowd), 2.0)
        for number in range(4):
            setting = question.endpoint.setting(settings, crowd)
            result = simulate(setting, crowd.trace, seed=question.seed, replication=number)

            assert all(one.ready <= most[min(int(one.time), len(most) - 1)] for one in result.counts)


def test_what_arithmetic_refutes_is_not_simulated() -> None:
    asked = changed(case(max_replicas=3), traffic=Demand(4.0, 40.0, None))
    search = Search(asked.question())

    assert beyond(asked.question(), 3)
    assert not beyond(replace(asked, slower=0.1).question(), 3)
    assert list(search.found()) == []
    assert search.runner.requests == 0
    assert [trial.settings.min_replicas for trial in search.refuted] == [3]
