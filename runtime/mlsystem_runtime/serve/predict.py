"""From the rows of a request to its answer, for one endpoint, whatever protocol they came by. Reads from top to bottom.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.records import Prediction
from mlsystem_runtime.contract.release import bucket, choose
from mlsystem_runtime.contract.run import Clock, Endpoint
from mlsystem_runtime.serve.call import PATIENCE_SECONDS, Call
from mlsystem_runtime.serve.clock import EnvironmentClock
from mlsystem_runtime.serve.counting import DriftCounter
from mlsystem_runtime.serve.metrics import Metrics
from mlsystem_runtime.serve.outcomes import Outcomes
from mlsystem_runtime.serve.prediction_log import PredictionLog
from mlsystem_runtime.serve.predictions import prediction
from mlsystem_runtime.serve.refused import DepartedError, RefusedError
from mlsystem_runtime.serve.scheduler import Scheduler
from mlsystem_runtime.serve.shadow import Shadow, Trial
from mlsystem_runtime.serve.values import READERS, Row, read_body, typed_row
from mlsystem_runtime.serve.versions import Assembled, Board, LoadedVersion, Released
from mlsystem_runtime.serve.work import Result, Scored, Work

STORE_UNREACHABLE = "store_unreachable"

Written = TypeVar("Written")


class Answer(msgspec.Struct, frozen=True):
    """`version` is None where rows with different sticky units were answered by different versions; `versions` has one
    for each row, as `predictions` and `outputs` have. `card` is the champion's, or that of the only version."""

    version: int | None
    card: ModelCard
    versions: tuple[int, ...]
    outputs: tuple[Mapping[str, float], ...]
    predictions: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Predictor:
    """Answers for `endpoint` from what `board` holds at the moment of each request.

    Both ways to ask raise RefusedError (422 for what the client got wrong, 404 for a version that is not loaded, 503
    and 504 where no answer can be had in time) and DepartedError, and count how the request ended.
    """

    endpoint: Endpoint
    board: Board
    kind: Clock
    clock: EnvironmentClock
    metrics: Metrics
    outcomes: Outcomes
    log: PredictionLog
    drift: DriftCounter
    scheduler: Scheduler
    shadow: Shadow | None = None

    def budget(self) -> float:
        """Seconds within which the SLO wants an answer."""
        latency_us = self.endpoint.slo.latency_us
        return PATIENCE_SECONDS if latency_us is None else latency_us / 1e6

    def begin(self, data: bytes, call: Call, write: Callable[[Answer], Written]) -> asyncio.Future[Written] | None:
        """As `answer_body` in the common case, without a coroutine: one version answers all rows, and nothing stands
        beside them. The future is given what `write` makes of the answer. None in any other case."""
        released = self.board.models.get(self.endpoint.model)
        if released is None or call.version is not None or len(released.release.shares) > 1:
            return None
        rows = released.champion.decoder.decode(data)
        if rows is None:
            return None
        self.outcomes.in_flight.inc()
        try:
            promise = Promise(self, released, Work(call, released.champion, rows, self.query_time(None)), write)
            self.outcomes.offered(len(rows))
            self.scheduler.add(promise.work)
        except RefusedError as refused:
            self.outcomes.in_flight.dec()
            self.outcomes.refused(refused)
            raise
        return promise.future

    async def answer_body(self, data: bytes, call: Call) -> Answer:
        """`data` is JSON: one row, or `{"rows": [...]}`."""
        return await self._counted(self._answer_body(data, call), call)

    async def answer_rows(self, rows: Sequence[Mapping[str, Any]], at_us: int | None, call: Call) -> Answer:
        """Values are as JSON would give them; `at_us` None is now."""
        return await self._counted(self._answer_rows(rows, at_us, call), call)

    async def _counted(self, answering: Coroutine[Any, Any, Answer], call: Call) -> Answer:
        self.outcomes.in_flight.inc()
        try:
            answer = await answering
        except (Exception, asyncio.CancelledError) as error:
            self.unanswered(error, call)
            raise
        finally:
            self.outcomes.in_flight.dec()
        self.outcomes.answered(answer.version, call)
        return answer

    def unanswered(self, error: BaseException, call: Call) -> None:
        """Counts a request that gets no prediction."""
        match error:
            case RefusedError():
                self.outcomes.refused(error)
            case DepartedError() | asyncio.CancelledError():
                call.cancelled = True
                self.outcomes.cancelled()
            case _:
                self.outcomes.failed()

    async def _answer_body(self, data: bytes, call: Call) -> Answer:
        released = self.released()
        body = read_body(data, frozenset(column.name for column in released.champion.card.contract.request))
        return await self._answer_rows(body.rows, body.at_us, call)

    async def _answer_rows(self, rows: Sequence[Mapping[str, Any]], at_us: int | None, call: Call) -> Answer:
        released = self.released()
        asked_us = self.query_time(at_us)
        chosen = [self.choose(released, row, call) for row in rows]
        places: dict[int, list[int]] = {}
        for place, number in enumerate(chosen):
            places.setdefault(number, []).append(place)
        typed = {
            number: [typed_row(released.versions[number].card.contract.request, rows[place], place) for place in held]
            for number, held in places.items()
        }
        if len(places) == 1:
            version = released.versions[chosen[0]]
            alike = await self.score(released, version, typed[version.number], asked_us, call)
            return answer_of(version.card, (version,) * len(rows), alike)
        results = await asyncio.gather(*(
            self.score(released, released.versions[number], typed[number], asked_us, call, held)
            for number, held in places.items()
        ))
        scored = dict(zip((place for held in places.values() for place in held),
                          (one for result in results for one in result), strict=True))
        versions = tuple(released.versions[number] for number in chosen)
        return answer_of(released.champion.card, versions, [scored[place] for place in range(len(rows))])

    def released(self) -> Released:
        released = self.board.models.get(self.endpoint.model)
        if released is None:
            raise RefusedError(503, f"no version released yet of model '{self.endpoint.model}'", reason="model")
        return released

    def query_time(self, at_us: int | None) -> int:
        now_us = self.clock.now_us()
        if now_us is None:
            raise RefusedError(503, "no data ingested yet, so the data's clock does not run", reason="model")
        if at_us is None:
            return now_us
        if self.kind == "wall":
            raise RefusedError(422, "'at' is not allowed where the environment runs on wall time", field="at")
        if at_us < now_us:
            raise RefusedError(422, f"'at' lies before the data's clock, which stands at {now_us}", field="at")
        return at_us

    def choose(self, released: Released, row: Mapping[str, Any], call: Call) -> int:
        """Which version answers a row: the one asked for, else that of its unit."""
        if call.version is None:
            return choose(released.release, self.unit(released, row, call))
        if call.version not in released.versions:
            raise RefusedError(404, f"version {call.version} of '{self.endpoint.model}' is not loaded")
        return call.version

    def unit(self, released: Released, row: Mapping[str, Any], call: Call) -> str:
        """What a row belongs to: its sticky columns where the endpoint has some, else the request."""
        if not self.endpoint.sticky:
            return call.request_id
        return sticky_unit(released.champion.card, self.endpoint.sticky, row)

    async def score(
        self, released: Released, version: LoadedVersion, rows: Sequence[Row], at_us: int, call: Call,
        places: Sequence[int] | None = None,
    ) -> list[Scored]:
        """Computed in one batch, perhaps with rows of other calls, and recorded. `places`: which rows of the call."""
        self.outcomes.offered(len(rows))
        work = Work(call, version, rows, at_us)
        scored = await self.scheduler.run(work)
        self.record(released, work, scored, range(len(rows)) if places is None else places)
        return scored

    def record(self, released: Released, work: Work, scored: Sequence[Scored], places: Sequence[int]) -> None:
        """Counts and logs what was computed, but raises RefusedError where it must not be answered."""
        version, at_us = work.version, work.at_us
        for one in scored:
            if one.assembled.causes:
                self.refuse_unreachable(version, one.assembled)
        self.count(version, scored, at_us)
        if released.shadow is not None and self.shadow is not None:
            self.shadow.offer(Trial(released.shadow, version, at_us, scored))
        if self.log.samples(work.call.request_id):
            for place, one in zip(places, scored, strict=True):
                self.log_row(released, version, one, at_us, work.call, place)

    def refuse_unreachable(self, version: LoadedVersion, assembled: Assembled) -> None:
        for name, cause in assembled.causes.items():
            group = version.groups.get(name.partition(".")[0])
            if cause == STORE_UNREACHABLE and group is not None and self._rejects(group):
                raise RefusedError(503, f"the online store of feature group '{group}' is out of reach", reason="model")

    def _rejects(self, group: str) -> bool:
        return any(policy.group == group and policy.on_failure == "reject" for policy in self.endpoint.groups)

    def count(self, version: LoadedVersion, scored: Sequence[Scored], at_us: int) -> None:
        model = self.endpoint.model
        self.metrics.predictions.labels(model, version.number).inc(len(scored))
        for one in scored:
            for feature, cause in one.assembled.causes.items():
                self.metrics.missing.labels(model, feature, cause).inc()
        self.drift.add_rows(
            version, at_us, [one.assembled.inputs for one in scored], [one.outputs for one in scored])

    def log_row(
        self, released: Released, version: LoadedVersion, scored: Scored, at_us: int, call: Call, place: int
    ) -> None:
        kept = self.log.add(version.card, Prediction(
            at_us=at_us, request_id=call.request_id, row=place, model=self.endpoint.model, version=version.number,
            release_serial=released.serial, shares=released.shares_text if call.version is None else "",
            bucket=bucket(released.release.salt, self.unit(released, scored.request, call)),
            request=scored.request, inputs=scored.assembled.inputs, outputs=scored.outputs,
        ))
        if not kept:
            self.metrics.log_dropped.labels(self.endpoint.model, "waiting").inc()


