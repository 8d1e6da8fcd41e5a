"""Pieces of SQL, the conditions under which their values count, and the few ways in which they are put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Literal

from sqlglot import exp

from mlsystem_runtime.contract.expressions.time_literals import FIRST_US, LAST_US

INLINE_NODES = 48  # what is larger is computed once and bound to a name


@dataclass(frozen=True)
class Piece:
    """`guard` says which values of `sql` count: finite floats, instants of the years 1..9999; others stand for null."""

    sql: exp.Expression
    guard: Literal["finite", "instant"] | None = None


class Pieces:
    """Binds values to names that no column has."""

    def __init__(self) -> None:
        self.numbers = count(1)

    def let(self, value: exp.Expression, body: Callable[[exp.Expression], exp.Expression]) -> exp.Expression:
        """`body` of `value`, whose text is not repeated unless it is short: nesting must not grow exponentially."""
        if sum(1 for _ in value.walk()) <= INLINE_NODES:
            return body(value)
        name = exp.to_identifier(f"__value_{next(self.numbers)}")
        function = exp.Lambda(this=body(exp.Column(this=name)), expressions=[name.copy()])
        return call("LIST_EXTRACT", call("LIST_TRANSFORM", call("LIST_VALUE", value), function), integer(1))

    def where(self, piece: Piece, condition: Callable[[exp.Expression], exp.Expression]) -> exp.Expression:
        """The value of `piece` where it has one that fulfils `condition`, else null."""

        def body(value: exp.Expression) -> exp.Expression:
            conditions = [] if piece.guard is None else [_GUARDS[piece.guard](value)]
            return when((either("and", [*conditions, condition(value)]), value.copy()))

        return self.let(piece.sql, body)

    def safe(self, piece: Piece) -> exp.Expression:
        if piece.guard is None:
            return piece.sql
        guard = _GUARDS[piece.guard]
        return self.let(piece.sql, lambda value: when((guard(value), value.copy())))


def call(name: str, *arguments: exp.Expression) -> exp.Expression:
    """A function of DuckDB, by exactly this name."""
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def cast(value: exp.Expression, sql_type: str) -> exp.Expression:
    return exp.Cast(this=value.copy(), to=exp.DataType.build(sql_type, dialect="duckdb"))


def try_cast(value: exp.Expression, sql_type: str) -> exp.Expression:
    return exp.TryCast(this=value.copy(), to=exp.DataType.build(sql_type, dialect="duckdb"))


def integer(value: int) -> exp.Expression:
    return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))


def binary(operator: type[exp.Binary], left: exp.Expression, right: exp.Expression) -> exp.Expression:
    return operator(this=_bracketed(left), expression=_bracketed(right))


def not_of(value: exp.Expression) -> exp.Expression:
    return exp.Not(this=exp.Paren(this=value.copy()))


def either(operator: str, values: list[exp.Expression]) -> exp.Expression:
    """All of `values` joined by `and` or by `or`."""
    joined, *rest = values
    connector = exp.And if operator == "and" else exp.Or
    for value in rest:
        joined = connector(this=_bracketed(joined) if joined is values[0] else joined, expression=_bracketed(value))
    return joined


def when(*branches: tuple[exp.Expression, exp.Expression], otherwise: exp.Expression | None = None) -> exp.Expression:
    ifs = [exp.If(this=condition, true=value) for condition, value in branches]
    return exp.Case(ifs=ifs, default=otherwise)


def _bracketed(value: exp.Expression) -> exp.Expression:
    if isinstance(value, exp.Literal | exp.Column | exp.Anonymous | exp.Cast | exp.Paren):
        return value.copy()
    return exp.Paren(this=value.copy())


_GUARDS: dict[str, Callable[[exp.Expression], exp.Expression]] = {
    "finite": lambda value: call("ISFINITE", value),
    "instant": lambda value: exp.Between(this=_bracketed(value), low=integer(FIRST_US), high=integer(LAST_US)),
}
