"""The state of one entity in an aggregate group: per lane, tiles in the body, and raw rows in the head.

The head holds rows that enter after the watermark, or that were added since the last fold. Everything is 64-bit words.
Body, per lane: number of tiles; low and number of digits for each summed measure; the rows of the matrix (`tiles`).
Head, per lane: number of rows; for each its time, when it enters, and per column whether it has a value, and the value.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np

from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.features.exact import to_float
from mlsystem_runtime.features.keys import Ints
from mlsystem_runtime.features.layout import AggregateLayout, Lane, Measure, Place
from mlsystem_runtime.features.store import Packed
from mlsystem_runtime.features.tiles import Records, column_of, joined, matrix_of, records_of

FOLD_ROWS = 64

HeadRow = tuple[int, ...]
"""time, enter, then (present, word) for each column of the lane."""


@dataclass(frozen=True)
class Offsets:
    """Where a measure stands in a tile's row; `digits` of them from `count` + 1 on, the lowest counting 2^(32 low)."""

    count: int
    digits: int
    low: int
    smallest: int
    largest: int


class Tiles:
    """One lane of a body, read in place."""

    def __init__(self, words: memoryview[int], floats: memoryview[float], start: int, lane: Lane) -> None:
        self.words, self.floats = words, floats
        self.number = words[start]
        start += 1
        self.measures: list[Offsets] = []
        self.grids: list[tuple[int, int]] = []
        place = 1
        for measure in lane.measures:
            low = digits = 0
            if measure.summed:
                low, digits = words[start], words[start + 1]
                self.grids.append((low, digits))
                start += 2
            smallest = place + 1 + digits
            largest = smallest + measure.smallest
            self.measures.append(Offsets(place, digits, low, smallest, largest))
            place = largest + measure.largest
        self.stride, self.base = place, start
        self.end = start + self.number * place

    def first(self, tile: int) -> int | None:
        """The word where the first row at or after `tile` begins; None where there is none."""
        numbers = self.words[self.base : self.end : self.stride]
        at = bisect_left(cast("Sequence[int]", numbers), tile)
        return self.base + at * self.stride if at < self.number else None

    def matrix(self) -> Ints:
        return np.array(self.words[self.base : self.end], np.int64).reshape(self.number, self.stride)


class Window(NamedTuple):
    """One window of one lane at an instant: where its row of totals begins (None: no tile), and rows not in tiles."""

    tiles: Tiles
    row: int | None
    raw: Sequence[HeadRow]


class AggregateReader:
    """Answers of a packed state at any instant from its watermark on, in the order of the group's aggregates."""

    def __init__(self, layout: AggregateLayout) -> None:
        self.lanes = layout.lanes
        self.windows = tuple(dict.fromkeys((place.lane, place.aggregate.window_us) for place in layout.places))
        self.asked = [
            (self.windows.index((place.lane, place.aggregate.window_us)), ask_of(place, layout.lanes[place.lane]))
            for place in layout.places
        ]

    def read(self, packed: Packed | None, at: int) -> tuple[list[Any], list[str | None]]:
        """Values, and the cause of each that is null."""
        if packed is None:
            values: list[Any] = [0 if ask.function == "count" else None for _, ask in self.asked]
            return values, [None if value == 0 else "unknown_key" for value in values]
        tiles = body_lanes(packed.body, self.lanes)
        heads = head_lanes(packed.head, self.lanes) if packed.head else [()] * len(tiles)
        windows = [self._window(tiles[lane], heads[lane], lane, size, at) for lane, size in self.windows]
        values = [answer(windows[number], ask) for number, ask in self.asked]
        return values, [None if value is not None else "empty_window" for value in values]

    def _window(self, tiles: Tiles, head: Sequence[HeadRow], lane: int, window_us: int, at: int) -> Window:
        tail_us = self.lanes[lane].tail_us
        tile = (at - window_us) // tail_us
        start = tile * tail_us
        return Window(tiles, tiles.first(tile), [row for row in head if row[1] <= at and row[0] >= start])


class Ask(NamedTuple):
    """One aggregate, ready to be asked: its measure in the lane, and the place in a head's row (None: the row)."""

    function: str
    type: ColumnType
    measure: int
    floats: bool
    column: int | None


def ask_of(place: Place, lane: Lane) -> Ask:
    measure = lane.measures[place.measure]
    column = None if measure.column is None else 2 + 2 * columns_of(lane).index(measure)
    one = place.aggregate
    return Ask(one.function, one.type, place.measure, measure.type is ColumnType.FLOAT, column)


def answer(window: Window, ask: Ask) -> Any:
    """A count is never null; the others are over nothing, and where they overflow."""
    row, offsets = window.row, window.tiles.measures[ask.measure]
    count = 0 if row is None else window.tiles.words[row + offsets.count]
    if ask.column is None:
        return count + len(window.raw)
    numbers = raw_numbers(window.raw, ask.column, ask.floats) if window.raw else ()
    if ask.function == "count":
        return count + len(numbers)
    if ask.function in ("min", "max"):
        return best(window.tiles, row if count else None, numbers, ask)
    total = 0 if row is None else total_at(window.tiles.words, row + offsets.count + 1, offsets.digits)
    if numbers:
        return sum_or_mean(*with_numbers(total, offsets.low, numbers), count + len(numbers), ask)
    return sum_or_mean(total, offsets.low, count, ask) if count else None


