"""A quantity is a number with its unit, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsystem.source.quantities import (
    COST,
    DURATION,
    FREQUENCY,
    KINDS,
    MICROSECONDS,
    MONEY,
    RATE,
    SHARE,
    SIZE,
    QuantityError,
)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (DURATION, "50ms", 50_000), (DURATION, "6h", 21_600_000_000), (DURATION, "2d", 172_800_000_000),
        (DURATION, "1.5s", 1_500_000), (DURATION, "1us", 1), (DURATION, "1w", 604_800_000_000),
        (SHARE, "15%", 0.15), (SHARE, "99.9%", 0.999), (SHARE, "0%", 0.0), (SHARE, "100%", 1.0),
        (SIZE, "8Gi", 8 * 2**30), (SIZE, "1M", 10**6), (RATE, "300rps", 300.0),
        (FREQUENCY, "1/month", 1.0), (FREQUENCY, "2/day", 60.0), (MONEY, "$20", 20.0), (COST, "$400/month", 400.0),
    ],
)  # fmt: skip
def test_a_quantity_has_its_canonical_value(kind: object, text: str, value: float) -> None:
    assert kind.parse(text) == value  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(
    "wrong", [3, 0.1, True, None, "", "3", "three", "3 h", "-3h", "1e3s", "h", ["3h"], "3h3m", "\u0967h"]
)
def test_anything_else_is_refused_with_what_to_write(kind: object, wrong: object) -> None:
    with pytest.raises(QuantityError) as caught:
        kind.parse(wrong)  # type: ignore[attr-defined]

    assert caught.value.hint


@pytest.mark.parametrize("text", ["0s", "0.0001us", "40000d", "101%", "15 %"])
def test_nothing_and_too_much_are_refused(text: str) -> None:
    with pytest.raises(QuantityError):
        (SHARE if "%" in text else DURATION).parse(text)


def test_the_hint_repairs_what_was_meant() -> None:
    with pytest.raises(QuantityError) as spelled:
        DURATION.parse("3 hours")
    with pytest.raises(QuantityError) as bare:
        SHARE.parse(15)

    assert spelled.value.hint == "did you mean '3h'?"
    assert bare.value.hint == "write the unit, for example 15%"


@given(st.integers(1, 10_000), st.sampled_from(sorted(MICROSECONDS)))
def test_a_whole_duration_is_exact(number: int, unit: str) -> None:
    microseconds = number * MICROSECONDS[unit]

    if microseconds <= 100 * 365 * MICROSECONDS["d"]:
        assert DURATION.parse(f"{number}{unit}") == microseconds


@pytest.mark.parametrize("text", ["$1,200", "1200/month", "$1200", "1200$ per month", "1200 USD/month", "$ 1200 / mo"])
def test_an_amount_written_in_another_way_is_guessed(text: str) -> None:
    with pytest.raises(QuantityError) as error:
        COST.parse(text)

    assert error.value.hint == "did you mean '$1200/month'?"
