"""What was written: the syntax tree. Where a node was written is no part of its equality."""

from __future__ import annotations

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.columns import ColumnType

LiteralValue = bool | int | float | str | None


class Place(Struct, eq=False):
    """Offsets into the text, `end` exclusive, and how many levels of nodes lie below, this one included.

    All places are equal, so that nodes are compared by what they say.
    """

    start: int
    end: int
    depth: int = 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place)

    def __hash__(self) -> int:
        return 0


class Node(Struct, kw_only=True):
    place: Place

    @property
    def start(self) -> int:
        return self.place.start

    @property
    def end(self) -> int:
        return self.place.end


class Literal(Node):
    """`type` is None for `null`. An integer may lie outside of int64 here; `check` refuses it."""

    value: LiteralValue
    type: ColumnType | None


class Name(Node):
    name: str


class Unary(Node):
    """`operator` is `-` or `not`. A minus before a number is part of the literal."""

    operator: str
    operand: Expression


class Binary(Node):
    """`operator` is one of `= != < <= > >= + - * / %`."""

    operator: str
    left: Expression
    right: Expression


class Logical(Node):
    """Two or more operands joined by `and` or by `or`."""

    operator: str
    operands: tuple[Expression, ...]


class IsNull(Node):
    operand: Expression
    negated: bool


class In(Node):
    operand: Expression
    items: tuple[Expression, ...]
    negated: bool


class Between(Node):
    """`low <= operand <= high`."""

    operand: Expression
    low: Expression
    high: Expression
    negated: bool


class Case(Node):
    """The value beside the first condition that is true; else `otherwise`, else null."""

    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


class Call(Node):
    """`function` is in lower case and need not exist; `check` refuses what does not."""

    function: str
    arguments: tuple[Expression, ...]


Expression = Literal | Name | Unary | Binary | Logical | IsNull | In | Between | Case | Call
