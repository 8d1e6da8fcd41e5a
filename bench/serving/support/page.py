"""What a part of the bench hands over, and the page that is written of all parts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

Measure = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows of a name and numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]


@dataclass(frozen=True)
class Part:
    """`note` says how it was measured. Measures are those of bench/run.py: what has a target is one."""

    name: str
    note: str
    measures: tuple[Measure, ...]
    tables: tuple[Table, ...]


def measure(name: str, value: float, unit: str, target: str = "", reference: str = "") -> Measure:
    return {"name": name, "value": value, "unit": unit, "target": target, "reference": reference}


def cells(row: tuple[object, ...]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |\n"


def shown(value: str | float) -> str:
    """Three digits are more than a second run would repeat."""
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return "-" if math.isnan(value) else "never"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def text(table: Table) -> str:
    aligned = ("---", *("---:" for _ in table.columns[1:]))
    rows = (cells(tuple(map(shown, row))) for row in table.rows)
    return "\n" + cells(table.columns) + cells(aligned) + "".join(rows)
