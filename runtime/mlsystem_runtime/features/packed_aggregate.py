"""The state of one entity in an aggregate group: per lane, tiles in the body, and raw rows in the head.

The head holds rows that enter after the watermark, or that were added since the last fold. Everything is 64-bit words.
Body, per lane: number of tiles; low and number of digits for each summed measure; the rows of the matrix (`tiles`).
Head, per lane: number of rows; for each its time, when it enters, and per column whether it has a value, and the value.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.features.answer import Answer, answer_of
from mlsystem_runtime.features.layout import AggregateLayout, Lane, Measure, Place
from mlsystem_runtime.features.store import Packed

WORD, BITS = 8, 32

HeadRow = tuple[int, ...]
"""time, enter, then (present, word) for each column of the lane."""

TileRow = tuple[Any, ...]
"""Its number, then the totals of each measure from this tile on."""


@dataclass(frozen=True, slots=True)
class Offsets:
    """Where a measure stands in a tile's row; `digits` of them from `count` + 1 on, the lowest counting 2^(32 low)."""

    count: int
    digits: int
    low: int
    smallest: int
    largest: int


class Shape:
    """The rows of a lane whose sums have these `grids`: (low, number of digits) of each."""

    def __init__(self, lane: Lane, grids: Sequence[tuple[int, int]]) -> None:
        self.grids = grids
        self.measures: list[Offsets] = []
        rest, form = iter(grids), "q"
        for measure in lane.measures:
            low, digits = next(rest) if measure.summed else (0, 0)
            smallest = len(form) + 1 + digits
            self.measures.append(Offsets(len(form), digits, low, smallest, smallest + measure.smallest))
            bound = "d" if measure.type is ColumnType.FLOAT else "q"
            form += "q" * (1 + digits) + bound * (measure.smallest + measure.largest)
        self.stride = len(form)
        self.row = struct.Struct(form)


class Tiles(NamedTuple):
    """One lane of a body: so many rows of a shape, from the word `base` to the word `end`."""

    shape: Shape
    number: int
    base: int
    end: int


class LaneFormat:
    """How a lane is read; shapes are made when a body first has them."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self._header = struct.Struct(f"{1 + 2 * sum(measure.summed for measure in lane.measures)}q")
        self._shapes: dict[tuple[int, ...], Shape] = {}

    def tiles(self, body: bytes, start: int) -> Tiles:
        """Those of the lane that begins at the word `start`."""
        number, *words = self._header.unpack_from(body, WORD * start)
        grids = tuple(words)
        shape = self._shapes.get(grids)
        if shape is None:
            shape = self._shapes[grids] = Shape(self.lane, tuple(zip(grids[::2], grids[1::2], strict=True)))
        base = start + self._header.size // WORD
        return Tiles(shape, number, base, base + number * shape.stride)


class Ask(NamedTuple):
    """One aggregate, ready to be asked: its place in the group, its measure in the lane, and the place in a head's row
    (None: the row)."""

    place: int
    function: str
    type: ColumnType
    measure: int
    floats: bool
    column: int | None


class AggregateReader:
    """Answers of a packed state at any instant from its watermark on, in the order of the group's aggregates."""

    def __init__(self, layout: AggregateLayout) -> None:
        self._lanes = [(LaneFormat(lane), windows_of(layout, number)) for number, lane in enumerate(layout.lanes)]
        self._formats = [one for one, _ in self._lanes]
        self._nothing = [0 if place.aggregate.function == "count" else None for place in layout.places]

    def read(self, packed: Packed | None, at: int) -> Answer:
        if packed is None:
            return answer_of(self._nothing, "unknown_key")
        heads = head_lanes(packed.head, self._formats) if packed.head else [()] * len(self._lanes)
        words = memoryview(packed.body).cast("q")
        values: list[Any] = [None] * len(self._nothing)
        start, since, until = 0, -math.inf, math.inf
        for (form, windows), head in zip(self._lanes, heads, strict=True):
            shape, number, base, start = form.tiles(packed.body, start)
            numbers = cast("Sequence[int]", words[base:start:shape.stride])
            tail_us = form.lane.tail_us
            for window_us, asks in windows:
                tile = (at - window_us) // tail_us
                begin = tile * tail_us
                since, until = max(since, begin + window_us), min(until, begin + tail_us + window_us)
                place = bisect_left(numbers, tile)
                row = shape.row.unpack_from(packed.body, WORD * (base + place * shape.stride)) if place < number else ()
                raw = [one for one in head if one[1] <= at and one[0] >= begin] if head else ()
                for ask in asks:
                    values[ask.place] = answer(row, raw, shape.measures[ask.measure], ask)
            for one in head:
                since, until = (max(since, one[1]), until) if one[1] <= at else (since, min(until, one[1]))
        return answer_of(values, "empty_window", since, until)


