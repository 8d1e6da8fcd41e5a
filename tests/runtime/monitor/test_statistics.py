"""Two-sample tests on counts: right about chance, right about change, blind to outliers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsystem_runtime.monitor.statistics import (
    bridge_exceeds,
    chi_square,
    chi_square_exceeds,
    chi_square_quantile,
    holm,
    ks,
    psi,
    rates,
)

scipy_stats = pytest.importorskip("scipy.stats")

SHAPES = {
    "even": lambda cells: np.full(cells, 1.0 / cells),
    "mostly_one_value": lambda cells: np.r_[0.9, np.full(cells - 1, 0.1 / (cells - 1))],
    "long_tail": lambda cells: 1.0 / np.arange(1, cells + 1) / np.sum(1.0 / np.arange(1, cells + 1)),
}
SIZES = [(2_000, 50), (20_000, 300), (1_000_000, 1_000_000)]


def false_alarms(rejects, shape, cells, sizes, repeats):
    random = np.random.default_rng(7)
    shares = SHAPES[shape](cells)
    drawn = ((random.multinomial(sizes[0], shares), random.multinomial(sizes[1], shares)) for _ in range(repeats))
    return sum(rejects(reference, window) for reference, window in drawn) / repeats


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("shape", "cells"), [
    ("even", 256), ("mostly_one_value", 24), ("mostly_one_value", 5), ("long_tail", 40),
])
def test_ks_false_alarms_lie_between_three_and_seven_percent(shape, cells, sizes):
    assert 0.03 <= false_alarms(lambda *counts: ks(*counts).p_value <= 0.05, shape, cells, sizes, 1200) <= 0.07


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("shape", "cells"), [("even", 2), ("even", 10), ("even", 200), ("long_tail", 16)])
def test_chi_square_false_alarms_lie_between_three_and_seven_percent(shape, cells, sizes):
    assert 0.03 <= false_alarms(lambda *counts: chi_square(*counts).p_value <= 0.05, shape, cells, sizes, 1500) <= 0.07


@pytest.mark.parametrize("sizes", SIZES)
def test_psi_exceeds_its_critical_value_by_chance_in_one_window_of_twenty(sizes):
    rate = false_alarms(lambda *counts: psi(*counts).value > psi(*counts).critical, "even", 250, sizes, 1000)

    assert 0.02 <= rate <= 0.07


@pytest.mark.parametrize("share", [0.0005, 0.01, 0.3, 0.999])
@pytest.mark.parametrize("sizes", SIZES)
def test_rates_never_alarm_more_often_than_they_say(share, sizes):
    random = np.random.default_rng(3)
    found = [
        rates(random.binomial(sizes[1], share), sizes[1], random.binomial(sizes[0], share), sizes[0]).p_value
        for _ in range(600)
    ]

    assert np.mean(np.array(found) <= 0.05) <= 0.07


def shifted(shift, rows, seed=1):
    """Counts of 200,000 reference rows and of `rows` rows `shift` standard deviations off, on 256 quantile cells."""
    random = np.random.default_rng(seed)
    reference = random.normal(size=200_000)
    edges = np.quantile(reference, np.arange(1, 256) / 256)
    window = random.normal(shift, size=rows)
    return [np.bincount(np.searchsorted(edges, values, "right"), minlength=256) for values in (reference, window)]


@pytest.mark.parametrize(("shift", "rows"), [(0.5, 200), (0.2, 1000), (-0.2, 1000), (0.05, 100_000)])
def test_ks_sees_a_shift_either_way(shift, rows):
    assert ks(*shifted(shift, rows)).p_value < 1e-4


def test_ks_on_the_grid_is_close_to_ks_on_the_values():
    random = np.random.default_rng(5)
    reference, window = random.normal(size=20_000), random.normal(0.1, size=2_000)
    edges = np.quantile(reference, np.arange(1, 256) / 256)
    counts = [np.bincount(np.searchsorted(edges, values, "right"), minlength=256) for values in (reference, window)]

    exact = scipy_stats.ks_2samp(reference, window)
    assert ks(*counts).effect == pytest.approx(exact.statistic, abs=0.01)
    assert math.log10(ks(*counts).p_value) == pytest.approx(math.log10(exact.pvalue), abs=1.0)


def test_a_rate_that_goes_from_five_to_seven_percent_is_seen():
    assert chi_square(np.array([95_000, 5_000]), np.array([93_000, 7_000])).p_value < 1e-10
    assert rates(7_000, 100_000, 5_000, 100_000).p_value < 1e-10


@pytest.mark.parametrize(("reference", "window"), [
    ([100_000, 0], [0, 50]),
    ([50_000, 50_000, 0], [15, 15, 20]),
    ([98_500, 1_500], [25, 25]),
])
def test_what_was_never_or_hardly_seen_at_training_is_not_lost_among_common_cells(reference, window):
    assert chi_square(np.array(reference), np.array(window)).p_value < 1e-4
    assert ks(np.array(reference), np.array(window)).p_value < 1e-4


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_one_outlier_changes_nothing(shift):
    """A value of a million is one row more in the last cell; the range of the grid does not move."""
    reference, window = shifted(shift, 1000)
    spoilt = window.copy()
    spoilt[-1] += 1

    assert ks(reference, spoilt).effect == pytest.approx(ks(reference, window).effect, abs=0.0015)
    assert psi(reference, spoilt).value == pytest.approx(psi(reference, window).value, rel=0.05, abs=0.001)
    assert (ks(reference, spoilt).p_value <= 0.01) == (ks(reference, window).p_value <= 0.01)


def test_chi_square_is_that_of_the_contingency_table():
    table = np.array([[400, 300, 200, 100], [45, 30, 35, 30]])

    assert chi_square(*table).p_value == pytest.approx(scipy_stats.chi2_contingency(table).pvalue, rel=1e-9)


@given(st.floats(0.0, 800.0), st.integers(1, 500))
def test_the_tail_of_chi_square_is_right(statistic, degrees):
    expected = scipy_stats.chi2.sf(statistic, degrees)

    assert chi_square_exceeds(statistic, degrees) == pytest.approx(expected, rel=1e-8, abs=1e-14)


@pytest.mark.parametrize("degrees", [1, 9, 255])
def test_the_quantile_of_chi_square_is_right(degrees):
    assert chi_square_quantile(0.05, degrees) == pytest.approx(scipy_stats.chi2.ppf(0.95, degrees), rel=1e-7)


@pytest.mark.parametrize("bound", [0.5, 1.0, 1.36, 2.0])
def test_the_bridge_exceeds_a_bound_as_often_as_simulated_ones(bound):
    random = np.random.default_rng(11)
    times = np.sort(random.uniform(0.02, 0.98, 30))
    walks = np.cumsum(random.normal(size=(100_000, 31)) * np.sqrt(np.diff(times, prepend=0.0, append=1.0)), axis=1)
    bridges = walks[:, :-1] - times * walks[:, -1:]

    simulated = float((np.abs(bridges).max(axis=1) >= bound).mean())
    assert bridge_exceeds(bound, times) == pytest.approx(simulated, rel=0.03, abs=2e-4)
    assert bridge_exceeds(bound, times) < scipy_stats.kstwobign.sf(bound)


def test_at_one_instant_the_bridge_is_a_normal_variable():
    for bound, time in ((0.3, 0.5), (1.0, 0.2), (0.05, 0.001)):
        expected = math.erfc(bound / math.sqrt(2 * time * (1 - time)))
        assert bridge_exceeds(bound, np.array([time])) == pytest.approx(expected, abs=1e-6)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20), st.floats(0.001, 0.5))
def test_holm_rejects_what_its_definition_rejects(p_values, level):
    bounds = holm(p_values, level)

    rejected = [p_value <= bound for p_value, bound in zip(p_values, bounds, strict=True)]
    expected, ordered = 0, sorted(p_values)
    while expected < len(ordered) and ordered[expected] <= level / (len(ordered) - expected):
        expected += 1
    assert sum(rejected) == expected
    assert all(p_value in ordered[:expected] for p_value, one in zip(p_values, rejected, strict=True) if one)


cells = st.lists(st.integers(0, 10_000), min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(cells, st.randoms())
def test_no_counts_break_a_test(reference, random):
    window = np.array([random.choice((0, 0, 1, 7, 500)) for _ in reference])
    reference = np.array(reference)

    for outcome in (ks(reference, window), chi_square(reference, window)):
        assert outcome.p_value is None or 0.0 <= outcome.p_value <= 1.0
        assert 0.0 <= outcome.effect <= 1.0 + 1e-12
    found = psi(reference, window)
    assert found is None or (math.isfinite(found.value) and found.value >= 0.0)
