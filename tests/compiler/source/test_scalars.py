"""Plain scalars mean what YAML 1.2 says, and never what YAML 1.1 said."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsystem.source.scalars import resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("-2.5E+3", -2500.0), (".5", 0.5), ("1.", 1.0), ("7", 7), ("-7", -7), ("+7", 7), ("0", 0),
        ("0o17", 15), ("0xFF", 255), ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
    ],
)  # fmt: skip
def test_a_scalar_of_the_core_schema_has_its_value(text: str, value: object) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


@pytest.mark.parametrize(
    "text",
    ["on", "yes", "No", "y", "12:30", "190:20:30", "0777", "007", "1_000", "2013-01-01", "0b101", "1e999", "9" * 25,
     "nan", "inf", "1.2.3", "-", "+", ".", "--1", "1e", "9223372036854775808", "0x" + "F" * 16, "0x1G"],
)  # fmt: skip
def test_what_only_looks_like_a_number_or_a_truth_stays_text(text: str) -> None:
    assert resolve(text) == text


def test_infinities_and_nan_are_written_with_a_dot() -> None:
    assert resolve(".inf") == math.inf
    assert resolve("-.INF") == -math.inf
    assert math.isnan(float(str(resolve(".nan"))))


@given(st.text(max_size=40))
def test_every_text_has_a_value(text: str) -> None:
    value = resolve(text)

    assert value is None or isinstance(value, (str, int, float, bool))


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_64_bit_integer_keeps_its_value(number: int) -> None:
    assert resolve(str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_as_python_writes_it_keeps_its_value(number: float) -> None:
    assert resolve(repr(number)) == number
