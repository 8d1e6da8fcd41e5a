"""Columns and where they come from: the typed source and its checks."""

from __future__ import annotations

import enum
from typing import Literal

from mlsystem_runtime.contract.base import Struct


class ColumnType(enum.StrEnum):
    """Timestamps are UTC microseconds since 1970 everywhere inside the system."""

    STRING = "string"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    TIMESTAMP = "timestamp"

    @property
    def numeric(self) -> bool:
        return self in (ColumnType.INT, ColumnType.FLOAT)


class Column(Struct):
    name: str
    type: ColumnType
    nullable: bool = False


class Derived(Struct):
    """A column computed from others of its row; `expression` is canonical text (see `contract.expressions`)."""

    name: str
    expression: str
    type: ColumnType
    nullable: bool = True


class Source(Struct):
    """Everything that decides the rows of a source and when each could be known.

    `uri` is absolute (has a scheme or starts with `/`) or relative to the folder of the spec, which is the
    working directory of every step. `known_at_time` names all columns, derived ones among them, that are
    already known at `time`; it names every column where `available` is None (then available = time).
    """

    name: str
    format: Literal["csv", "parquet", "json"]
    uri: str
    time: str
    timezone: str | None
    available: str | None
    known_at_time: tuple[str, ...]
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    derived: tuple[Derived, ...] = ()

    def column(self, name: str) -> Column:
        """The declared or derived column `name`."""
        for column in self.columns:
            if column.name == name:
                return column
        for derived in self.derived:
            if derived.name == name:
                return Column(name=name, type=derived.type, nullable=derived.nullable)
        raise KeyError(name)


Severity = Literal["error", "warn"]


class Check(Struct, tag_field="kind"):
    severity: Severity


class NotNull(Check, tag="not_null"):
    columns: tuple[str, ...]


class Unique(Check, tag="unique"):
    columns: tuple[str, ...]


class Range(Check, tag="range"):
    """`min <= column <= max`, nulls pass."""

    column: str
    min: float | None = None
    max: float | None = None


class OneOf(Check, tag="one_of"):
    column: str
    values: tuple[str, ...]


class Matches(Check, tag="matches"):
    """The whole text of `column` matches the regular expression (RE2 syntax); nulls pass."""

    column: str
    pattern: str


class RowCount(Check, tag="row_count"):
    min: int | None = None
    max: int | None = None


class Freshness(Check, tag="freshness"):
    """The newest `time` is at most `within_us` before the environment's clock."""

    within_us: int


AnyCheck = NotNull | Unique | Range | OneOf | Matches | RowCount | Freshness
