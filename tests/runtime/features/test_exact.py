from __future__ import annotations

import math

import numpy as np
import pytest

from mlsystem_runtime.features.exact import (
    Digits,
    carried,
    float_digits,
    int_digits,
    to_floats,
    to_ints,
)
from mlsystem_runtime.features.packed_aggregate import to_float


def total(digits: Digits) -> Digits:
    """The sum of all rows, as one row."""
    return Digits(digits.low, tuple(value.sum(keepdims=True) for value in digits.values))


def scaled(digits: Digits) -> int:
    return sum(int(value[0]) << (32 * place) for place, value in enumerate(digits.values))


def random_floats(seed: int, spread: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=300) * np.exp2(random.integers(-spread, spread, 300)) * random.choice([0, 1, 1, 1], 300)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("spread", [1, 20, 60, 400, 1000])
def test_a_sum_is_the_correctly_rounded_one(seed: int, spread: int) -> None:
    values = random_floats(seed, spread)

    digits = total(float_digits(values))

    assert to_floats(digits)[0] == math.fsum(values)
    assert to_float(scaled(digits), digits.low) == math.fsum(values)


@pytest.mark.parametrize("values", [
    [1e16, 1.0, -1e16], [1e308, 1e-308, -1e308], [5e-324] * 3, [-5e-324, 0.0], [2.0**53, 1.0], [2.0**53, 1.0, 2.0**-60],
    [1.0, 2.0**-53], [1.0, 2.0**-53, 2.0**-106], [-1.0, -(2.0**-53), -(2.0**-106)], [0.1] * 10, [0.5, -0.5],
    [2.0**31, 0.25],
])  # fmt: skip
def test_cancellation_ties_and_subnormals_round_correctly(values: list[float]) -> None:
    digits = total(float_digits(np.array(values)))

    assert to_floats(digits)[0] == math.fsum(values)
    assert to_float(scaled(digits), digits.low) == math.fsum(values)


def test_an_overflowing_sum_is_infinite_in_columns_and_nothing_alone() -> None:
    digits = total(float_digits(np.array([1.7e308, 1.7e308])))

    assert to_floats(digits)[0] == math.inf
    assert to_float(scaled(digits), digits.low) is None


def test_small_whole_numbers_have_one_digit() -> None:
    assert float_digits(np.array([3.0, -7.0])).low == 0
    assert len(float_digits(np.array([3.0, -7.0])).values) == 1
    assert len(int_digits(np.array([2**40])).values) == 2


@pytest.mark.parametrize("values", [[2**62, 2**62, -1], [-(2**63), 5], [-(2**63), -1], [2**63 - 1, 1], [7, -9]])
def test_integers_are_exact_and_say_when_they_do_not_fit(values: list[int]) -> None:
    found, fits = to_ints(total(int_digits(np.array(values, np.int64))))

    assert fits[0] == (-(2**63) <= sum(values) < 2**63)
    assert not fits[0] or found[0] == sum(values)


def test_carrying_keeps_the_number() -> None:
    values = [np.array([2**40, -5]), np.array([-3, 2**33])]

    places = carried(values)

    for row in (0, 1):
        number = sum(int(place[row]) << (32 * at) for at, place in enumerate(places))
        assert number == int(values[0][row]) + (int(values[1][row]) << 32)
