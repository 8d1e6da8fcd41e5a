"""What is learned of how long batches take."""

from __future__ import annotations

import numpy as np
import pytest

from mlsystem_runtime.serve.service_time import MOST_ROWS, ServiceTime


def learned(*batches):
    time = ServiceTime()
    for rows, seconds in batches:
        time.observe(rows, seconds)
    return time


def test_two_sizes_are_enough_to_tell_rows_from_batches():
    time = learned(*[(1, 0.0011), (11, 0.0021)] * 10)

    assert time.a == pytest.approx(1e-4)
    assert time.b == pytest.approx(1e-3)


def test_it_is_the_weighted_least_squares_line():
    generator = np.random.default_rng(7)
    rows = generator.integers(1, 64, 200)
    seconds = 1e-5 * rows + 3e-4 + generator.normal(0, 1e-5, 200)
    time = learned(*zip(rows.tolist(), seconds.tolist(), strict=True))

    weights = np.sqrt(0.98 ** np.arange(199, -1, -1))
    slope, intercept = np.polyfit(rows, seconds, 1, w=weights)

    assert time.a == pytest.approx(slope, rel=1e-6)
    assert time.b == pytest.approx(intercept, rel=1e-6)


def test_while_all_batches_are_alike_the_slope_stays():
    time = learned(*[(1, 0.0011), (11, 0.0021)] * 10, *[(4, 0.0014)] * 1000)

    assert time.a == pytest.approx(1e-4, rel=1e-3)
    assert time.seconds(4) == pytest.approx(0.0014)


def test_neither_part_is_ever_negative():
    falling = learned(*[(1, 0.002), (10, 0.001)] * 20)
    steep = learned(*[(2, 0.001), (10, 0.009)] * 20)

    assert falling.a == 0.0
    assert falling.b > 0.0
    assert steep.b >= 0.0
    assert steep.a > 0.0


def test_one_pause_does_not_close_the_server_and_a_slower_model_is_learned():
    time = learned(*[(1, 0.001)] * 100, (1, 10.0))
    assert time.seconds(1) < 0.0012

    for _ in range(300):
        time.observe(1, 0.01)
    assert time.seconds(1) == pytest.approx(0.01, rel=0.05)


def test_the_rows_that_fit_into_a_time():
    time = learned(*[(1, 0.0011), (11, 0.0021)] * 10)

    assert time.rows_within(0.0061) == pytest.approx(51, abs=1)
    assert time.rows_within(0.0) == 1
    assert time.rows_within(float("inf")) == MOST_ROWS
    assert ServiceTime().rows_within(1.0) == MOST_ROWS