def windows_of(layout: AggregateLayout, lane: int) -> list[tuple[int, list[Ask]]]:
    """The windows of a lane, each with what is asked of it."""
    windows: dict[int, list[Ask]] = {}
    for number, place in enumerate(layout.places):
        if place.lane == lane:
            asks = windows.setdefault(place.aggregate.window_us, [])
            asks.append(ask_of(number, place, layout.lanes[lane]))
    return list(windows.items())


def ask_of(number: int, place: Place, lane: Lane) -> Ask:
    measure = lane.measures[place.measure]
    column = None if measure.column is None else 2 + 2 * columns_of(lane).index(measure)
    one = place.aggregate
    return Ask(number, one.function, one.type, place.measure, measure.type is ColumnType.FLOAT, column)


def answer(row: TileRow, raw: Sequence[HeadRow], offsets: Offsets, ask: Ask) -> Any:
    """Of a tile's row (empty: none) and rows that are in no tile. A count is never null; the others are over nothing,
    and where they overflow."""
    count = row[offsets.count] if row else 0
    if ask.column is None:
        return count + len(raw)
    numbers = raw_numbers(raw, ask.column, ask.floats) if raw else ()
    if ask.function == "count":
        return count + len(numbers)
    if ask.function in ("min", "max"):
        return best(row if count else (), numbers, offsets, ask.function)
    total = total_at(row, offsets.count + 1, offsets.digits) if row else 0
    if numbers:
        return sum_or_mean(*with_numbers(total, offsets.low, numbers), count + len(numbers), ask)
    return sum_or_mean(total, offsets.low, count, ask) if count else None


def raw_numbers(raw: Sequence[HeadRow], column: int, floats: bool) -> Sequence[float | int]:
    words = [row[column + 1] for row in raw if row[column]]
    return [as_float(word) for word in words] if floats else words


def total_at(row: TileRow, place: int, digits: int) -> int:
    total: int = row[place]
    for digit in range(1, digits):
        total += row[place + digit] << (BITS * digit)
    return total


def best(row: TileRow, numbers: Sequence[Any], offsets: Offsets, function: str) -> Any:
    found = list(numbers)
    if row:
        found.append(row[offsets.smallest if function == "min" else offsets.largest])
    return (min if function == "min" else max)(found, default=None)


def with_numbers(total: int, low: int, numbers: Sequence[float | int]) -> tuple[int, int]:
    """`total` multiples of 2^(32 low) and further numbers, as multiples of a power that divides them all."""
    ratios = [number.as_integer_ratio() for number in numbers]
    finest = min(low, *(-((below.bit_length() + 30) // BITS) for _, below in ratios))
    scaled = (above << (-BITS * finest - below.bit_length() + 1) for above, below in ratios)
    return (total << (BITS * (low - finest))) + sum(scaled), finest


def sum_or_mean(total: int, low: int, count: int, ask: Ask) -> float | int | None:
    if ask.type is ColumnType.INT:
        whole = total << (BITS * low) if low >= 0 else total >> (-BITS * low)
        return whole if -(2**63) <= whole < 2**63 else None
    value = to_float(total, low)
    return value / count if value is not None and ask.function == "mean" else value


def to_float(total: int, low: int) -> float | None:
    """`total` * 2^(32 low), correctly rounded; None where it overflows."""
    try:
        return float(total << (BITS * low)) if low >= 0 else total / (1 << (-BITS * low))
    except OverflowError:
        return None


def as_float(word: int) -> float:
    return cast(float, struct.unpack("d", struct.pack("q", word))[0])


def head_lanes(head: bytes, formats: Iterable[LaneFormat]) -> list[list[HeadRow]]:
    words = memoryview(head).cast("q")
    start, found = 0, []
    for form in formats:
        number, size = words[start], head_size(form.lane)
        first = start + 1
        start = first + number * size
        found.append([tuple(words[at : at + size]) for at in range(first, start, size)])
    return found


def columns_of(lane: Lane) -> list[Measure]:
    return [measure for measure in lane.measures if measure.column is not None]


def head_size(lane: Lane) -> int:
    return 2 + 2 * len(columns_of(lane))


def pack_head(rows: Sequence[Sequence[HeadRow]]) -> bytes:
    """`rows` per lane; empty bytes where there are none."""
    if not any(rows):
        return b""
    words = [word for lane in rows for word in (len(lane), *(word for row in lane for word in row))]
    return struct.pack(f"{len(words)}q", *words)
