"""Tiles of a lane as matrices of 64-bit words, one row a tile, for one entity or for all at once.

A row holds the tile's number (floor(time / tail)) and, for each measure, totals from this tile on to the entity's last:
a count, the digits of a sum (`exact`), the smallest and the largest value. So a window that starts at a tile reads one
row, and sums of any windows are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.features.exact import Digits, float_digits, int_digits
from mlsystem_runtime.features.keys import Ints
from mlsystem_runtime.features.layout import Lane, Measure

Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Column:
    """One measure of some records: what each adds to a total, and its bounds (the neutral value where it has none)."""

    count: Ints
    digits: Digits | None
    smallest: Values | None
    largest: Values | None


@dataclass(frozen=True)
class Records:
    """What is to be added up by (code, tile): rows, or tiles made earlier."""

    code: Ints
    tile: Ints
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Matrix:
    """`words[starts[c]:starts[c + 1]]` are the tiles of code c; `grids` are (low, number) of the digits of each sum."""

    words: Ints
    starts: Ints
    grids: tuple[tuple[int, int], ...]


def neutral(kind: ColumnType, largest: bool) -> float | int:
    """What changes no minimum (no maximum, for `largest`)."""
    if kind is ColumnType.FLOAT:
        return -np.inf if largest else np.inf
    return int(np.iinfo(np.int64).min if largest else np.iinfo(np.int64).max)


def column_of(measure: Measure, present: np.ndarray, numbers: Values) -> Column:
    """Single rows; `numbers` are zero where not `present`."""
    whole = numbers.dtype.kind != "f"
    digits = (int_digits(numbers) if whole else float_digits(numbers)) if measure.summed else None
    bounds = [
        np.where(present, numbers, neutral(measure.type, largest)) if wanted else None
        for largest, wanted in ((False, measure.smallest), (True, measure.largest))
    ]
    return Column(present.astype(np.int64), digits, *bounds)


def matrix_of(records: Records, count: int) -> Matrix:
    """Records of the same tile become one; codes are 0..count-1."""
    order = np.lexsort((records.tile, records.code))
    code, tile = records.code[order], records.tile[order]
    first = np.flatnonzero(np.append(True, (code[1:] != code[:-1]) | (tile[1:] != tile[:-1]))[: len(code)])
    starts = np.searchsorted(code[first], np.arange(count + 1))
    words: list[Ints] = [tile[first]]
    for column in records.columns:
        words += column_words(column, order, first, starts)
    grids = tuple((one.digits.low, len(one.digits.values)) for one in records.columns if one.digits is not None)
    return Matrix(np.ascontiguousarray(np.stack(words, axis=1)), starts, grids)


def column_words(column: Column, order: Ints, first: Ints, starts: Ints) -> list[Ints]:
    sums = [column.count, *(column.digits.values if column.digits is not None else ())]
    words = [from_end(np.add.reduceat(one[order], first) if len(first) else one, starts) for one in sums]
    for bound, best in ((column.smallest, np.minimum), (column.largest, np.maximum)):
        if bound is not None:
            tiles = best.reduceat(bound[order], first) if len(first) else bound
            words.append(best_from_end(tiles, starts, best).view(np.int64))
    return words


def from_end(values: Ints, starts: Ints) -> Ints:
    """Totals of each entity from every tile to its last."""
    totals = np.append(0, np.cumsum(values))
    found: Ints = np.repeat(totals[starts[1:]], np.diff(starts)) - totals[:-1]
    return found


def best_from_end(values: Values, starts: Ints, best: np.ufunc) -> Values:
    found = np.empty_like(values)
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        found[start:end] = best.accumulate(values[start:end][::-1])[::-1]
    return found


def records_of(words: Ints, grids: Sequence[tuple[int, int]], lane: Lane) -> Records:
    """One entity's tiles, taken apart. Bounds from a tile on may stand for its own: bounds of those are the same."""
    place, summed = 1, iter(grids)
    columns: list[Column] = []
    for measure in lane.measures:
        low, number = next(summed) if measure.summed else (0, 0)
        own = [words[:, at] - np.append(words[1:, at], 0) for at in range(place, place + 1 + number)]
        place += 1 + number
        bounds: list[Values | None] = []
        for wanted in (measure.smallest, measure.largest):
            bounds.append(typed(words[:, place], measure) if wanted else None)
            place += wanted
        columns.append(Column(own[0], Digits(low, tuple(own[1:])) if measure.summed else None, *bounds))
    return Records(np.zeros(len(words), np.int64), words[:, 0], tuple(columns))


def typed(words: Ints, measure: Measure) -> Values:
    copied = np.ascontiguousarray(words)
    return copied.view(np.float64) if measure.type is ColumnType.FLOAT else copied


def joined(first: Records, second: Records) -> Records:
    columns = tuple(join_columns(one, other) for one, other in zip(first.columns, second.columns, strict=True))
    return Records(np.append(first.code, second.code), np.append(first.tile, second.tile), columns)


def join_columns(first: Column, second: Column) -> Column:
    return Column(
        np.append(first.count, second.count),
        join_digits(first.digits, second.digits) if first.digits and second.digits else None,
        join_bounds(first.smallest, second.smallest),
        join_bounds(first.largest, second.largest),
    )


def join_bounds(first: Values | None, second: Values | None) -> Values | None:
    return np.append(first, second) if first is not None and second is not None else None


def join_digits(first: Digits, second: Digits) -> Digits:
    """Both on the grid that holds both."""
    low = min(first.low, second.low)
    high = max(one.low + len(one.values) for one in (first, second))
    places = [np.append(digit_at(first, place), digit_at(second, place)) for place in range(low, high)]
    return Digits(low, tuple(places))


def digit_at(digits: Digits, place: int) -> Ints:
    if digits.low <= place < digits.low + len(digits.values):
        return digits.values[place - digits.low]
    return np.zeros_like(digits.values[0])
