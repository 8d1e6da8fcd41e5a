import numpy as np
import pytest

from mlsystem.capacity.inputs import Demand
from mlsystem.capacity.scenarios import CROWD, MOST_REQUESTS, PEAK, Scenario, day_of, rates_of, scenarios
from mlsystem.capacity.simulation.setting import PodLoss, RollingUpdate
from mlsystem.capacity.traffic import DAY, MINUTE, Trace

DEMAND = Demand(40.0, 120.0, None)


def by_name(demand: Demand = DEMAND, recorded: Trace | None = None) -> dict[str, Scenario]:
    return {one.name: one for one in scenarios(demand, recorded, lead=45)}


def test_all_five_have_to_be_borne():
    assert list(by_name()) == ["expected", "peak", "flash crowd", "one pod lost", "rolling update"]


def test_what_counts_begins_at_a_whole_minute_so_that_no_window_is_cut():
    assert all(one.since % MINUTE == 0 and one.seconds > 0 for one in by_name().values())


def test_the_peak_is_where_traffic_is_highest_and_the_expected_is_where_it_is_usual():
    found = by_name()

    assert found[PEAK].trace.peak == pytest.approx(day_of(DEMAND, None).peak)
    assert found["expected"].mean == pytest.approx(day_of(DEMAND, None).mean, rel=0.02)


def test_a_crowd_comes_within_a_minute_from_the_mean_to_the_peak():
    rates = by_name()[CROWD].trace.rates

    assert rates[0] == pytest.approx(40.0)
    assert rates.max() == pytest.approx(120.0)
    assert np.argmax(rates >= 119.9) - np.argmax(rates > 40.1) <= MINUTE


def test_a_recorded_rise_takes_the_place_of_an_assumed_one():
    rates = np.full(DAY, 10.0)
    rates[50_000:52_000] = 70.0
    crowd = by_name(recorded=Trace(rates))[CROWD]

    assert crowd.trace.start < 50_000 < crowd.trace.start + crowd.trace.seconds
    assert "from 10 to 70 rps" in crowd.says


def test_a_peak_that_is_higher_than_what_was_recorded_raises_it():
    recorded = Trace(np.full(7200, 20.0))

    assert by_name(Demand(None, 60.0, "ab"), recorded)[PEAK].trace.peak == pytest.approx(60.0)
    assert by_name(Demand(None, 15.0, "ab"), recorded)[PEAK].trace.peak == pytest.approx(20.0)


@pytest.mark.parametrize(("demand", "rates"), [
    (Demand(40.0, None, None), (40.0, 120.0)), (Demand(None, 120.0, None), (40.0, 120.0)), (DEMAND, (40.0, 120.0)),
])  # fmt: skip
def test_what_is_not_known_is_as_far_away_as_on_a_usual_day(demand, rates):
    assert rates_of(demand) == rates


def test_failures_come_in_the_middle_of_what_counts():
    found = by_name()
    lost, updated = found["one pod lost"], found["rolling update"]

    assert lost.failures(5) == (PodLoss(lost.middle, 1, 2.0),)
    assert updated.failures(5) == (RollingUpdate(updated.middle, surge=2),)
    assert found[PEAK].failures(5) == ()


@pytest.mark.parametrize("rate", [0.1, 5.0, 120.0, 400.0])
def test_a_scenario_has_no_more_requests_than_can_be_simulated_a_hundred_times(rate):
    found = by_name(Demand(rate, 1.5 * rate, None)).values()

    assert max(one.trace.requests for one in found) <= 2 * MOST_REQUESTS
