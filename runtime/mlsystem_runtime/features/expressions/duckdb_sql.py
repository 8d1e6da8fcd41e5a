"""Typed expressions → a scalar SQL expression for DuckDB. Only this module and its `*_sql` neighbours import sqlglot.

Every operation is written so that it cannot raise, whatever the row and however the optimizer orders the work: what has
no result gets a null argument. Integers are computed in 128 bits and narrowed with TRY_CAST.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

import sqlglot
from sqlglot import exp

from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.contract.expressions import Apply, Constant, Input, Term, Typed
from mlsystem_runtime.features.expressions.operations_sql import SIMPLE
from mlsystem_runtime.features.expressions.pieces_sql import (
    Piece,
    Pieces,
    binary,
    call,
    cast,
    either,
    integer,
    not_of,
    when,
)
from mlsystem_runtime.features.expressions.zones_sql import PARTS, local_time


def to_duckdb(typed: Typed, columns: Mapping[str, str] | None = None) -> str:
    """SQL with the value of `typed`, in brackets where it needs them; a timestamp is BIGINT microseconds UTC.

    By default the column `name` is read as "name", a timestamp being TIMESTAMP WITH TIME ZONE (as Arrow's
    timestamp[us, UTC] arrives) or a TIMESTAMP that holds UTC. `columns` gives other SQL for some of them, which for
    a timestamp has the type BIGINT, microseconds UTC. The session's time zone and collation have no influence.
    """
    writer = _Writer(columns or {})
    result = writer.safe(typed.root)
    if typed.type is ColumnType.FLOAT:
        result = binary(exp.Add, result, cast(exp.Literal.string("0.0"), "DOUBLE"))  # -0.0 becomes 0.0
    return str(exp.Paren(this=result).sql(dialect="duckdb"))


class _Writer:
    def __init__(self, columns: Mapping[str, str]) -> None:
        self.columns = columns
        self.pieces = Pieces()

    def safe(self, term: Term) -> exp.Expression:
        """SQL that is null where the value has no meaning."""
        return self.pieces.safe(self.piece(term))

    def piece(self, term: Term) -> Piece:
        match term:
            case Constant():
                return Piece(_constant(term))
            case Input():
                return self.input(term)
            case Apply():
                return self.apply(term)
        assert_never(term)

    def input(self, term: Input) -> Piece:
        column = exp.column(term.name, quoted=True)
        given = self.columns.get(term.name)
        if given is not None:
            column = exp.Paren(this=sqlglot.parse_one(given, dialect="duckdb"))
        if term.type is ColumnType.FLOAT:
            return Piece(column, "finite")
        if term.type is ColumnType.TIMESTAMP:
            return Piece(column if given is not None else call("EPOCH_US", column), "instant")
        return Piece(column)

    def apply(self, term: Apply) -> Piece:
        if term.operation in PARTS:
            return self.part(term)
        match term.operation, [self.piece(argument) for argument in term.arguments]:
            case "add_float", [left, right]:
                return Piece(binary(exp.Add, left.sql, right.sql), "finite")
            case "subtract_float", [left, right]:
                return Piece(binary(exp.Sub, left.sql, right.sql), "finite")
            case "multiply_float", [left, right]:
                return Piece(binary(exp.Mul, left.sql, right.sql), "finite")
            case "negate_float", [operand]:
                return Piece(exp.Neg(this=exp.Paren(this=operand.sql)), operand.guard)
            case "abs_float", [operand]:
                return Piece(call("ABS", operand.sql), operand.guard)
            case _, pieces:
                return self.guarded(term.operation, pieces)

    def guarded(self, operation: str, pieces: list[Piece]) -> Piece:
        """Operations that do not carry NaN and infinities through as such."""
        match operation, pieces:
            case "divide", [left, right]:
                divisor = self.pieces.where(right, lambda value: binary(exp.NEQ, value, _zero()))
                return Piece(binary(exp.Div, left.sql, divisor), "finite")
            case "modulo_float", [left, right]:
                divisor = self.pieces.where(right, lambda value: binary(exp.NEQ, value, _zero()))
                return Piece(binary(exp.Mod, self.pieces.safe(left), divisor), "finite")
            case (("ln" | "log2" | "log10"), [operand]):
                positive = self.pieces.where(operand, lambda value: binary(exp.GT, value, _zero()))
                return Piece(call(operation.upper(), positive))
            case "sqrt", [operand]:
                return Piece(call("SQRT", self.pieces.where(operand, lambda value: binary(exp.GTE, value, _zero()))))
            case (("exp" | "pow"), _):
                return Piece(call(operation.upper(), *(self.pieces.safe(piece) for piece in pieces)), "finite")
            case _:
                return Piece(self.total(operation, [self.pieces.safe(piece) for piece in pieces]))

    def total(self, operation: str, values: list[exp.Expression]) -> exp.Expression:
        """Operations of values that are safe, with a result that is."""
        match operation, values:
            case (("and" | "or"), _):
                return either(operation, values)
            case "case", _:
                branches = zip(values[0:-1:2], values[1::2], strict=True)
                return when(*branches, otherwise=values[-1])
            case "in", [operand, *items]:
                return exp.In(this=exp.Paren(this=operand), expressions=items)
            case "between", [operand, low, high]:
                return exp.Between(this=exp.Paren(this=operand), low=exp.Paren(this=low), high=exp.Paren(this=high))
            case "nullif", [first, second]:
                return self.pieces.let(first, lambda value: when((not_of(_is_equal(value, second)), value.copy())))
            case _:
                return SIMPLE[operation](*values)

    def part(self, term: Apply) -> Piece:
        instant, name = term.arguments
        assert isinstance(name, Constant)
        raw = self.piece(instant).sql
        local = self.pieces.let(raw, lambda value: local_time(value, str(name.value)))
        return Piece(PARTS[term.operation](local))


def _is_equal(left: exp.Expression, right: exp.Expression) -> exp.Expression:
    """True or false, never null, for a `left` that is not."""
    return call("COALESCE", binary(exp.EQ, left, right), exp.false())


def _zero() -> exp.Expression:
    return integer(0)


def _constant(term: Constant) -> exp.Expression:
    sql_type = _TYPES[term.type]
    match term.value:
        case None:
            return cast(exp.null(), sql_type)
        case bool(value):
            return exp.true() if value else exp.false()
        case str(value):
            return exp.Literal.string(value)
        case int(value):
            return cast(integer(value), sql_type)
        case float(value):
            return cast(exp.Literal.string(repr(value)), sql_type)
    assert_never(term.value)


_TYPES = {
    ColumnType.STRING: "VARCHAR",
    ColumnType.INT: "BIGINT",
    ColumnType.FLOAT: "DOUBLE",
    ColumnType.BOOL: "BOOLEAN",
    ColumnType.TIMESTAMP: "BIGINT",
}
