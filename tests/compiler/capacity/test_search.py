import math

import pytest
from capacity_cases import case

from mlsystem.capacity.candidates import BEHAVIOURS, METRICS
from mlsystem.capacity.certificate import Settings
from mlsystem.capacity.inputs import Wanted
from mlsystem.capacity.search import Question, Search, fewest
from mlsystem.capacity.solve import solve
from mlsystem.capacity.trials import REPLICATIONS, Runner, Trial


def brute_force(question: Question) -> float:
    """The cost of the cheapest of all configurations of a question whose target is written."""
    wanted = question.wanted
    assert wanted.target is not None
    costs = [math.inf]
    for least in range(2, wanted.max_replicas + 1):
        for behaviour in BEHAVIOURS if least < wanted.max_replicas else BEHAVIOURS[:1]:
            settings = Settings("hpa", "cpu", wanted.target, least, wanted.max_replicas, behaviour)
            trial = Trial(settings)
            for scenario in question.scenarios:
                trial.outcomes[scenario.name] = [
                    question.endpoint.run(settings, scenario, question.seed, number) for number in range(REPLICATIONS)
                ]
            if trial.holds(question.endpoint.slo, question.scenarios):
                costs.append(question.cost(settings))
    return min(costs)


@pytest.mark.slow
@pytest.mark.parametrize(("target", "availability"), [
    (0.8, 0.99), pytest.param(0.6, 0.98, marks=pytest.mark.soak), pytest.param(0.6, 0.9995, marks=pytest.mark.soak),
])  # fmt: skip
def test_the_answer_is_the_cheapest_of_all(target, availability):
    question = case({"availability": availability}, target=target, max_replicas=5).question()

    found = next(Search(question).found(), None)

    assert (math.inf if found is None else question.cost(found.settings)) == pytest.approx(brute_force(question))


@pytest.mark.slow
def test_what_is_found_holds_for_other_requests_too():
    question = case().question()
    found = next(Search(question).found())
    again = Trial(found.settings)

    Runner(question.endpoint, question.scenarios, seed=4711).advance(again, REPLICATIONS)

    for scenario in question.scenarios:
        assert again.interval(scenario, "latency").mean >= 0.95
        assert again.interval(scenario, "availability").mean >= 0.98


@pytest.mark.slow
def test_a_looser_promise_never_costs_more():
    costs = []
    for availability in (0.999, 0.99, 0.98, 0.95, 0.9):
        question = case({"availability": availability}).question()
        found = next(Search(question).found(), None)
        costs.append(math.inf if found is None else question.cost(found.settings))

    assert costs == sorted(costs, reverse=True)
    assert costs[0] > costs[-1]


def test_what_is_written_is_kept():
    question = case({"availability": 0.9, "objective": 0.8}, min_replicas=5, target=0.4).question()
    found = next(Search(question).found())

    assert (found.settings.min_replicas, found.settings.target, found.settings.max_replicas) == (5, 0.4, 8)


@pytest.mark.slow
def test_a_limit_of_money_is_hard():
    cost = solve(case(), front=False).certificate.cost

    assert solve(case(max_cost=cost), front=False).certificate.cost == cost
    assert solve(case(max_cost=75.0), front=False).certificate is None


def test_where_all_that_there_may_be_are_too_few_nothing_else_is_tried():
    search = Search(case(max_replicas=2).question())

    assert list(search.found()) == []
    assert [trial.settings.min_replicas for trial in search.refuted] == [2]


def test_arithmetic_asks_for_no_more_than_simulation_does():
    question = case().question()
    found = next(Search(question).found())

    assert fewest(question, found.settings) <= found.settings.min_replicas


@pytest.mark.parametrize("controller", ["hpa", "keda", "knative"])
def test_each_controller_is_searched_with_metrics_of_its_own(controller):
    question = case({"availability": 0.9, "objective": 0.8}, controller=controller).question()
    found = next(Search(question).found())

    assert found.settings.controller == controller
    assert found.settings.metric in METRICS[controller]
    assert isinstance(question.wanted, Wanted)
