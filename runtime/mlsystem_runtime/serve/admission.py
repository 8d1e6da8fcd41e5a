"""Which requests are let in: those that can be answered in time, as far as the measured service times say."""

from __future__ import annotations

import math
from bisect import insort_right
from collections.abc import Sequence
from operator import attrgetter

from mlsystem_runtime.serve.refused import RefusedError
from mlsystem_runtime.serve.service_time import MOST_ROWS
from mlsystem_runtime.serve.versions import LoadedVersion
from mlsystem_runtime.serve.work import Work

MARGIN = 0.15         # of the time that is left: what the estimate may be wrong by, and the way back to the client
LARGEST_SHARE = 0.5   # of a request's time may go into one batch; the rest is for waiting until the last one is done
LEAST_SHARE = 0.05    # of a request's time; a queue that needs less, row by row, is not estimated any better
WORTHWHILE = 0.1      # a batch grows until what it costs by itself is this share of what its rows cost


class Queue:
    """Work in the order in which it is due, earliest first; equal ones as they came.

    What is late already comes after all that can still be in time: it would only make that late too. `between` are the
    seconds from the end of one batch to the beginning of the next, when work waits: nothing of it is service time.
    """

    def __init__(self) -> None:
        self.between = 0.0
        self._waiting: list[Work] = []
        self._late: list[Work] = []
        self._rows: dict[int, tuple[LoadedVersion, int]] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self._late)

    def add(self, work: Work) -> None:
        if not self._waiting or self._waiting[-1].call.due <= work.call.due:  # as nearly always
            self._waiting.append(work)
        else:
            insort_right(self._waiting, work, key=attrgetter("call.due"))
        self._count(work, work.size)

    def seconds(self, more: Work, budget: float) -> float:
        """Until all is computed that can be in time, and `more` with it, which has `budget` seconds."""
        held = self._rows.get(id(more.version), (more.version, 0))[1]
        total = seconds_of(more.version, held + more.size, budget, self.between)
        if len(self._rows) > (held > 0):
            total += sum(seconds_of(version, rows, budget, self.between) for version, rows in self._rows.values()
                         if version is not more.version)
        return total

    def take(self, now: float) -> tuple[list[Work], list[Work]]:
        """The next batch, of one version, and what nobody wants any more."""
        self._set_late_aside(now)
        if self._waiting:
            batch, unwanted, self._waiting = batch_of(self._waiting, now)
            for work in (*batch, *unwanted):
                self._count(work, -work.size)
        else:
            batch, unwanted, self._late = batch_of(self._late, now)
        return batch, unwanted

    def _set_late_aside(self, now: float) -> None:
        late = 0
        while late < len(self._waiting) and self._waiting[late].call.due <= now:
            self._count(self._waiting[late], -self._waiting[late].size)
            late += 1
        self._late += self._waiting[:late]
        del self._waiting[:late]

    def _count(self, work: Work, rows: int) -> None:
        key = id(work.version)
        total = self._rows.get(key, (work.version, 0))[1] + rows
        if total:
            self._rows[key] = (work.version, total)
        else:
            del self._rows[key]


def batch_of(waiting: Sequence[Work], now: float) -> tuple[list[Work], list[Work], list[Work]]:
    """(batch, unwanted, rest): the first that is wanted, and with it what follows and is of the same version."""
    batch: list[Work] = []
    unwanted: list[Work] = []
    rest: list[Work] = []
    rows = most = 0
    for place, work in enumerate(waiting):
        if work.unwanted(now):
            unwanted.append(work)
        elif not batch:
            budget = work.call.due - now
            batch, rows, most = [work], work.size, batch_rows(work.version, budget if budget > 0.0 else math.inf)
        elif work.version is batch[0].version and rows + work.size <= most:
            batch.append(work)
            rows += work.size
        else:
            rest.append(work)
        if batch and rows >= most:
            rest.extend(waiting[place + 1 :])
            break
    return batch, unwanted, rest


def batch_rows(version: LoadedVersion, budget: float) -> int:
    """The largest batch of `version` for requests that have `budget` seconds. A larger one would save next to nothing,
    and its first row would wait for its last."""
    time = version.service_time
    worthwhile = MOST_ROWS if time.a <= 0.0 else math.ceil(min(time.b / (WORTHWHILE * time.a), MOST_ROWS)) + 1
    return min(worthwhile, time.rows_within(LARGEST_SHARE * budget))


def seconds_of(version: LoadedVersion, rows: int, budget: float, between: float) -> float:
    """To compute that many rows in the batches that they will come in: n/N batches of N rows."""
    time = version.service_time
    alone = (time.a + time.b + between) * rows
    if alone < budget * LEAST_SHARE:
        return alone
    return time.a * rows + (time.b + between) * -(-rows // batch_rows(version, budget))


def admit(work: Work, queue: Queue, busy: float, now: float) -> None:
    """Raises RefusedError: 503 where the answer would come too late. `busy`: seconds that the batch under way needs.

    A server that has nothing to do tries every request: a wrong estimate would otherwise never be corrected.
    """
    if now >= work.call.deadline:
        raise RefusedError(504, "the time for an answer had passed when the request was read", reason="deadline")
    if not len(queue) and busy <= 0.0:
        return
    budget = work.call.due - now
    finished, room = busy + queue.seconds(work, budget), budget * (1.0 - MARGIN)
    if finished > room:
        raise RefusedError(
            503, f"{len(queue)} requests wait already; this one could not be answered in time",
            retry_after=finished - room, reason="admission",
        )