def raw_numbers(raw: Sequence[HeadRow], column: int, floats: bool) -> Sequence[float | int]:
    words = [row[column + 1] for row in raw if row[column]]
    return [as_float(word) for word in words] if floats else words


def total_at(words: memoryview[int], place: int, digits: int) -> int:
    total = words[place]
    for digit in range(1, digits):
        total += words[place + digit] << (32 * digit)
    return total


def best(tiles: Tiles, row: int | None, numbers: Sequence[Any], ask: Ask) -> Any:
    offsets, found = tiles.measures[ask.measure], list(numbers)
    if row is not None:
        at = row + (offsets.smallest if ask.function == "min" else offsets.largest)
        found.append(tiles.floats[at] if ask.floats else tiles.words[at])
    return (min if ask.function == "min" else max)(found, default=None)


def with_numbers(total: int, low: int, numbers: Sequence[float | int]) -> tuple[int, int]:
    """`total` multiples of 2^(32 low) and further numbers, as multiples of a power that divides them all."""
    ratios = [number.as_integer_ratio() for number in numbers]
    finest = min(low, *(-((below.bit_length() + 30) // 32) for _, below in ratios))
    scaled = (above << (-32 * finest - below.bit_length() + 1) for above, below in ratios)
    return (total << (32 * (low - finest))) + sum(scaled), finest


def sum_or_mean(total: int, low: int, count: int, ask: Ask) -> float | int | None:
    if ask.type is ColumnType.INT:
        whole = total << (32 * low) if low >= 0 else total >> (-32 * low)
        return whole if -(2**63) <= whole < 2**63 else None
    value = to_float(total, low)
    return value / count if value is not None and ask.function == "mean" else value


def as_float(word: int) -> float:
    return cast(float, struct.unpack("d", struct.pack("q", word))[0])


def body_lanes(body: bytes, lanes: Iterable[Lane]) -> list[Tiles]:
    words, floats = memoryview(body).cast("q"), memoryview(body).cast("d")
    start, found = 0, []
    for lane in lanes:
        tiles = Tiles(words, floats, start, lane)
        found.append(tiles)
        start = tiles.end
    return found


def head_lanes(head: bytes, lanes: Iterable[Lane]) -> list[list[HeadRow]]:
    words = memoryview(head).cast("q")
    start, found = 0, []
    for lane in lanes:
        number, size = words[start], head_size(lane)
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


def pack_lane(words: Ints, grids: Iterable[tuple[int, int]]) -> bytes:
    header = (len(words), *(word for grid in grids for word in grid))
    return struct.pack(f"{len(header)}q", *header) + words.tobytes()


def merged(
    packed: Packed | None, layout: AggregateLayout, added: Mapping[int, Sequence[HeadRow]], watermark_us: int
) -> tuple[bytes | None, bytes]:
    """The state with further raw rows (by lane), as (body, or None where it stays; head). Long heads are folded."""
    heads = head_lanes(packed.head, layout.lanes) if packed is not None and packed.head else [[] for _ in layout.lanes]
    for number, rows in added.items():
        heads[number].extend(rows)
    if packed is not None and max(map(len, heads)) <= FOLD_ROWS:
        return None, pack_head(heads)
    body, later = b"", []
    tiles = [None] * len(heads) if packed is None else body_lanes(packed.body, layout.lanes)
    for lane, head, held in zip(layout.lanes, heads, tiles, strict=True):
        body += folded(held, [row for row in head if row[1] <= watermark_us], lane, watermark_us)
        later.append([row for row in head if row[1] > watermark_us])
    return body, pack_head(later)


def folded(tiles: Tiles | None, head: Sequence[HeadRow], lane: Lane, watermark_us: int) -> bytes:
    """One lane's tiles with these rows in them, without tiles that no window reaches any more."""
    records = head_records(head, lane)
    if tiles is not None and tiles.number:
        records = joined(records_of(tiles.matrix(), tiles.grids, lane), records)
    matrix = matrix_of(records, 1)
    oldest = (watermark_us - lane.horizon_us) // lane.tail_us
    return pack_lane(matrix.words[matrix.words[:, 0] >= oldest], matrix.grids)


def head_records(head: Sequence[HeadRow], lane: Lane) -> Records:
    words = np.array(head, np.int64).reshape(len(head), head_size(lane))
    columns, place = [], 2
    for measure in lane.measures:
        if measure.column is None:
            ones = np.ones(len(head), np.int64)
            columns.append(column_of(measure, ones > 0, ones))
            continue
        present, numbers = words[:, place] > 0, np.ascontiguousarray(words[:, place + 1])
        typed = numbers.view(np.float64) if measure.type is ColumnType.FLOAT else numbers
        columns.append(column_of(measure, present, typed))
        place += 2
    return Records(np.zeros(len(head), np.int64), words[:, 0] // lane.tail_us, tuple(columns))
