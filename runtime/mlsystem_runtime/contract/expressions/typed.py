"""What is meant: a small tree of typed operations with nothing implicit left, the input of every evaluator.

Conversions between int and float, default time zones and the choice of a function's variant are all written out.
An evaluator knows constants, inputs and the operations of `functions.OPERATIONS`, and nothing else.
"""

from __future__ import annotations

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.columns import ColumnType

Value = bool | int | float | str | None


class Constant(Struct):
    """`value` is a finite float, an int64, a timestamp as UTC microseconds, or None for null."""

    value: Value
    type: ColumnType

    @property
    def nullable(self) -> bool:
        return self.value is None


class Input(Struct):
    """A column of the row. NaN, infinities and timestamps outside of the years 1..9999 are read as null."""

    name: str
    type: ColumnType
    nullable: bool


class Apply(Struct):
    """`operation` is a key of `functions.OPERATIONS`; the arguments have exactly the types that it wants."""

    operation: str
    arguments: tuple[Term, ...]
    type: ColumnType
    nullable: bool


Term = Constant | Input | Apply


class Typed(Struct):
    """A checked expression. `text` is canonical and goes into contracts and fingerprints; `inputs` are columns."""

    text: str
    type: ColumnType
    nullable: bool
    inputs: frozenset[str]
    root: Term
