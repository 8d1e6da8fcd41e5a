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
from typing import Any, cast

import numpy as np

from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.contract.features import Aggregate
from mlsystem_runtime.features.exact import to_float, to_scaled
from mlsystem_runtime.features.keys import Ints
from mlsystem_runtime.features.layout import AggregateLayout, Lane, Measure, Place
from mlsystem_runtime.features.store import Packed
from mlsystem_runtime.features.tiles import Records, column_of, joined, matrix_of, records_of

FOLD_ROWS = 64
FINEST_DIGIT = -34  # 2^(32 * -34) divides every float

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


@dataclass
class Window:
    """What one aggregate found: `total` counts multiples of 2^(32 low)."""

    count: int = 0
    total: int = 0
    low: int = 0
    best: Any = None


class AggregateReader:
    """Answers of a packed state at any instant from its watermark on, in the order of the group's aggregates."""

    def __init__(self, layout: AggregateLayout) -> None:
        self.layout = layout

    def read(self, packed: Packed | None, at: int) -> tuple[list[Any], list[str | None]]:
        """Values, and the cause of each that is null."""
        lanes = [] if packed is None else body_lanes(packed.body, self.layout.lanes)
        heads = head_lanes(packed.head, self.layout.lanes) if packed is not None and packed.head else None
        rows: dict[tuple[int, int], int | None] = {}
        values: list[Any] = []
        for place in self.layout.places:
            lane, window_us = self.layout.lanes[place.lane], place.aggregate.window_us
            start = (at - window_us) // lane.tail_us
            found = Window()
            if packed is not None:
                if (place.lane, window_us) not in rows:
                    rows[place.lane, window_us] = lanes[place.lane].first(start)
                add_tiles(found, lanes[place.lane], rows[place.lane, window_us], place, lane)
            if heads is not None:
                add_head(found, heads[place.lane], start * lane.tail_us, at, place, lane)
            values.append(answer(found, place.aggregate))
        cause = "unknown_key" if packed is None else "empty_window"
        return values, [cause if value is None else None for value in values]


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


def add_tiles(found: Window, tiles: Tiles, row: int | None, place: Place, lane: Lane) -> None:
    if row is None:
        return
    words, offsets = tiles.words, tiles.measures[place.measure]
    function = place.aggregate.function
    found.count = words[row + offsets.count]
    if function in ("sum", "mean"):
        found.low = offsets.low
        first = row + offsets.count + 1
        found.total = words[first]
        for digit in range(1, offsets.digits):
            found.total += words[first + digit] << (32 * digit)
    elif function in ("min", "max") and found.count:
        at = row + (offsets.smallest if function == "min" else offsets.largest)
        found.best = (tiles.floats if lane.measures[place.measure].type is ColumnType.FLOAT else words)[at]


def add_head(found: Window, head: Iterable[HeadRow], start_us: int, at: int, place: Place, lane: Lane) -> None:
    measure = lane.measures[place.measure]
    column = 2 if measure.column is None else 2 + 2 * columns_of(lane).index(measure)
    counted = [row for row in head if row[1] <= at and row[0] >= start_us and (measure.column is None or row[column])]
    found.count += len(counted)
    if not counted or measure.column is None or place.aggregate.function == "count":
        return
    numbers = [number(row[column + 1], measure) for row in counted]
    match place.aggregate.function:
        case "min":
            found.best = min(numbers) if found.best is None else min(found.best, *numbers)
        case "max":
            found.best = max(numbers) if found.best is None else max(found.best, *numbers)
        case _:
            low = FINEST_DIGIT if measure.type is ColumnType.FLOAT else found.low
            scaled = (to_scaled(one, low) if isinstance(one, float) else one for one in numbers)
            found.total = (found.total << (32 * (found.low - low))) + sum(scaled)
            found.low = low


def number(word: int, measure: Measure) -> float | int:
    if measure.type is ColumnType.FLOAT:
        return cast(float, struct.unpack("d", struct.pack("q", word))[0])
    return word


def answer(found: Window, aggregate: Aggregate) -> Any:
    if aggregate.function == "count":
        return found.count
    if found.count == 0:
        return None
    if aggregate.function in ("min", "max"):
        return found.best
    if aggregate.type is ColumnType.INT:
        return found.total if -(2**63) <= found.total < 2**63 else None
    total = to_float(found.total, found.low)
    return total / found.count if total is not None and aggregate.function == "mean" else total


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
