"""Typed expressions → a Python function of one row, for the request path. Nothing is looked up or walked per row."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, assert_never

from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.contract.expressions import Apply, Constant, Input, Term, Typed
from mlsystem_runtime.contract.expressions.time_literals import FIRST_US, LAST_US
from mlsystem_runtime.features.expressions.kernels import CLOCK_PARTS, DATE_PARTS, KERNELS, clock_part, date_part

Row = Mapping[str, Any]
Evaluate = Callable[[Row], Any]


def to_python(typed: Typed) -> Evaluate:
    """A function from a row (every column of `typed.inputs`, null as None) to the value, null as None.

    ints are Python ints within int64, timestamps int microseconds UTC. A float column may hold ints; NaN and
    infinities count as null, timestamps outside of the years 1..9999 too. It raises only for a missing column.
    """
    evaluate = _built(typed.root)
    if typed.type is not ColumnType.FLOAT:
        return evaluate

    def without_negative_zero(row: Row) -> float | None:
        value = evaluate(row)
        return None if value is None else value + 0.0

    return without_negative_zero


def _built(term: Term) -> Evaluate:
    match term:
        case Constant(value):
            return lambda _: value
        case Input():
            return _input(term)
        case Apply():
            return _apply(term)
    assert_never(term)


def _input(term: Input) -> Evaluate:
    name = term.name
    if term.type is ColumnType.FLOAT:
        return _float_input(name)
    if term.type is ColumnType.TIMESTAMP:
        return _timestamp_input(name)
    return lambda row: row[name]


def _float_input(name: str) -> Evaluate:
    def evaluate(row: Row) -> float | None:
        value = row[name]
        if value is None:
            return None
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None

    return evaluate


def _timestamp_input(name: str) -> Evaluate:
    def evaluate(row: Row) -> int | None:
        value = row[name]
        return value if value is not None and FIRST_US <= value <= LAST_US else None

    return evaluate


def _apply(term: Apply) -> Evaluate:
    arguments = term.arguments
    if term.operation in CLOCK_PARTS or term.operation in DATE_PARTS:
        return _zoned(term)
    if term.operation == "in":
        return _in(arguments)
    built = tuple(_built(argument) for argument in arguments)
    if term.operation in _SPECIAL:
        return _SPECIAL[term.operation](built)
    return _strict(KERNELS[term.operation], built)


def _strict(kernel: Callable[..., Any], built: tuple[Evaluate, ...]) -> Evaluate:
    """`kernel` of the arguments, null where one of them is."""
    if len(built) == 1:
        return _strict_one(kernel, built[0])
    if len(built) == 2:
        return _strict_two(kernel, *built)

    def evaluate(row: Row) -> Any:
        values = [one(row) for one in built]
        return None if None in values else kernel(*values)

    return evaluate


def _strict_one(kernel: Callable[[Any], Any], operand: Evaluate) -> Evaluate:
    def evaluate(row: Row) -> Any:
        value = operand(row)
        return None if value is None else kernel(value)

    return evaluate


def _strict_two(kernel: Callable[[Any, Any], Any], first: Evaluate, second: Evaluate) -> Evaluate:
    def evaluate(row: Row) -> Any:
        left = first(row)
        if left is None:
            return None
        right = second(row)
        return None if right is None else kernel(left, right)

    return evaluate


def _zoned(term: Apply) -> Evaluate:
    instant, name = term.arguments
    assert isinstance(name, Constant)
    part = clock_part if term.operation in CLOCK_PARTS else date_part
    return _strict_one(part(term.operation, str(name.value)), _built(instant))


def _in(arguments: tuple[Term, ...]) -> Evaluate:
    values = frozenset(item.value for item in arguments[1:] if isinstance(item, Constant))
    return _strict_one(values.__contains__, _built(arguments[0]))


def _and(built: tuple[Evaluate, ...]) -> Evaluate:
    def evaluate(row: Row) -> bool | None:
        result: bool | None = True
        for operand in built:
            value = operand(row)
            if value is False:
                return False
            if value is None:
                result = None
        return result

    return evaluate


def _or(built: tuple[Evaluate, ...]) -> Evaluate:
    def evaluate(row: Row) -> bool | None:
        result: bool | None = False
        for operand in built:
            value = operand(row)
            if value is True:
                return True
            if value is None:
                result = None
        return result

    return evaluate


def _is_null(built: tuple[Evaluate, ...]) -> Evaluate:
    (operand,) = built
    return lambda row: operand(row) is None


def _is_not_null(built: tuple[Evaluate, ...]) -> Evaluate:
    (operand,) = built
    return lambda row: operand(row) is not None


def _between(built: tuple[Evaluate, ...]) -> Evaluate:
    """`low <= value and value <= high`: one false side decides even where the other bound is null."""
    operand, lowest, highest = built

    def evaluate(row: Row) -> bool | None:
        value, low, high = operand(row), lowest(row), highest(row)
        if value is None:
            return None
        if (low is not None and value < low) or (high is not None and value > high):
            return False
        return None if low is None or high is None else True

    return evaluate


def _case(built: tuple[Evaluate, ...]) -> Evaluate:
    branches = tuple(zip(built[0:-1:2], built[1::2], strict=True))
    otherwise = built[-1]

    def evaluate(row: Row) -> Any:
        for condition, value in branches:
            if condition(row) is True:
                return value(row)
        return otherwise(row)

    return evaluate


def _coalesce(built: tuple[Evaluate, ...]) -> Evaluate:
    def evaluate(row: Row) -> Any:
        for operand in built:
            value = operand(row)
            if value is not None:
                return value
        return None

    return evaluate


def _nullif(built: tuple[Evaluate, ...]) -> Evaluate:
    first, second = built

    def evaluate(row: Row) -> Any:
        value = first(row)
        return None if value is None or value == second(row) else value

    return evaluate


def _least(built: tuple[Evaluate, ...]) -> Evaluate:
    return lambda row: min((value for one in built if (value := one(row)) is not None), default=None)


def _greatest(built: tuple[Evaluate, ...]) -> Evaluate:
    return lambda row: max((value for one in built if (value := one(row)) is not None), default=None)


_SPECIAL: dict[str, Callable[[tuple[Evaluate, ...]], Evaluate]] = {
    "and": _and,
    "or": _or,
    "is_null": _is_null,
    "is_not_null": _is_not_null,
    "between": _between,
    "case": _case,
    "coalesce": _coalesce,
    "nullif": _nullif,
    "least": _least,
    "greatest": _greatest,
}
OPERATIONS = frozenset({*_SPECIAL, *KERNELS, *CLOCK_PARTS, *DATE_PARTS, "in"})