class Promise(Generic[Written]):
    """The answer to rows that wait: what `write` makes of it is given to `future`."""

    __slots__ = ("_predictor", "_released", "_write", "future", "work")

    def __init__(
        self, predictor: Predictor, released: Released, work: Work, write: Callable[[Answer], Written]
    ) -> None:
        self._predictor = predictor
        self._released = released
        self._write = write
        self.work = work
        self.future: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        work.done, work.abandoned = self._done, self.future.cancelled

    def _done(self, result: Result) -> None:
        predictor, work, future = self._predictor, self.work, self.future
        predictor.outcomes.in_flight.dec()
        if future.cancelled():
            predictor.unanswered(asyncio.CancelledError(), work.call)
            return
        try:
            written = self._write(self._answer(result))
        except Exception as error:  # noqa: BLE001 - who awaits it is told
            predictor.unanswered(error, work.call)
            future.set_exception(error)
        else:
            predictor.outcomes.answered(work.version.number, work.call)
            future.set_result(written)

    def _answer(self, result: Result) -> Answer:
        if isinstance(result, Exception):
            raise result
        self._predictor.record(self._released, self.work, result, range(len(result)))
        return answer_of(self.work.version.card, (self.work.version,) * len(result), result)


def answer_of(card: ModelCard, versions: Sequence[LoadedVersion], scored: Sequence[Scored]) -> Answer:
    numbers = tuple([version.number for version in versions])
    return Answer(
        numbers[0] if numbers.count(numbers[0]) == len(numbers) else None, card, numbers,
        tuple([one.outputs for one in scored]), tuple(map(predicted, versions, scored)),
    )


def predicted(version: LoadedVersion, scored: Scored) -> dict[str, Any]:
    said = prediction(version.card, scored.outputs)
    said["version"] = version.number
    return said


def sticky_unit(card: ModelCard, sticky: Sequence[str], row: Mapping[str, Any]) -> str:
    """The canonical text of the sticky columns, so that 1 and 1.0 of one float column are one unit.

    A value that is not of its column's type counts as null: the row is refused later, by whichever version.
    """
    types = {column.name: column.type for column in card.contract.request}
    return canonical_json([_canonical(types.get(name), row.get(name)) for name in sticky]).decode()


def _canonical(kind: ColumnType | None, raw: Any) -> Any:
    if kind is None or raw is None:
        return None
    try:
        return READERS[kind](raw)
    except ValueError:
        return None
