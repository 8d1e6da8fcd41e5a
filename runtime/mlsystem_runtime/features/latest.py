"""Latest known values, offline: which row answers at each (key, instant).

With e = max(time, available), the answer at q is the greatest (time, available, content hash) among the rows of the key
with e <= q: a running maximum of ranks in the order of e, then one binary search per example.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from mlsystem_runtime.features.content import content_words
from mlsystem_runtime.features.keys import Ints
from mlsystem_runtime.features.rows import Rows, Timeline, chosen, usable

NO_ROW = -1


def latest_rows(rows: Rows, columns: list[str], known_at_time: bool, codes: Ints, at: Ints, ttl_us: int | None) -> Ints:
    """For each (code, at) the row of `rows` that answers for `columns`, or NO_ROW.

    Ties of (time, available) go to the greater content hash of `columns`; a row known from its time on counts as
    available then. Rows expire when older than `ttl_us`.
    """
    knowable = rows.knowable(known_at_time)
    kept = usable(rows.codes, knowable)
    row_codes, time, available = chosen(kept, rows.codes, rows.time, knowable)
    if len(row_codes) == 0:
        return np.full(len(at), NO_ROW)
    timeline = Timeline(rows.index.count, row_codes, time)
    winners = ranked(timeline, available, rows.table.select(columns), kept)
    if available is not time and bool((available > time).any()):
        timeline = Timeline(rows.index.count, row_codes, np.maximum(time, available))
        winners = running_winners(winners, timeline.order)

    position = timeline.upto(codes, at) - 1
    row = winners[np.maximum(position, 0)]
    found = (position >= 0) & (row_codes[row] == codes)
    if ttl_us is not None:
        found &= time[row] >= at - ttl_us
    return np.where(found, row if kept is None else kept[row], NO_ROW)


def ranked(by_time: Timeline, available: Ints, table: pa.Table, kept: Ints | None) -> Ints:
    """The rows by (code, time, available, content hash)."""
    same = by_time.sorted[1:] == by_time.sorted[:-1]
    if not same.any():
        return by_time.order
    tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
    rows = by_time.order[tied]
    content = content_words(table, rows if kept is None else kept[rows])
    order = by_time.order.copy()
    order[tied] = rows[np.lexsort((content, available[rows], by_time.sorted[tied]))]
    return order


def running_winners(by_rank: Ints, by_arrival: Ints) -> Ints:
    """For each place in the order of arrival, the best-ranked row of its key that has arrived by then.

    Ranks grow with the code of the key, so a running maximum starts anew with every key.
    """
    rank = np.empty_like(by_rank)
    rank[by_rank] = np.arange(len(by_rank))
    return by_rank[np.maximum.accumulate(rank[by_arrival])]
