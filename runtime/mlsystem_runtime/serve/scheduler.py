"""When what is computed: at once while there is room, otherwise everything that arrived while the last batch ran.

Nothing is ever held back to make a batch larger. Under load batches grow by themselves, because more arrives while one
is computed; without load a wait would buy nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from mlsystem_runtime.serve.admission import Queue, admit
from mlsystem_runtime.serve.metrics import Metrics
from mlsystem_runtime.serve.refused import DepartedError, RefusedError
from mlsystem_runtime.serve.versions import LoadedVersion
from mlsystem_runtime.serve.work import Result, Scored, Work, compute

INLINE_SECONDS = 300e-6        # so long a row may take: on a thread, small operations would fight the loop for the GIL
INLINE_BATCH_SECONDS = 0.002   # for so long the loop may answer nobody, not even a probe
PRESSED_SHARE, PRESSED_SECONDS = 0.25, 5.0
BETWEEN_WEIGHT = 0.05  # of one time between two batches; about the last twenty count
LONGEST_BETWEEN = 0.01


class Scheduler:
    """One per process: all models share its time. Used on the loop only; a slow batch is computed on one thread."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._queue = Queue()
        self._due = False
        self._computing = False
        self._free_at = 0.0
        self._ended: float | None = None  # when the last batch was computed; None where nothing waited then
        self._pressed_at = -PRESSED_SECONDS
        self._thread = ThreadPoolExecutor(1, "compute")

    def pressed(self) -> bool:
        """A request was refused, or waited for a good part of its time, a moment ago. Safe to ask on any thread."""
        return time.monotonic() - self._pressed_at < PRESSED_SECONDS

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def run(self, work: Work) -> list[Scored]:
        """As `add`, for who awaits. Raises what `work.done` would be given."""
        future: asyncio.Future[list[Scored]] = asyncio.get_running_loop().create_future()
        work.done, work.abandoned = partial(settle, future), future.cancelled
        self.add(work)
        return await future

    def add(self, work: Work) -> None:
        """It ends once it is computed, or given up: 504. Raises RefusedError, 503 or 504, where it cannot be answered
        in time."""
        now = time.monotonic()
        try:
            admit(work, self._queue, self._busy(now), now)
        except RefusedError:
            self._pressed_at = now
            raise
        self._queue.add(work)
        self._metrics.queue_rows.labels(work.model).inc(work.size)
        if self._computing:
            work.late = asyncio.get_running_loop().call_later(work.call.deadline - now, expire, work)
        else:
            self._turn_soon()

    def _busy(self, now: float) -> float:
        """Seconds until the batch under way is computed. One that takes longer than expected ends at any moment: a
        pause of the machine refuses nobody, and what is slow for good is learned when it ends."""
        return max(0.0, self._free_at - now) if self._computing else 0.0

    def _turn_soon(self) -> None:
        """After the requests that arrived in the same turn of the loop: they make one batch."""
        if not self._due and not self._computing:
            self._due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._due = False
        if self._computing:
            return
        now = time.monotonic()
        batch, unwanted = self._queue.take(now)
        for work in unwanted:
            self._metrics.queue_rows.labels(work.model).dec(work.size)
            give_up(work)
        if batch:
            self._begin(batch, now)
        elif len(self._queue):  # nobody wanted what could be in time: what is late comes next
            self._turn_soon()
        else:
            self._ended = None  # nobody waits any more: until the next request comes the server is idle

    def _begin(self, batch: Sequence[Work], now: float) -> None:
        model, rows = batch[0].model, sum(work.size for work in batch)
        waited = self._metrics.queue_seconds.labels(model)
        for work in batch:
            work.call.taken = now
            waited.observe(now - work.came)
            if now - work.came > PRESSED_SHARE * (work.call.due - work.came):
                self._pressed_at = now
        self._metrics.queue_rows.labels(model).dec(rows)
        self._metrics.batch_rows.labels(model).observe(rows)
        if on_the_loop(batch[0].version, rows):
            self._ends(batch, rows, computed(batch))
        else:
            self._computing, self._free_at = True, now + batch[0].version.service_time.seconds(rows)
            self._thread.submit(self._compute, batch, rows, asyncio.get_running_loop())

    def _compute(self, batch: Sequence[Work], rows: int, loop: asyncio.AbstractEventLoop) -> None:
        """On the thread. The loop is told directly: through a future it would hear of it two turns later."""
        try:
            done = computed(batch)
        except BaseException as error:  # noqa: BLE001 - such as a panic of native code: the thread must not be lost
            now, failed = time.monotonic(), RuntimeError(f"the model ended its thread: {error!r}")
            done = Computed([failed] * len(batch), now, now)
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it all who waited
            loop.call_soon_threadsafe(self._ends, batch, rows, done)

    def _ends(self, batch: Sequence[Work], rows: int, done: Computed) -> None:
        """A thread goes on with the next batch while this one is answered."""
        self._learn(batch[0], rows, done)
        if self._computing:
            self._computing = False
            self._turn()
        elif len(self._queue):
            self._turn_soon()
        for work, result in zip(batch, done.results, strict=True):
            work.end(result)

    def _learn(self, work: Work, rows: int, done: Computed) -> None:
        if self._ended is not None:
            between = min(done.began - self._ended, LONGEST_BETWEEN)  # beyond that the machine paused
            self._queue.between += BETWEEN_WEIGHT * (between - self._queue.between)
        self._ended = done.ended if len(self._queue) else None
        service_time = work.version.service_time
        service_time.observe(rows, done.ended - done.began)
        self._metrics.service_time.labels(work.model, "a").set(service_time.a)
        self._metrics.service_time.labels(work.model, "b").set(service_time.b)


def on_the_loop(version: LoadedVersion, rows: int) -> bool:
    """By what the version took alone, too: beside a busy loop the thread takes much longer for the same work, and by
    that measure alone it would stay the choice for ever."""
    return not version.assembler.waits and any(
        time.seconds(1) <= INLINE_SECONDS and time.seconds(rows) <= INLINE_BATCH_SECONDS
        for time in (version.service_time, version.warmed)
    )


class Computed(NamedTuple):
    """A batch's results, and when the first and the last of the work was done."""

    results: list[Result]
    began: float
    ended: float


def computed(batch: Sequence[Work]) -> Computed:
    began = time.monotonic()
    return Computed(compute(batch), began, time.monotonic())


def expire(work: Work) -> None:
    """Where it still waits. What is being computed is answered, late as it is."""
    if not work.call.taken:
        give_up(work)


def give_up(work: Work) -> None:
    late = RefusedError(504, "the time for an answer passed while the request waited", reason="deadline")
    work.end(DepartedError() if work.call.gone() else late)


def settle(future: asyncio.Future[list[Scored]], result: Result) -> None:
    if future.done():  # nobody waits for it any more
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
