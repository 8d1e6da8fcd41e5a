"""The states of all entities of an aggregate group at once, from the source's rows; and one with further rows in it."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.features.keys import Ints
from mlsystem_runtime.features.layout import AggregateLayout, Lane
from mlsystem_runtime.features.packed_aggregate import (
    HeadRow,
    LaneFormat,
    Tiles,
    columns_of,
    head_lanes,
    head_size,
    pack_head,
)
from mlsystem_runtime.features.rows import NEVER, Rows
from mlsystem_runtime.features.store import Packed
from mlsystem_runtime.features.tiles import Matrix, Records, column_of, joined, matrix_of, records_of
from mlsystem_runtime.features.windows import values_of

FOLD_ROWS = 64


@dataclass(frozen=True)
class LaneStates:
    """One lane of every entity: its tiles, and by code the rows that enter after the watermark."""

    matrix: Matrix
    later: Mapping[int, list[HeadRow]]

    def tiles(self, code: int) -> bytes:
        start, end = self.matrix.starts[code], self.matrix.starts[code + 1]
        return pack_lane(self.matrix.words[start:end], self.matrix.grids)


def states(
    rows: Rows, layout: AggregateLayout, watermark_us: int, revealed_us: int | None
) -> Iterator[tuple[int, Packed]]:
    """(code, state) of each key with rows."""
    lanes = [lane_states(rows, lane, watermark_us, revealed_us) for lane in layout.lanes]
    for code in np.unique(rows.codes[rows.codes >= 0]).tolist():
        body = b"".join(lane.tiles(code) for lane in lanes)
        yield code, Packed(body, pack_head([lane.later.get(code, []) for lane in lanes]))


def lane_states(rows: Rows, lane: Lane, watermark_us: int, revealed_us: int | None) -> LaneStates:
    knowable = rows.knowable(lane.at_time)
    last = NEVER - 1 if revealed_us is None else revealed_us
    tile, enter = rows.time // lane.tail_us, np.maximum(knowable, rows.time + 1)
    kept = (rows.codes >= 0) & (knowable <= last) & (tile >= (watermark_us - lane.horizon_us) // lane.tail_us)
    now = np.flatnonzero(kept & (enter <= watermark_us))
    later = np.flatnonzero(kept & (enter > watermark_us))
    matrix = matrix_of(records_of_rows(rows, lane, now), rows.index.count)
    waiting: defaultdict[int, list[HeadRow]] = defaultdict(list)
    for code, row in zip(rows.codes[later].tolist(), head_words(rows, lane, later).tolist(), strict=True):
        waiting[code].append(tuple(row))
    return LaneStates(matrix, waiting)


def records_of_rows(rows: Rows, lane: Lane, chosen: Ints) -> Records:
    columns = []
    for measure in lane.measures:
        if measure.column is None:
            ones = np.ones(len(chosen), np.int64)
            columns.append(column_of(measure, ones > 0, ones))
        else:
            values = values_of(rows.table[measure.column], chosen)
            columns.append(column_of(measure, values.present, values.numbers))
    return Records(rows.codes[chosen], rows.time[chosen] // lane.tail_us, tuple(columns))


def head_words(rows: Rows, lane: Lane, chosen: Ints) -> Ints:
    """The raw rows of a head, as words: time, enter, then (present, value) for each column of the lane."""
    time = rows.time[chosen]
    words = [time, np.maximum(rows.knowable(lane.at_time)[chosen], time + 1)]
    for measure in columns_of(lane):
        assert measure.column is not None, "the rows themselves are not a column"
        values = values_of(rows.table[measure.column], chosen)
        words += [values.present.astype(np.int64), values.numbers.view(np.int64)]
    return np.stack(words, axis=1)


def pack_lane(words: Ints, grids: Iterable[tuple[int, int]]) -> bytes:
    header = (len(words), *(word for grid in grids for word in grid))
    return struct.pack(f"{len(header)}q", *header) + words.tobytes()


def merged(
    packed: Packed | None, layout: AggregateLayout, added: Mapping[int, Sequence[HeadRow]], watermark_us: int
) -> tuple[bytes | None, bytes]:
    """The state with further raw rows (by lane), as (body, or None where it stays; head). Long heads are folded."""
    formats = [LaneFormat(lane) for lane in layout.lanes]
    heads = head_lanes(packed.head, formats) if packed is not None and packed.head else [[] for _ in formats]
    for number, rows in added.items():
        heads[number].extend(rows)
    if packed is not None and max(map(len, heads)) <= FOLD_ROWS:
        return None, pack_head(heads)
    body, later, start = b"", [], 0
    for form, head in zip(formats, heads, strict=True):
        records = head_records([row for row in head if row[1] <= watermark_us], form.lane)
        if packed is not None:
            tiles = form.tiles(packed.body, start)
            start = tiles.end
            records = joined(records_in(packed.body, tiles, form.lane), records) if tiles.number else records
        body += pack_records(records, form.lane, watermark_us)
        later.append([row for row in head if row[1] > watermark_us])
    return body, pack_head(later)


def records_in(body: bytes, tiles: Tiles, lane: Lane) -> Records:
    words = np.frombuffer(body, np.int64)[tiles.base : tiles.end].reshape(tiles.number, tiles.shape.stride)
    return records_of(words, tiles.shape.grids, lane)


def pack_records(records: Records, lane: Lane, watermark_us: int) -> bytes:
    """Without tiles that no window reaches any more."""
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
