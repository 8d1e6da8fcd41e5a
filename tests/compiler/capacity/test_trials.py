import pytest
from capacity_cases import case

from mlsystem.capacity.search import always
from mlsystem.capacity.trials import Runner, Trial, hopeless, interval, promises, student
from mlsystem_runtime.contract.run import Slo


@pytest.mark.parametrize(("freedom", "quantile", "error"), [(3, 3.182, 0.03), (19, 2.093, 0.001), (100, 1.984, 0.001)])
def test_the_quantiles_of_student_are_those_of_the_tables(freedom, quantile, error):
    assert student(0.95, freedom) == pytest.approx(quantile, abs=error)


def test_an_interval_is_wider_the_less_is_known():
    few, many = interval([0.98, 0.99, 1.0, 0.99]), interval([0.98, 0.99, 1.0, 0.99] * 5)

    assert few.low < many.low < many.mean < many.high < few.high


def test_a_share_is_never_more_than_all():
    assert interval([1.0, 0.9, 1.0, 1.0]).high == 1.0


def test_one_replication_refutes_only_what_is_far_off():
    assert not hopeless([0.985], 0.99)
    assert hopeless([0.97], 0.99)


def test_several_replications_refute_what_their_interval_excludes():
    assert hopeless([0.985, 0.986, 0.985, 0.984], 0.99)
    assert not hopeless([0.985, 0.996, 0.985, 0.984], 0.99)


def test_what_is_not_promised_is_not_asked_for():
    assert promises(Slo(50_000, 0.95, None, 1)) == {"latency": 0.95}
    assert promises(Slo(None, None, 0.999, 1)) == {"availability": 0.999}


def test_an_hour_with_a_failure_is_mostly_as_the_peak_without_it():
    question = case().question()
    runner = Runner(question.endpoint, question.scenarios, seed=1)
    trial = Trial(always(question.wanted, 4))
    runner.advance(trial, 1)
    lost = next(one for one in question.scenarios if one.loss)
    peak = trial.outcomes["peak"][0].availability
    alone = trial.outcomes[lost.name][0].availability

    [mixed] = trial.shares(lost, "availability")

    assert alone < mixed < peak
    assert mixed == pytest.approx(peak + lost.seconds / 3600 * (alone - peak))


def test_the_scenario_that_refuted_one_is_the_first_of_the_next():
    question = case().question()
    runner = Runner(question.endpoint, question.scenarios, seed=1)
    few, fewer = Trial(always(question.wanted, 1)), Trial(always(question.wanted, 1))

    assert not runner.advance(few, 4)
    assert not runner.advance(fewer, 1)
    assert list(fewer.outcomes) == [few.refuted_by]


def test_what_the_peak_refutes_before_a_failure_comes_is_refuted_by_the_peak():
    question = case().question()
    failures_first = sorted(question.scenarios, key=lambda scenario: not scenario.loss)
    few = Trial(always(question.wanted, 1))

    assert not Runner(question.endpoint, failures_first, seed=1).advance(few, 1)
    assert few.refuted_by == "peak"
