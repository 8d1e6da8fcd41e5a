"""What is drawn is what was simulated."""

from __future__ import annotations

import numpy as np
import pytest

from mlsystem.capacity.report import charts
from mlsystem.capacity.report.svg import clock, decades, linear
from mlsystem.capacity.report.timeline import BINS, Timeline, timeline, window_for
from mlsystem.capacity.report.words import share
from mlsystem.capacity.simulation.fleet import Count
from mlsystem.capacity.simulation.service_times import Linear
from mlsystem.capacity.simulation.setting import Objective, Pods, Server, Setting
from mlsystem.capacity.simulation.simulate import simulate
from mlsystem.capacity.traffic import steady


def by_hand() -> Timeline:
    came, bad = np.array([10.0, 10.0, 20.0]), np.array([5.0, 1.0, 2.0])
    counts = (Count(600.0, 2, 2, 2), Count(630.0, 4, 2, 4), Count(660.0, 4, 4, 4))
    return Timeline(600.0, 660.0, 60.0, came, bad, bad / 2, {0.5: bad, 0.95: bad, 0.99: bad}, counts)


def test_the_budget_is_that_of_what_counts() -> None:
    """Of thirty requests three may be bad; what was bad while warming up counts for nothing."""
    line = by_hand()

    assert line.burnt(line.bad, 0.9) == pytest.approx([0.0, 1 / 3, 1.0])


def test_the_table_has_the_mean_of_steps_over_time() -> None:
    rows = charts.replicas(by_hand(), 12).table.rows

    assert rows == (("00:10", "3.0", "2.0"), ("00:11", "4.0", "4.0"), ("00:12", "4.0", "4.0"))


def test_a_simulation_becomes_a_timeline_in_the_time_of_its_traffic() -> None:
    setting = Setting(Server(Linear(0.0, 0.05)), Objective(0.25, 10.0, 20.0), Pods(2))
    result = simulate(setting, steady(10.0, 60), seed=1, detailed=True)

    line = timeline(result, 3600.0)

    assert (line.start, line.since, line.end) == (3600.0, 3620.0, 3660.0)
    assert line.came.sum() == result.windows.sum(axis=0)[0]
    assert np.isnan(line.quantiles[0.5]).tolist() == [True, True, False, False, False, False]
    assert line.quantiles[0.5][2:] == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize("seconds", [60, 900, 7200, 86_400, 604_800, 30 * 86_400])
def test_there_are_no_more_windows_than_can_be_drawn(seconds: int) -> None:
    assert seconds / window_for(seconds) <= BINS


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.0), (0.0, 0.7), (98.0, 268.0), (0.0, 131.0)])
def test_a_linear_axis_covers_what_is_drawn(low: float, high: float) -> None:
    axis = linear(low, high, "", str)

    assert axis.low <= low
    assert axis.high >= high
    assert 2 <= len(axis.ticks) <= 8


@pytest.mark.parametrize(("low", "high"), [(0.02, 0.25), (0.05, 0.05), (1e-6, 1.0), (0.013, 9.7)])
def test_an_axis_of_factors_covers_what_is_drawn(low: float, high: float) -> None:
    axis = decades(low, high, "", str)

    assert axis.low <= low * 1.001
    assert axis.high >= high * 0.999
    assert 2 <= len(axis.ticks) <= 12


def test_hours_of_a_day_end_at_twenty_four() -> None:
    assert [label for _, label in clock(0.0, 86_400.0).ticks][-2:] == ["21:00", "24:00"]


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.9995, "99.95%"), (0.99995, "99.995%"), (1.0, "100%"), (0.5, "50%"), (0.0, "0%"), (12.0, "1,200%")],
)
def test_shares_near_all_show_what_is_missing(value: float, said: str) -> None:
    assert share(value) == said
