"""What was written: the syntax tree. Where a node was written is no part of its equality."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlsystem_runtime.contract.columns import ColumnType

LiteralValue = bool | int | float | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """`start` and `end` are offsets into the text; `depth` counts the nodes on the longest way down, itself included."""

    start: int = field(compare=False)
    end: int = field(compare=False)
    depth: int = field(compare=False, default=1)


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """`type` is None for `null`. An integer may lie outside of int64 here; `check` refuses it."""

    value: LiteralValue
    type: ColumnType | None


@dataclass(frozen=True, slots=True)
class Name(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`operator` is `-` or `not`. A minus before a number is part of the literal."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`operator` is one of `= != < <= > >= + - * / %`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Logical(Node):
    """Two or more operands joined by `and` or by `or`."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class IsNull(Node):
    operand: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class In(Node):
    operand: Expression
    items: tuple[Expression, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Between(Node):
    """`low <= operand <= high`."""

    operand: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class Case(Node):
    """The value beside the first condition that is true; else `otherwise`, else null."""

    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`function` is in lower case and need not exist; `check` refuses what does not."""

    function: str
    arguments: tuple[Expression, ...]


Expression = Literal | Name | Unary | Binary | Logical | IsNull | In | Between | Case | Call
