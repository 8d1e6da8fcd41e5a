"""Service times are drawn from what was measured, and from a line between and beyond."""

from __future__ import annotations

import numpy as np
import pytest

from mlsystem.capacity.simulation.service_times import Linear, Measured, Tables


def drawn(tables: Tables, busy: int, rows: int) -> list[float]:
    """All that can be drawn, ascending."""
    weight = tables.weight[busy, rows]
    low, high = tables.curves[tables.lower[busy, rows]], tables.curves[tables.upper[busy, rows]]
    return [float(value) for value in (1 - weight) * low + weight * high]


def test_a_line_takes_a_seconds_for_a_row_and_b_for_a_batch() -> None:
    tables = Linear(0.5, 2.0, (3.0, 1.0)).tables(2, 10)

    assert drawn(tables, 1, 1) == [2.5, 7.5]
    assert drawn(tables, 2, 10) == pytest.approx([7.0, 21.0])
    assert tables.means(1)[4] == pytest.approx(2.0 * 4.0)


def test_a_line_scaled_by_its_factors_is_what_the_server_believes() -> None:
    assert Linear(0.5, 2.0, (3.0, 1.0)).line == (1.0, 4.0)


def test_what_was_measured_is_drawn_as_it_was() -> None:
    tables = Measured({(1, 1): [3.0, 1.0], (1, 4): [8.0, 4.0]}).tables(1, 4)

    assert drawn(tables, 1, 1) == [1.0, 3.0]
    assert drawn(tables, 1, 4) == [4.0, 8.0]


def test_between_measured_rows_each_quantile_is_interpolated() -> None:
    tables = Measured({(1, 1): [1.0, 3.0], (1, 4): [4.0, 9.0]}).tables(1, 4)

    assert drawn(tables, 1, 2) == pytest.approx([2.0, 5.0])


def test_beyond_measured_rows_times_grow_as_the_line_does() -> None:
    measured = Measured({(1, 1): [3.0, 3.0], (1, 3): [4.0, 6.0]})

    assert measured.line == pytest.approx((1.0, 2.0))
    assert drawn(measured.tables(1, 8), 1, 8) == pytest.approx([8.0, 12.0])


def test_a_concurrency_that_was_not_measured_is_the_next_one_that_was() -> None:
    tables = Measured({(1, 1): [1.0], (4, 1): [2.0]}).tables(6, 1)

    assert [drawn(tables, busy, 1) for busy in (1, 2, 4, 6)] == [[1.0], [2.0], [2.0], [2.0]]


def test_one_measured_size_says_nothing_of_a_row() -> None:
    assert Measured({(1, 1): [1.0, 3.0]}).line == (0.0, 2.0)


def test_fewer_samples_are_stretched_and_keep_their_quantiles() -> None:
    tables = Measured({(1, 1): [1.0, 2.0], (1, 2): list(np.linspace(3.0, 4.0, 6))}).tables(1, 2)

    assert drawn(tables, 1, 1) == [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]
