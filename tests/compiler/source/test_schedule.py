"""Which texts are schedules."""

from __future__ import annotations

import pytest

from mlsystem.source.schedule import is_schedule, runs_a_month


@pytest.mark.parametrize(
    "text",
    ["0 3 * * 1", "*/15 * * * *", "0 0 1 1 *", "59 23 31 12 6", "5/20 * * * *", "0 9-17/2 * * 1-5", "0,30 8,20 1-7 * *",
     "0 0 29 2 *", "0 0 31 2,3 *", "  0  3 * * 1 "],
)  # fmt: skip
def test_five_fields_within_their_bounds_are_one(text: str) -> None:
    assert is_schedule(text)


@pytest.mark.parametrize(
    "text",
    ["", "0 3 * *", "0 3 * * 1 *", "60 3 * * 1", "0 24 * * *", "0 0 0 * *", "0 0 * 13 *", "0 0 * * 7", "0 3 * * MON",
     "@daily", "*/0 * * * *", "5-1 * * * *", "a * * * *", "1,,2 * * * *", "-1 * * * *", "0 3 ? * 1", "1.5 * * * *",
     "\u0663 * * * *"],
)  # fmt: skip
def test_anything_else_is_none(text: str) -> None:
    assert not is_schedule(text)


@pytest.mark.parametrize("text", ["0 0 30 2 *", "0 0 31 4,6,9,11 *"])
def test_a_day_that_never_comes_is_none(text: str) -> None:
    assert not is_schedule(text)


def test_days_of_the_week_come_whatever_the_month_has() -> None:
    assert is_schedule("0 0 30 2 1")


@pytest.mark.parametrize(("schedule", "a_year"), [
    ("*/15 * * * *", 365.25 * 96), ("0 3 * * *", 365.25), ("0 3 1 * *", 12), ("0 3 31 * *", 7), ("0 0,12 29 2 *", 0.5),
    ("0 3 * * 1", 365.25 / 7), ("0 3 1 * 1", 365.25 / 7 + 12 * 6 / 7), ("0 3 * 1 *", 31),
])  # fmt: skip
def test_how_often_a_schedule_comes_is_exact_over_the_years(schedule, a_year):
    assert float(runs_a_month(schedule) * 12) == pytest.approx(a_year, rel=2e-3)
