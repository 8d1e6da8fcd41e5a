"""Everything the server holds while it runs, put together from the contract; and what it does every second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.records import FEEDBACK, PREDICTIONS
from mlsystem_runtime.contract.release_store import FileReleaseStore, ReleaseStore
from mlsystem_runtime.contract.run import Clock, Endpoint, RunConfig
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.serve import counting
from mlsystem_runtime.serve.access_log import AccessLog
from mlsystem_runtime.serve.clock import EnvironmentClock, environment_clock
from mlsystem_runtime.serve.counting import DriftCounter, SliCounter
from mlsystem_runtime.serve.draining import Drain
from mlsystem_runtime.serve.feedback import Feedback
from mlsystem_runtime.serve.http import Request, Response
from mlsystem_runtime.serve.journal import Journals
from mlsystem_runtime.serve.metrics import Metrics
from mlsystem_runtime.serve.outcomes import Outcomes
from mlsystem_runtime.serve.predict import Predictor
from mlsystem_runtime.serve.prediction_log import PredictionLog
from mlsystem_runtime.serve.recording import Book, Recorder
from mlsystem_runtime.serve.scheduler import Scheduler
from mlsystem_runtime.serve.shadow import Shadow
from mlsystem_runtime.serve.shipping import Shipper, pod_name
from mlsystem_runtime.serve.slots import Fleet, State, alone
from mlsystem_runtime.serve.tracing import Tracing
from mlsystem_runtime.serve.versions import Board, LoadedVersion, LoadVersion
from mlsystem_runtime.serve.watcher import Watcher

FLUSH_SECONDS = 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Service:
    """One server: `predictors`, `sli` and `endpoints` speak of the same models. `unwritten` waits for the disk."""

    system: str
    kind: Clock
    clock: EnvironmentClock
    endpoints: tuple[Endpoint, ...]
    board: Board
    metrics: Metrics
    predictors: tuple[Predictor, ...]
    sli: dict[str, SliCounter]
    watcher: Watcher
    recorder: Recorder
    feedback: tuple[Feedback, ...]
    drain: Drain = field(default_factory=Drain)
    unwritten: counting.Files = field(default_factory=dict)
    flushing: asyncio.Lock = field(default_factory=asyncio.Lock)
    fleet: Fleet = field(default_factory=alone)
    access: AccessLog = field(default_factory=AccessLog)
    tracing: Tracing | None = None

    @property
    def waiting_for(self) -> list[str]:
        """Models that are not loaded yet, so that nothing answers for them here."""
        return [endpoint.model for endpoint in self.endpoints if endpoint.model not in self.board.models]

    @property
    def state(self) -> State:
        if self.drain.begun:
            return State.DRAINING
        return State.WAITING if self.waiting_for else State.READY

    def tell(self, request: Request, pattern: str, response: Response) -> None:
        """Logs and traces a request that was answered just now, whatever protocol it came by. `pattern`: its path, as
        far as that is ours."""
        self.access.add(request, pattern, response)
        if self.tracing is not None:
            self.tracing.add(request, pattern, response)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follows the release and flushes every second; on leaving, everything counted and logged is on disk."""
        work = (self.watcher.run(), regularly(self._flush_and_look), regularly(self._seal_when_due))
        tasks = [asyncio.create_task(one) for one in work]
        for task in tasks:
            task.add_done_callback(_report)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for predictor in self.predictors:
                if predictor.shadow is not None:
                    predictor.shadow.stop()
            try:
                await self.flush()
            finally:
                await asyncio.to_thread(self.access.write, self.access.take())
                if self.tracing is not None:
                    await asyncio.to_thread(self.tracing.close)
                await self.recorder.seal(self.clock.now_us())

    async def _flush_and_look(self) -> None:
        await asyncio.shield(self.flush())  # what was taken is written, even when the server stops just now
        await asyncio.to_thread(self.access.write, self.access.take())
        await asyncio.to_thread(self.clock.refresh)

    async def _seal_when_due(self) -> None:
        if self.recorder.due():
            await asyncio.shield(self.recorder.seal(self.clock.now_us()))

    async def flush(self) -> None:
        """Takes what waits, here, and writes it on another thread; requests go on meanwhile."""
        async with self.flushing:
            for predictor in self.predictors:
                self.unwritten.update(predictor.drift.take() | self.sli[predictor.endpoint.model].take())
            await asyncio.to_thread(self._write_counts)
            await self.recorder.flush(self.clock.now_us())

    def _write_counts(self) -> None:
        refused = counting.write(self.unwritten)
        for path in self.unwritten.keys() - set(refused):
            del self.unwritten[path]
        if refused:
            logger.error("%d files of counts could not be written, the first is %s", len(refused), refused[0])


