"""What each operation that needs no guard is in SQL."""

from __future__ import annotations

import string
from collections.abc import Callable

from sqlglot import exp

from mlsystem_runtime.features.expressions.kernels import DAY, HOUR, MINUTE
from mlsystem_runtime.features.expressions.pieces_sql import binary, call, cast, integer, not_of, try_cast, when

Write = Callable[..., exp.Expression]
FARTHEST = 2_000_000_000  # no text is longer; DuckDB refuses positions beyond 2^32


def _infix(operator: type[exp.Binary]) -> Write:
    return lambda left, right: binary(operator, left, right)


def _wide(operator: type[exp.Binary]) -> Write:
    """In 128 bits, null where 64 do not hold the result."""
    return lambda left, right: try_cast(binary(operator, cast(left, "HUGEINT"), right), "BIGINT")


def _function(name: str) -> Write:
    return lambda *values: call(name, *values)


def _as_int(name: str) -> Write:
    return lambda value: cast(call(name, value), "BIGINT")


def _letters(before: str, after: str) -> Write:
    return lambda text: call("TRANSLATE", text, exp.Literal.string(before), exp.Literal.string(after))


def _since(unit: int) -> Write:
    return lambda start, end: binary(
        exp.Div, cast(binary(exp.Sub, end, start), "DOUBLE"), cast(integer(unit), "DOUBLE")
    )


def _modulo(left: exp.Expression, right: exp.Expression) -> exp.Expression:
    return try_cast(binary(exp.Mod, cast(left, "HUGEINT"), call("NULLIF", right, integer(0))), "BIGINT")


def _substr(text: exp.Expression, *positions: exp.Expression) -> exp.Expression:
    within = [
        when((binary(exp.GTE, position, integer(least)), call("LEAST", position, integer(FARTHEST))))
        for position, least in zip(positions, (1, 0), strict=False)
    ]
    return call("SUBSTRING", text, *within)


def _concat(first: exp.Expression, *others: exp.Expression) -> exp.Expression:
    joined = first
    for other in others:
        joined = binary(exp.DPipe, joined, other)
    return joined


def _same(value: exp.Expression) -> exp.Expression:
    return value


SIMPLE: dict[str, Write] = {
    "add_int": _wide(exp.Add),
    "subtract_int": _wide(exp.Sub),
    "multiply_int": _wide(exp.Mul),
    "modulo_int": _modulo,
    "negate_int": lambda value: try_cast(exp.Neg(this=cast(value, "HUGEINT")), "BIGINT"),
    "equal": _infix(exp.EQ),
    "not_equal": _infix(exp.NEQ),
    "less": _infix(exp.LT),
    "less_equal": _infix(exp.LTE),
    "greater": _infix(exp.GT),
    "greater_equal": _infix(exp.GTE),
    "not": not_of,
    "is_null": lambda value: exp.Is(this=exp.Paren(this=value), expression=exp.null()),
    "is_not_null": lambda value: not_of(exp.Is(this=exp.Paren(this=value), expression=exp.null())),
    "coalesce": _function("COALESCE"),
    "least": _function("LEAST"),
    "greatest": _function("GREATEST"),
    "abs_int": lambda value: try_cast(call("ABS", cast(value, "HUGEINT")), "BIGINT"),
    "sign_int": _as_int("SIGN"),
    "sign_float": _as_int("SIGN"),
    "floor_int": _same,
    "floor_float": _function("FLOOR"),
    "ceil_int": _same,
    "ceil_float": _function("CEIL"),
    "round_int": _same,
    "round_float": _function("ROUND"),
    "sin": _function("SIN"),
    "cos": _function("COS"),
    "int_bool": lambda value: cast(value, "BIGINT"),
    "int_float": lambda value: try_cast(call("TRUNC", value), "BIGINT"),
    "float_bool": lambda value: cast(value, "DOUBLE"),
    "float_int": lambda value: cast(value, "DOUBLE"),
    "lower": _letters(string.ascii_uppercase, string.ascii_lowercase),
    "upper": _letters(string.ascii_lowercase, string.ascii_uppercase),
    "length": _function("LENGTH"),
    "trim": lambda text: call("TRIM", text, exp.Literal.string(" ")),
    "substr": _substr,
    "concat": _concat,
    "contains": _function("CONTAINS"),
    "starts_with": _function("STARTS_WITH"),
    "ends_with": _function("ENDS_WITH"),
    "string_bool": lambda value: cast(value, "VARCHAR"),
    "string_int": lambda value: cast(value, "VARCHAR"),
    "epoch_seconds": lambda instant: binary(exp.Div, cast(instant, "DOUBLE"), cast(integer(1_000_000), "DOUBLE")),
    "seconds_between": _since(1_000_000),
    "minutes_between": _since(MINUTE),
    "hours_between": _since(HOUR),
    "days_between": _since(DAY),
}
