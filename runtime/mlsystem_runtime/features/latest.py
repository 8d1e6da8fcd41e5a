"""Latest known values, offline: which row answers at each (key, instant).

With e = max(time, available), the answer at q is the greatest (time, available, content hash) among the rows of the key
with e <= q: a running maximum of ranks in the order of e, then one binary search per example.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mlsystem_runtime.features.content import content_words
from mlsystem_runtime.features.keys import Ints
from mlsystem_runtime.features.rows import Rows, Timeline, chosen, usable

NO_ROW = -1


@dataclass(frozen=True)
class Arrivals:
    """Rows that can answer, in the order of (key, arrival): at each place its key, its arrival, and the `winner`, which
    of `rows` answers from then on. `rows` are rows of the table in the order of (key, rank)."""

    code: Ints
    instant: Ints
    winner: Ints
    rows: Ints
    timeline: Timeline


def arrivals(rows: Rows, columns: list[str], known_at_time: bool, revealed_us: int | None = None) -> Arrivals | None:
    """None where no row can answer. With `revealed_us`, only rows that are known by then."""
    knowable = rows.knowable(known_at_time)
    kept = usable(rows.codes, knowable, revealed_us)
    codes, time, available = chosen(kept, rows.codes, rows.time, knowable)
    if len(codes) == 0:
        return None
    timeline = Timeline(rows.index.count, codes, time)
    order = ranked(timeline, available, rows.table.select(columns), kept)
    winner, instant = np.arange(len(order)), time
    if available is not time and bool((available > time).any()):
        instant = np.maximum(time, available)
        timeline = Timeline(rows.index.count, codes, instant)
        winner = running_winners(order, timeline.order)
    by_arrival = timeline.order
    return Arrivals(codes[by_arrival], instant[by_arrival], winner, order if kept is None else kept[order], timeline)


def latest_rows(rows: Rows, columns: list[str], known_at_time: bool, codes: Ints, at: Ints, ttl_us: int | None) -> Ints:
    """For each (code, at) the row of `rows` that answers for `columns`, or NO_ROW.

    Ties of (time, available) go to the greater content hash of `columns`; a row known from its time on counts as
    available then. Rows expire when older than `ttl_us`.
    """
    found = arrivals(rows, columns, known_at_time)
    if found is None:
        return np.full(len(at), NO_ROW)
    place = found.timeline.upto(codes, at) - 1
    row = found.rows[found.winner[np.maximum(place, 0)]]
    answered = (place >= 0) & (rows.codes[row] == codes)
    if ttl_us is not None:
        answered &= rows.time[row] >= at - ttl_us
    return np.where(answered, row, NO_ROW)


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
    """For each place in the order of arrival, the best rank among the rows of its key that have arrived by then.

    Ranks grow with the code of the key, so a running maximum starts anew with every key.
    """
    rank = np.empty_like(by_rank)
    rank[by_rank] = np.arange(len(by_rank))
    best: Ints = np.maximum.accumulate(rank[by_arrival])
    return best
