"""Synthetic traffic has the shape it says, and arrivals are a Poisson process of it that a seed determines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsystem.capacity import traffic
from mlsystem.capacity.traffic import DAY, HOUR, Trace


def dispersion(counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
    """Variance over mean: 1 for a Poisson process of constant rate."""
    return float(counts.var() / counts.mean())


def test_a_day_has_the_mean_and_the_peak_that_were_asked_for() -> None:
    trace = traffic.diurnal(40.0, 300.0, seed=1)

    assert trace.mean == pytest.approx(40.0, rel=1e-6)
    assert trace.peak == pytest.approx(300.0)
    assert int(np.argmax(trace.rates)) == 14 * HOUR
    assert trace.rates.min() > 0.0


def test_a_day_of_one_rate_is_flat() -> None:
    assert np.allclose(traffic.diurnal(40.0, 40.0, seed=1).rates, 40.0)


def test_noise_moves_days_by_its_deviation_and_leaves_their_mean() -> None:
    trace = traffic.diurnal(40.0, 40.0, 200 * DAY, seed=1, noise=0.2)
    minutes = trace.rates[::60] / 40.0

    assert minutes.mean() == pytest.approx(1.0, abs=0.01)
    assert minutes.std() == pytest.approx(0.2, abs=0.01)


def test_a_flash_crowd_rises_in_its_time_and_falls_back() -> None:
    trace = traffic.flash_crowd(50.0, 400.0, at=600, rise=60, hold=300, fall=120)

    assert trace.rates[599] == 50.0
    assert trace.rates[630] == pytest.approx(225.0)
    assert (trace.rates[660:961] == 400.0).all()
    assert trace.rates[960 + 120] == pytest.approx(50.0 + 350.0 / np.e)


def test_a_modulated_process_spends_in_its_states_what_their_stays_say() -> None:
    trace = traffic.mmpp([10.0, 100.0], [90.0, 30.0], 40 * DAY, seed=5)

    assert trace.mean == pytest.approx(0.75 * 10 + 0.25 * 100, rel=0.03)
    assert (trace.rates.min(), trace.peak) == (pytest.approx(10.0), pytest.approx(100.0))


def test_traffic_of_another_seed_is_other_traffic() -> None:
    first, again, other = (traffic.mmpp([1.0, 9.0], [60.0, 60.0], 3600, seed=seed) for seed in (1, 1, 2))

    assert np.array_equal(first.rates, again.rates)
    assert not np.array_equal(first.rates, other.rates)


def test_arrivals_stand_in_order_within_the_trace() -> None:
    moments = traffic.all_arrivals(traffic.flash_crowd(5.0, 40.0), seed=3)

    assert (np.diff(moments) >= 0).all()
    assert moments[0] >= 0.0
    assert moments[-1] <= HOUR


def test_each_second_has_the_requests_of_its_rate() -> None:
    trace = Trace(np.tile([0.0, 5.0, 50.0], 20_000))
    moments = traffic.all_arrivals(trace, seed=3)
    counts = np.bincount(moments.astype(int), minlength=trace.seconds).reshape(-1, 3)

    assert counts[:, 0].sum() == 0
    assert counts.mean(axis=0)[1:] == pytest.approx([5.0, 50.0], rel=0.01)
    assert [dispersion(counts[:, column]) for column in (1, 2)] == pytest.approx([1.0, 1.0], abs=0.03)


def test_gaps_between_arrivals_are_exponential() -> None:
    gaps = np.diff(traffic.all_arrivals(traffic.steady(7.0, 100_000), seed=4)) * 7.0

    assert gaps.mean() == pytest.approx(1.0, abs=0.01)
    assert gaps.var() == pytest.approx(1.0, abs=0.02)
    assert np.quantile(gaps, 0.99) == pytest.approx(-np.log(0.01), rel=0.02)


def test_arrivals_depend_on_seed_and_replication_alone() -> None:
    trace = traffic.steady(20.0, 2 * HOUR)
    first = traffic.all_arrivals(trace, seed=1, replication=2)

    assert np.array_equal(first, traffic.all_arrivals(trace, seed=1, replication=2))
    assert not np.array_equal(first[:50], traffic.all_arrivals(trace, seed=1, replication=3)[:50])
    assert not np.array_equal(first[:50], traffic.all_arrivals(trace, seed=2, replication=2)[:50])


def test_the_hours_of_a_trace_have_arrivals_of_their_own() -> None:
    first, second = traffic.arrivals(traffic.steady(20.0, 2 * HOUR), seed=1)

    assert not np.allclose(first[:50], second[:50] - HOUR)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.integers(0, 99))
def test_moments_fall_into_the_seconds_that_they_were_counted_for(counts: list[int], seed: int) -> None:
    moments = np.concatenate(list(traffic.within_seconds(np.array(counts), traffic.generator(seed, 0, 0))))

    assert np.bincount(moments.astype(int), minlength=len(counts)).tolist() == counts


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.integers(1, 12), st.integers(0, 99))
def test_moments_are_the_same_to_the_bit_however_many_are_drawn_at_once(
    counts: list[int], most: int, seed: int
) -> None:
    (together,) = traffic.within_seconds(np.array(counts), traffic.generator(seed, 0, 0))
    apart = list(traffic.within_seconds(np.array(counts), traffic.generator(seed, 0, 0), most))

    assert max(map(len, apart)) <= max(most, *counts, 0)
    assert np.array_equal(np.concatenate(apart), together)


def test_the_busiest_windows_come_first_and_do_not_overlap() -> None:
    rates = np.ones(1000)
    rates[100:150], rates[700:750] = 5.0, 9.0
    windows = traffic.busiest(Trace(rates), 50, 2)

    assert [(window.start, window.requests) for window in windows] == [(700, 450.0), (100, 250.0)]


def test_a_window_longer_than_the_trace_is_all_of_it() -> None:
    assert [window.seconds for window in traffic.busiest(traffic.steady(1.0, 100), 300, 3)] == [100]


def test_the_steepest_window_has_the_rise_in_its_middle() -> None:
    trace = traffic.flash_crowd(50.0, 400.0, at=1000, rise=30)
    (window,) = traffic.steepest(trace, 30, 600)

    assert window.start == pytest.approx(1000 - 300, abs=31)
    assert window.seconds == 600


def test_traffic_grows_by_what_it_has_more_of_after_the_lead_time() -> None:
    trace = traffic.flash_crowd(50.0, 400.0, at=1000, rise=30)

    assert traffic.growth(trace, 120) == pytest.approx(8.0)
    assert traffic.growth(traffic.steady(3.0, 500), 60) == 1.0


def test_a_cut_remembers_where_it_began() -> None:
    assert traffic.steady(1.0, 100).cut(20, 60).cut(10, 20).start == 30


@pytest.mark.parametrize(("mean", "peak"), [(1.0, 100.0), (0.01, 100.0)])
def test_a_very_high_peak_leaves_the_mean_what_it_is(mean, peak):
    trace = traffic.diurnal(mean, peak, seed=1)

    assert trace.peak == pytest.approx(peak)
    assert trace.mean == pytest.approx(mean, rel=0.15)
