"""Sums that are exact: numbers as sums of 32-bit digits on one fixed grid, digit j counting multiples of 2^(32 j).

Digits of many rows add up in 64-bit integers without loss (up to 2^31 rows), whatever their order, and differences of
running sums are as exact as the sums. Turned back into a float the result is the correctly rounded sum, as
`math.fsum` gives it. A column of moderate whole numbers has one digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsystem_runtime.features.keys import Ints

BITS = 32
DIGIT = 2**BITS - 1
MANTISSA = 53

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Digits:
    """`values[i]` are the digits number `low + i` of every row; signed."""

    low: int
    values: tuple[Ints, ...]


def int_digits(values: Ints) -> Digits:
    if len(values) == 0 or (values.min() > -(2**31) and values.max() < 2**31):
        return Digits(0, (values,))
    return Digits(0, (values & DIGIT, values >> BITS))


def float_digits(values: Floats) -> Digits:
    """The values must be finite."""
    if len(values) == 0 or (np.abs(values).max() < 2**31 and bool((values == np.rint(values)).all())):
        return Digits(0, (values.astype(np.int64),))
    return fraction_digits(values)


def fraction_digits(values: Floats) -> Digits:
    """Mantissas cut along the grid; at least one value is not zero."""
    fraction, exponent = np.frexp(values)
    mantissa = (np.abs(fraction) * 2.0**MANTISSA).astype(np.int64)
    sign = np.sign(fraction).astype(np.int64)
    exponent = exponent.astype(np.int64) - MANTISSA
    some = mantissa > 0
    lowest_bit = np.frexp((mantissa & -mantissa).astype(np.float64))[1] - 1
    low = int((exponent + lowest_bit)[some].min()) // BITS
    high = int((exponent + MANTISSA)[some].max() - 1) // BITS
    shifted = (digit(mantissa, exponent - BITS * place) * sign for place in range(low, high + 1))
    return Digits(low, tuple(shifted))


def digit(mantissa: Ints, shift: Ints) -> Ints:
    """The lowest 32 bits of mantissa * 2^shift, rounded down."""
    left = np.where(shift < BITS, mantissa << np.clip(shift, 0, BITS - 1), 0)
    right = mantissa >> np.clip(-shift, 0, 63)
    lowest: Ints = np.where(shift >= 0, left, right) & DIGIT
    return lowest


def to_floats(digits: Digits) -> Floats:
    """The correctly rounded value of each row of (possibly large, signed) digits; infinite where it overflows."""
    with np.errstate(over="ignore"):
        if len(digits.values) == 1:
            return np.ldexp(digits.values[0].astype(np.float64), BITS * digits.low)
        negative = carried(digits.values)[-1] < 0
        places = carried([np.where(negative, -value, value) for value in digits.values])
        magnitude = rounded(places, digits.low)
    return np.where(negative, -magnitude, magnitude)


def carried(values: Sequence[Ints]) -> list[Ints]:
    """The same numbers with all digits but the last in 0..2^32-1; the last, one more than came in, is signed."""
    carry = np.zeros_like(values[0])
    places: list[Ints] = []
    for value in values:
        total = value + carry
        places.append(total & DIGIT)
        carry = total >> BITS
    return [*places, carry]


def rounded(places: Sequence[Ints], low: int) -> Floats:
    """Non-negative digits → float, to nearest, ties to even: 64 leading bits, the last of them sticky."""
    count = np.zeros(len(places[0]), np.int64)
    lead = np.zeros(len(places[0]), np.uint64)
    third, sticky, scale = lead.copy(), lead > 0, count.copy()
    for place in range(len(places) - 1, -1, -1):
        here = places[place].astype(np.uint64)
        sticky |= (count == 3) & (here > 0)
        third = np.where(count == 2, here, third)
        lead = np.where(count < 2, (lead << np.uint64(BITS)) | here, lead)
        scale = np.where(count < 2, place, scale)
        count = np.where((count > 0) | (here > 0), np.minimum(count + 1, 3), 0)
    free = np.where(count >= 2, BITS - np.frexp((lead >> np.uint64(BITS)).astype(np.float64))[1], 0).astype(np.uint64)
    rest = np.uint64(BITS) - free
    sticky |= (third & ((np.uint64(1) << rest) - np.uint64(1))) > 0
    lead = (lead << free) | (third >> rest) | sticky.astype(np.uint64)
    return np.ldexp(lead.astype(np.float64), BITS * (low + scale) - free.astype(np.int64))


def to_ints(digits: Digits) -> tuple[Ints, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Each row of digits (on the grid from 0) as an integer, and whether it fits into 64 bits."""
    if len(digits.values) == 1:
        return digits.values[0], np.ones(len(digits.values[0]), bool)
    first, second = digits.values
    second = second + (first >> BITS)
    fits = (second >= -(2**31)) & (second < 2**31)
    return (second << BITS) | (first & DIGIT), fits
