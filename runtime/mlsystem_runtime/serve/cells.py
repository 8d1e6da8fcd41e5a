"""The frozen grid of a model version: which cell a value falls in, and counts per cell.

Numeric columns: the cells of the training quantiles, then one for null. Categorical columns: the training categories,
one for unseen ones, one for null. Counting is exact and merging is addition, so nothing here forgets or estimates.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.counts import FORMAT, DriftCounts
from mlsystem_runtime.contract.model import CategoryProfile, NumericProfile, Reference

EXACT = 2.0**53  # below it every whole number is a float
FEW = 16         # values are counted faster one by one


@dataclass(frozen=True)
class GridColumn:
    """`cell` maps a value to [0, size); the last cell is null. `training` counts the training rows per cell.

    `cells` counts many values by cell, as `cell` would one by one. Cells that hold none may be left out. `bounds` are
    the edges of a numeric column.
    """

    name: str
    numeric: bool
    training: tuple[int, ...]
    cell: Callable[[Any], int]
    cells: Callable[[Sequence[Any]], Mapping[int, int]]
    bounds: NDArray[np.float64] | None = field(default=None, compare=False)

    @property
    def size(self) -> int:
        return len(self.training)


@dataclass(frozen=True)
class Grid:
    """`digest` identifies the grid: counts on another one are never added to it."""

    digest: str
    inputs: tuple[GridColumn, ...]
    predictions: tuple[GridColumn, ...]


def grid_of(reference: Reference) -> Grid:
    return Grid(
        digest=digest(reference),
        inputs=(*map(numeric_column, reference.numeric), *map(category_column, reference.categorical)),
        predictions=tuple(map(numeric_column, reference.predictions)),
    )


def numeric_column(profile: NumericProfile) -> GridColumn:
    """Cell i holds edges[i-1] <= x < edges[i]; infinities fall in the outer cells, NaN counts as null."""
    edges, null = profile.edges, len(profile.counts)

    def cell(value: float | None) -> int:
        return null if value is None or value != value else bisect_right(edges, value)  # noqa: PLR0124 - only NaN differs from itself

    def cells(values: Sequence[float | None]) -> Mapping[int, int]:
        return Counter(map(cell, values))

    bounds = np.array(edges, dtype=np.float64)
    return GridColumn(profile.name, True, (*profile.counts, profile.nulls), cell, cells, bounds)


def category_column(profile: CategoryProfile) -> GridColumn:
    """Booleans are the categories "false" and "true"."""
    other = len(profile.categories)
    cells: dict[Any, int] = {category: number for number, category in enumerate(profile.categories)}
    cells.update({flag: cells.get(text, other) for flag, text in ((False, "false"), (True, "true"))})
    cells[None] = other + 1

    def cell(value: str | bool | None) -> int:
        return cells.get(value, other)

    def cells_of(values: Sequence[str | bool | None]) -> Mapping[int, int]:
        found: Counter[int] = Counter()
        for value, count in Counter(values).items():
            found[cell(value)] += count
        return found

    return GridColumn(profile.name, False, (*profile.counts, profile.other, profile.nulls), cell, cells_of)


class Counts:
    """Of each of `columns`, how many values fell in which cell; all of them in one array, one column after another."""

    def __init__(self, columns: Sequence[GridColumn]) -> None:
        self._ends = np.cumsum([column.size for column in columns])
        self._begins = self._ends - [column.size for column in columns]
        self._cells = np.zeros(sum(column.size for column in columns), dtype=np.int64)
        self._columns = list(zip(columns, self._begins.tolist(), strict=True))
        self._numeric = [(column.bounds, begin) for column, begin in self._columns if column.bounds is not None]
        self._numbers = [column.name for column in columns if column.numeric]
        self._others = [(column, begin) for column, begin in self._columns if not column.numeric]
        self._nulls_N = np.array([begin + column.size - 1 for column, begin in self._columns if column.numeric])

    def cells(self) -> list[list[int]]:
        return [self._cells[begin:end].tolist() for begin, end in zip(self._begins, self._ends, strict=True)]

    def add(self, counts: Mapping[str, Mapping[int, int]]) -> None:
        """What was counted elsewhere, by column and cell."""
        for column, begin in self._columns:
            self._add(begin, counts.get(column.name, {}))

    def add_rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Values by name; what is absent counts as null. All numbers are counted in one step where there are many."""
        together = len(rows) >= FEW and bool(self._numeric) and self._add_numbers(rows)
        for column, begin in self._others if together else self._columns:
            self._add(begin, column.cells([row.get(column.name) for row in rows]))

    def _add_numbers(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """False, and nothing counted, where a number is so large that it may be no float."""
        x_BN = np.array([list(map(row.get, self._numbers)) for row in rows], dtype=np.float64)  # None becomes NaN
        if (np.abs(x_BN) >= EXACT).any():
            return False
        found_NB = np.stack([
            np.searchsorted(bounds, x_B, side="right") + begin
            for (bounds, begin), x_B in zip(self._numeric, x_BN.T, strict=True)
        ])
        found_BN = np.where(np.isnan(x_BN), self._nulls_N, found_NB.T)
        self._cells += np.bincount(found_BN.ravel(), minlength=len(self._cells))
        return True

    def _add(self, begin: int, counts: Mapping[int, int]) -> None:
        for cell, count in counts.items():
            self._cells[begin + cell] += count


class Tally:
    """Counts of rows on a grid. The only thing here that changes: it is filled some requests at a time."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.rows = 0
        self._inputs = Counts(grid.inputs)
        self._predictions = Counts(grid.predictions)

    @property
    def inputs(self) -> list[list[int]]:
        return self._inputs.cells()

    @property
    def predictions(self) -> list[list[int]]:
        return self._predictions.cells()

    def add(self, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
        """One row: model inputs and outputs by name; what is absent counts as null."""
        self.add_rows((inputs,), (outputs,))

    def add_rows(self, inputs: Sequence[Mapping[str, Any]], outputs: Sequence[Mapping[str, Any]]) -> None:
        """As `add` of each row, at a fraction of its price where there are many."""
        self.rows += len(inputs)
        self._inputs.add_rows(inputs)
        self._predictions.add_rows(outputs)

    def merge(self, counts: DriftCounts) -> None:
        """Adds what a server counted. The caller has checked that it is this grid's."""
        assert counts.grid == self.grid.digest
        self.rows += counts.rows
        self._inputs.add(counts.inputs)
        self._predictions.add(counts.predictions)

    def counts(self, model: str, version: int, hour_us: int) -> DriftCounts:
        return DriftCounts(
            format=FORMAT, model=model, version=version, grid=self.grid.digest, hour_us=hour_us, rows=self.rows,
            inputs=_sparse(self.grid.inputs, self.inputs), predictions=_sparse(self.grid.predictions, self.predictions),
        )


def merged(grid: Grid, files: Iterable[DriftCounts]) -> Tally:
    """The sum of all `files`, whatever their order. Counts on another grid are left out."""
    total = Tally(grid)
    for counts in files:
        if counts.grid == grid.digest:
            total.merge(counts)
    return total


def _sparse(columns: Sequence[GridColumn], cells: Sequence[list[int]]) -> dict[str, dict[int, int]]:
    return {
        column.name: {cell: count for cell, count in enumerate(counted) if count}
        for column, counted in zip(columns, cells, strict=True)
    }