async def regularly(work: Callable[[], Awaitable[None]]) -> None:
    """Every second, until cancelled. What a disk or a bucket refuses ends this time only."""
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        try:
            await work()
        except (OSError, MlsystemError):
            logger.exception("what is logged and counted could not all be kept; it is tried again")


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.error("a background task of the server ended", exc_info=task.exception())


def service_of(
    config: RunConfig, workspace: Workspace, load: LoadVersion, releases: ReleaseStore | None = None,
    fleet: Fleet | None = None,
) -> Service:
    """The server of `config` over `workspace`; `load` brings a version of a model into memory.

    `releases` None is the file of the workspace; `fleet` None is a worker that is alone.
    """
    fleet = fleet or alone()
    section = config.server
    process = counting.process_name() if workspace.bucket is None else f"{pod_name()}-{counting.process_name()}"
    metrics = Metrics((endpoint.slo for endpoint in section.endpoints), fleet)
    board = Board()
    metrics.follow(board)
    clock = environment_clock(section.clock, workspace)

    def counts(endpoint: Endpoint) -> Path:
        return workspace.path("counts", endpoint.model)

    def predictor(endpoint: Endpoint) -> Predictor:
        log = PredictionLog(workspace.path(PREDICTIONS, endpoint.model), endpoint.log_sample, process)
        drift = DriftCounter(counts(endpoint), endpoint.model, process)
        outcomes = Outcomes(endpoint.model, metrics, sli[endpoint.model])
        shadow = None if endpoint.shadow_cpu is None else Shadow(
            endpoint.model, endpoint.shadow_cpu / len(fleet.slots), metrics, scheduler.pressed)
        return Predictor(endpoint, board, section.clock, clock, metrics, outcomes, log, drift, scheduler, shadow)

    def told(endpoint: Endpoint) -> Feedback:
        journals = Journals(workspace.path(FEEDBACK, endpoint.model), process)
        return Feedback(endpoint, board, clock, Book(endpoint.model, journals, endpoint.log_retain_us, durably=True))

    def dropped(model: str, reason: str, records: int) -> None:
        metrics.log_dropped.labels(model, reason).inc(records)

    scheduler = Scheduler(metrics)
    sli = {one.model: SliCounter(counts(one), one.model, one.slo, process) for one in section.endpoints}
    models = tuple(one.model for one in section.endpoints)
    predictors = tuple(map(predictor, section.endpoints))
    feedback = tuple(map(told, section.endpoints))
    books = [Book(one.endpoint.model, one.log.journals, one.endpoint.log_retain_us) for one in predictors]
    books += [one.book for one in feedback]
    return Service(
        system=config.system, kind=section.clock, clock=clock, endpoints=section.endpoints, board=board,
        metrics=metrics, predictors=predictors, sli=sli,
        recorder=Recorder(books, shipper_of(section.endpoints, workspace), dropped), feedback=feedback,
        watcher=Watcher(
            releases or FileReleaseStore(workspace), models, sparing(load, workspace), board, metrics,
            frozenset(one.model for one in section.endpoints if one.shadow_cpu is not None)),
        fleet=fleet,
    )


def sparing(load: LoadVersion, workspace: Workspace) -> LoadVersion:
    """One version is loaded at a time: files of earlier ones, which are in memory, may go from this disk."""
    def loaded(model: str, number: int) -> LoadedVersion:
        version = load(model, number)
        workspace.storage.trim()
        return version

    return loaded


def shipper_of(endpoints: tuple[Endpoint, ...], workspace: Workspace) -> Shipper | None:
    """None for a local folder, where everything is in its place already."""
    retain = {one.model: timedelta(microseconds=one.log_retain_us) for one in endpoints}
    return None if workspace.bucket is None else Shipper(workspace, workspace.bucket, retain)
