from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlsystem_runtime.contract.columns import Column, ColumnType, Derived, Source


@pytest.fixture
def make_source(tmp_path: Path) -> Callable[..., Source]:
    """A source over a file of `tmp_path`; `columns` as in the language: {"x": "float?"}."""

    def make(file: str, columns: dict[str, str], **given: Any) -> Source:
        derive = given.pop("derive", ())
        typed = tuple(Column(name, ColumnType(kind.rstrip("?")), kind.endswith("?")) for name, kind in columns.items())
        derived = tuple(Derived(name, expression, kind) for name, expression, kind in derive)
        defaults: dict[str, Any] = {"timezone": None, "available": None, "key": (), "time": "t"}
        suffix = file.partition(".")[2].split(".")[0]
        return Source(
            name="events",
            format=suffix if suffix in ("csv", "json") else "parquet",
            uri=str(tmp_path / file),
            known_at_time=tuple(columns),
            columns=typed,
            derived=derived,
            **(defaults | given),
        )

    return make
