"""The fast way from JSON to typed rows: one pass of a decoder that was made from the signature.

It takes only what is right. Whatever it does not take goes the slow way of `values`, which says what is wrong and
where, and takes the few forms that are rare: both ways give the same rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.serve.values import MAX_ROWS, READERS, Value

Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
PLAIN: dict[ColumnType, Any] = {
    ColumnType.STRING: str, ColumnType.INT: Int64, ColumnType.FLOAT: float, ColumnType.BOOL: bool,
    ColumnType.TIMESTAMP: int | str,
}
BATCH = re.compile(rb'\s*{\s*"rows"')
TypedRow = dict[str, Value]


class SignatureDecoder:
    """Made once for each version; safe to share between threads."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._names = [column.name for column in columns]
        self._timestamps = [column.name for column in columns if column.type is ColumnType.TIMESTAMP]
        row = row_struct(columns)
        self._row = msgspec.json.Decoder(row)
        rows = Annotated[list[row], Meta(min_length=1, max_length=MAX_ROWS)]  # type: ignore[valid-type]
        self._batch: msgspec.json.Decoder[Any] | None = None if "rows" in self._names else msgspec.json.Decoder(
            msgspec.defstruct("Batch", [("rows", rows)], forbid_unknown_fields=True))

    def decode(self, data: bytes) -> list[TypedRow] | None:
        """None for what is not one row or `{"rows": [...]}` and nothing else, every value of its column's type."""
        batch = self._batch is not None and BATCH.match(data) is not None
        try:
            return [self._typed(row) for row in (self._rows(data) if batch else (self._row.decode(data),))]
        except (ValueError, RecursionError):
            return None

    def _rows(self, data: bytes) -> Sequence[Struct]:
        assert self._batch is not None
        rows: list[Struct] = self._batch.decode(data).rows
        return rows

    def _typed(self, row: Struct) -> TypedRow:
        typed: TypedRow = dict(zip(self._names, msgspec.structs.astuple(row), strict=True))
        for name in self._timestamps:
            if typed[name] is not None:
                typed[name] = READERS[ColumnType.TIMESTAMP](typed[name])
        return typed


def row_struct(columns: Sequence[Column]) -> type[Struct]:
    """Its fields are f0, f1, … in the order of the columns: a column's name need not be one of Python's."""
    fields = [(f"f{place}", PLAIN[column.type] | None if column.nullable else PLAIN[column.type])
              for place, column in enumerate(columns)]
    defaulted = [(*field, None) if column.nullable else field for field, column in zip(fields, columns, strict=True)]
    return msgspec.defstruct(
        "Row", defaulted, kw_only=True, forbid_unknown_fields=True,
        rename={f"f{place}": column.name for place, column in enumerate(columns)},
    )
