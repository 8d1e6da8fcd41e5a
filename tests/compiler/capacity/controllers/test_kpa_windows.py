"""The means over seconds equal their definitions over all that was recorded."""

from __future__ import annotations

import math
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsystem.capacity.controllers.kpa_windows import Buckets, delayed, panic_window, rounded, sample_size

RECORDS = st.lists(
    st.tuples(st.sampled_from((0.0, 0.3, 1.0, 1.0, 1.0, 2.0, 4.5, 13.0)), st.integers(0, 50)), min_size=1, max_size=60
)


@settings(max_examples=200, deadline=None)
@given(records=RECORDS, window=st.sampled_from((1, 5, 12)), late=st.sampled_from((0.0, 1.0, 3.7, 11.0, 12.0, 30.0)))
def test_a_mean_is_over_the_seconds_from_the_first_record_to_the_last_within_the_window(
    records: list[tuple[float, int]], window: int, late: float
) -> None:
    buckets, seconds, first, now = Buckets(window), defaultdict[int, float](float), None, 100.0
    for wait, value in records:
        last, now = math.floor(now), now + wait
        if first is None or math.floor(now) - last >= window:
            first = math.floor(now)
            seconds.clear()
        seconds[math.floor(now)] += value
        buckets = buckets.record(now, value)
    newest, read = math.floor(now), math.floor(now + late)
    covered = range(max(first or 0, read - window + 1), newest + 1)

    mean = sum(seconds[second] for second in covered) / len(covered) if covered else 0.0
    assert buckets.mean(now + late) == pytest.approx(mean, abs=1e-6)
    assert buckets.empty(now + late) is (read - newest > window)


def test_what_comes_late_is_added_to_its_second_unless_a_window_has_passed() -> None:
    buckets = Buckets(5).record(10.0, 1.0).record(14.0, 4.0)

    assert buckets.record(12.9, 5.0).mean(14.0) == 2.0
    assert buckets.record(9.0, 7.0).mean(14.0) == 1.0
    assert buckets.record(9.9, 7.0) == buckets.record(9.0, 7.0)


def test_a_weighted_mean_halves_what_is_old() -> None:
    """Of five seconds each back counts a factor of 0.0001^(1/5) less."""
    buckets = Buckets(5)
    for second, value in enumerate((3.0, 1.0, 4.0, 1.0, 5.0)):
        buckets = buckets.record(float(second), value)
    kept = 0.0001 ** (1 / 5)
    weights = [(1 - kept) * kept**back for back in range(5)]

    assert buckets.weighted_mean(4.0) == pytest.approx(sum(map(float.__mul__, weights, (5.0, 1.0, 4.0, 1.0, 3.0))))
    assert buckets.weighted_mean(6.0) == pytest.approx(
        sum(weight * value for weight, value in zip(weights[2:], (5.0, 1.0, 4.0), strict=True))
    )
    assert buckets.weighted_mean(20.0) == 0.0


def test_in_a_long_window_each_second_back_counts_a_fifth_less() -> None:
    assert Buckets(60).record(0.0, 10.0).weighted_mean(1.0) == pytest.approx(10.0 * 0.2 * 0.8)


@pytest.mark.parametrize(("value", "expected"), [(0.0000005, 1e-6), (-5e-7, -1e-6), (1.23456749, 1.234567)])
def test_means_have_six_digits(value: float, expected: float) -> None:
    assert rounded(value) == expected


@pytest.mark.parametrize(("pods", "asked"), [(0, 0), (3, 3), (4, 4), (8, 6), (30, 11), (10_000, 16)])
def test_few_pods_stand_for_many(pods: int, asked: int) -> None:
    assert sample_size(pods) == asked


def test_a_panic_window_has_whole_seconds() -> None:
    assert [panic_window(60, 10), panic_window(45, 10), panic_window(6, 1)] == [6.0, 5.0, 1.0]


@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from((0.5, 2.0, 2.0, 6.0, 50.0)), st.integers(0, 9)), min_size=1, max_size=40),
    delay=st.sampled_from((1.0, 10.0, 31.0)),
)
def test_the_delay_holds_the_highest_of_its_ticks(steps: list[tuple[float, int]], delay: float) -> None:
    entries: tuple[tuple[int, int], ...] = ()
    all_of_them: list[tuple[int, int]] = []
    now = 0.0
    for wait, replicas in steps:
        now += wait
        tick = math.floor(now) // 2
        all_of_them.append((tick, replicas))

        entries = delayed(entries, delay, now, replicas)

        assert entries[0][1] == max(one for at, one in all_of_them if at > tick - math.ceil(delay / 2))
