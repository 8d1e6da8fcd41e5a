"""The states of all entities of an aggregate group at once, from the source's rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mlsystem_runtime.features.keys import Ints
from mlsystem_runtime.features.layout import AggregateLayout, Lane
from mlsystem_runtime.features.packed_aggregate import HeadRow, columns_of, pack_head, pack_lane
from mlsystem_runtime.features.rows import NEVER, Rows
from mlsystem_runtime.features.store import Packed
from mlsystem_runtime.features.tiles import Matrix, Records, column_of, matrix_of
from mlsystem_runtime.features.windows import values_of


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
