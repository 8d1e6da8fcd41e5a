"""Aggregates over windows, offline, at any number of (key, instant).

A row counts at q exactly while max(available, time + 1) <= q and q < floor(time, tail) + tail + window: it enters once
and leaves once. So a count or sum is a running total over entering rows less one over leaving rows, each found with a
binary search; totals are integers (`exact`), so nothing cancels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.contract.features import Aggregate
from mlsystem_runtime.data.arrays import arrow, numbers
from mlsystem_runtime.features import exact
from mlsystem_runtime.features.extrema import late_best, range_best
from mlsystem_runtime.features.keys import NO_KEY, Ints
from mlsystem_runtime.features.rows import Rows, Timeline, chosen, usable

Bools = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Values:
    """A column of the usable rows: zero where it is null."""

    present: Bools
    numbers: np.ndarray[Any, Any]

    @cached_property
    def digits(self) -> exact.Digits:
        if self.numbers.dtype.kind == "f":
            return exact.float_digits(self.numbers)
        return exact.int_digits(self.numbers)

    @cached_property
    def distinct(self) -> tuple[Any, Ints]:
        """The values in ascending order, and for each row the place of its own."""
        return np.unique(self.numbers, return_inverse=True)


class Spans:
    """Which usable rows of one availability class stand in which window at the examples (`codes`, `at`)."""

    def __init__(self, rows: Rows, known_at_time: bool, codes: Ints, at: Ints) -> None:
        knowable = rows.knowable(known_at_time)
        self.kept = usable(rows.codes, knowable)
        self.codes, self.time, available = chosen(self.kept, rows.codes, rows.time, knowable)
        self.count = rows.index.count
        self.in_order = available is self.time or not bool((available > self.time).any())
        self.enter = self.time + 1 if self.in_order else np.maximum(available, self.time + 1)
        self.by_time = Timeline(self.count, self.codes, self.time)
        self.by_entry = self.by_time if self.in_order else Timeline(self.count, self.codes, self.enter)
        self.asked, self.at = codes, at
        self.entered = self.by_entry.upto(codes, at - 1 if self.in_order else at)
        self.table = rows.table
        self._values: dict[str, Values] = {}

    def values(self, column: str) -> Values:
        if column not in self._values:
            self._values[column] = values_of(self.table[column], self.kept)
        return self._values[column]

    def window(self, window_us: int, tail_us: int) -> Window:
        return Window(self, window_us, tail_us)

    @cached_property
    def key_start(self) -> Ints:
        """The place of the first row of each code; one more entry for the end."""
        return np.searchsorted(self.codes[self.by_time.order], np.arange(self.count + 1))


class Window:
    """One window of `spans`: `left` rows lie before its start at each example, or in keys before its own."""

    def __init__(self, spans: Spans, window_us: int, tail_us: int) -> None:
        self.spans = spans
        start = (spans.at - window_us) // tail_us * tail_us
        self.left = spans.by_time.upto(spans.asked, start - 1)
        leave = spans.time // tail_us * tail_us + tail_us + window_us
        never = spans.enter >= leave
        self.counted: Bools | None = ~never if never.any() else None

    def total(self, weights: Ints) -> Ints:
        """The sum of `weights` (one a row) over the window's rows at each example, modulo 2^64."""
        if self.counted is not None:
            weights = np.where(self.counted, weights, 0)
        entered = running(weights, self.spans.by_entry.order)
        left = entered if self.spans.in_order else running(weights, self.spans.by_time.order)
        return entered[self.spans.entered] - left[self.left]

    def rows(self) -> Ints:
        return self.total(np.ones(len(self.spans.time), np.int64))

    def best(self, ranks: Ints) -> Ints:
        """The greatest rank (one a row, not negative, -1 where the row has no value) in the window; -1 for none."""
        spans = self.spans
        if spans.in_order:
            return range_best(ranks[spans.by_time.order], self.left, spans.entered)
        place_in_time = np.empty_like(spans.by_time.order)
        place_in_time[spans.by_time.order] = np.arange(len(place_in_time))
        order = spans.by_entry.order
        known = np.maximum(spans.asked, 0)
        first = np.where(spans.asked < 0, 0, spans.key_start[known])
        entered = np.where(spans.asked < 0, 0, spans.entered)
        return late_best(
            ranks[order], place_in_time[order], spans.key_start[spans.codes[order]], first, entered, self.left
        )


def running(weights: Ints, order: Ints) -> Ints:
    """Totals of the first 0, 1, 2, … rows in this order."""
    totals = np.zeros(len(order) + 1, np.int64)
    np.cumsum(weights[order], out=totals[1:])
    return totals


def values_of(column: pa.ChunkedArray, kept: Ints | None) -> Values:
    array = column.combine_chunks()
    if kept is not None:
        array = array.take(arrow(kept))
    found, present = numbers(array)
    return Values(present, found)


def aggregate_columns(spans: Spans, aggregates: Iterable[Aggregate]) -> dict[str, pa.Array]:
    """Each aggregate's value at every example: count 0 and the others null over nothing, all null without a key."""
    windows: dict[tuple[int, int], Window] = {}
    columns: dict[str, pa.Array] = {}
    for aggregate in aggregates:
        size = (aggregate.window_us, aggregate.tail_us)
        if size not in windows:
            windows[size] = spans.window(*size)
        columns[aggregate.name] = aggregate_column(windows[size], aggregate)
    return columns


def aggregate_column(window: Window, aggregate: Aggregate) -> pa.Array:
    no_key = window.spans.asked == NO_KEY
    if aggregate.column is None:
        return arrow(window.rows(), no_key)
    values = window.spans.values(aggregate.column)
    count = window.total(values.present.astype(np.int64))
    match aggregate.function:
        case "count":
            return arrow(count, no_key)
        case "sum" | "mean":
            totals = exact.Digits(values.digits.low, tuple(window.total(digit) for digit in values.digits.values))
            return summed(totals, count, aggregate)
        case "min" | "max":
            return extreme(window, values, count, aggregate.function == "max")


def summed(totals: exact.Digits, count: Ints, aggregate: Aggregate) -> pa.Array:
    """A sum, or a mean (the rounded sum over the count); what overflows is null."""
    if aggregate.type is ColumnType.INT:
        whole, fits = exact.to_ints(totals)
        return arrow(whole, (count == 0) | ~fits)
    result = exact.to_floats(totals)
    if aggregate.function == "mean":
        result = result / np.maximum(count, 1)
    return arrow(result, (count == 0) | ~np.isfinite(result))


def extreme(window: Window, values: Values, count: Ints, largest: bool) -> pa.Array:
    distinct, place = values.distinct
    ranks = np.where(values.present, place if largest else len(distinct) - 1 - place, -1)
    best = window.best(ranks)
    assert ((best >= 0) == (count > 0)).all(), "a window has an extreme exactly when it has values"
    if len(distinct) == 0:
        return arrow(np.zeros(len(best), values.numbers.dtype), best < 0)
    found = np.maximum(best, 0)
    return arrow(distinct[found if largest else len(distinct) - 1 - found], best < 0)
