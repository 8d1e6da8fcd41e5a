"""How bad rows are reported: the source, the column, the first rows with their values, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from mlsystem_runtime.contract.errors import MlsystemError

SHOWN = 5


def bad_rows(
    source: str, column: str, problem: str, rows: Iterable[tuple[int, Any]], hint: str, total: int | None = None
) -> MlsystemError:
    """`rows` are (zero-based row, value); people count from 1, headers not included."""
    shown = [f"row {row + 1}: {shorten(value)}" for row, value in islice(rows, SHOWN)]
    count = "" if total is None else f" ({total:,} in all)" if total > len(shown) else ""
    return MlsystemError(f"source '{source}', column '{column}': {problem}: {', '.join(shown)}{count}", hint)


def shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def null_rows(array: pa.ChunkedArray) -> Sequence[int]:
    """Rows (from 0) that are null."""
    mask = array.is_null().combine_chunks().to_numpy(zero_copy_only=False)
    return [int(row) for row in np.flatnonzero(mask)]


def castable(value: pa.Scalar, kind: pa.DataType) -> bool:
    """Whether the value keeps its meaning as a `kind`."""
    try:
        value.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True
