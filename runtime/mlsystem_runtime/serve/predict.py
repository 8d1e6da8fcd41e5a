"""From the body of a request to its answer, for one endpoint. Reads from top to bottom; nothing here waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.release import choose
from mlsystem_runtime.contract.run import Clock, Endpoint
from mlsystem_runtime.serve.clock import EnvironmentClock
from mlsystem_runtime.serve.counting import DriftCounter
from mlsystem_runtime.serve.metrics import Metrics
from mlsystem_runtime.serve.prediction_log import Prediction, PredictionLog
from mlsystem_runtime.serve.refused import RefusedError
from mlsystem_runtime.serve.values import READERS, Body, Row, read_body, typed_row
from mlsystem_runtime.serve.versions import Assembled, Board, LoadedVersion, Released

STORE_UNREACHABLE = "store_unreachable"


@dataclass(frozen=True)
class Answer:
    """`version` is None where rows with different sticky units were answered by different versions."""

    predictions: tuple[Mapping[str, Any], ...]
    version: int | None


@dataclass(frozen=True)
class Scored:
    """One row on its way: the typed request, the model's inputs and what the model said of them, by output name."""

    request: Row
    assembled: Assembled
    outputs: Mapping[str, float]


class Predictor:
    """Answers for `endpoint` from what `board` holds at the moment of each request."""

    def __init__(
        self, endpoint: Endpoint, board: Board, kind: Clock, clock: EnvironmentClock, metrics: Metrics,
        log: PredictionLog, drift: DriftCounter,
    ) -> None:
        self.endpoint = endpoint
        self.board = board
        self.kind = kind
        self.clock = clock
        self.metrics = metrics
        self.log = log
        self.drift = drift
        self._rejects = {policy.group for policy in endpoint.groups if policy.on_failure == "reject"}

    def answer(self, data: bytes, request_id: str) -> Answer:
        """Raises RefusedError: 422 for what the client got wrong, 503 while nothing can answer."""
        released = self.released()
        body = read_body(data, frozenset(column.name for column in released.champion.card.contract.request))
        at_us = self.query_time(body)
        chosen = [self.choose(released, row, request_id) for row in body.rows]
        scored: dict[int, Scored] = {}
        for number in sorted(set(chosen)):
            rows = [index for index, version in enumerate(chosen) if version == number]
            scored.update(zip(rows, self.score(released.versions[number], body, rows, at_us), strict=True))
        for index, number in enumerate(chosen):
            self.record(released.versions[number], scored[index], at_us, request_id, index)
        return Answer(
            tuple({**prediction(released.versions[number].card, scored[index].outputs), "version": number}
                  for index, number in enumerate(chosen)),
            chosen[0] if len(set(chosen)) == 1 else None,
        )

    def released(self) -> Released:
        released = self.board.models.get(self.endpoint.model)
        if released is None:
            raise RefusedError(503, f"no version released yet of model '{self.endpoint.model}'")
        return released

    def query_time(self, body: Body) -> int:
        now_us = self.clock.now_us()
        if now_us is None:
            raise RefusedError(503, "no data ingested yet, so the data's clock does not run")
        if body.at_us is None:
            return now_us
        if self.kind == "wall":
            raise RefusedError(422, "'at' is not allowed where the environment runs on wall time", field="at")
        if body.at_us < now_us:
            raise RefusedError(422, f"'at' lies before the data's clock, which stands at {now_us}", field="at")
        return body.at_us

    def choose(self, released: Released, row: Mapping[str, Any], request_id: str) -> int:
        """Which version answers a row: by its sticky columns where the endpoint has some, else by the request id."""
        if not self.endpoint.sticky:
            return choose(released.release, request_id)
        return choose(released.release, sticky_unit(released.champion.card, self.endpoint.sticky, row))

    def score(self, version: LoadedVersion, body: Body, rows: Sequence[int], at_us: int) -> list[Scored]:
        """The rows with these numbers, typed by this version's contract, assembled and predicted in one batch."""
        contract = version.card.contract
        requests = [typed_row(contract.request, body.rows[row], row) for row in rows]
        assembled = [version.assembler.assemble(request, at_us) for request in requests]
        for one in assembled:
            self.refuse_unreachable(version, one)
        outputs = version.scorer.predict([[one.inputs[name.name] for name in contract.inputs] for one in assembled])
        named = [dict(zip(version.card.outputs, map(float, values), strict=True)) for values in outputs]
        return [Scored(*row) for row in zip(requests, assembled, named, strict=True)]

    def refuse_unreachable(self, version: LoadedVersion, assembled: Assembled) -> None:
        for name, cause in assembled.causes.items():
            group = version.groups.get(name.partition(".")[0])
            if cause == STORE_UNREACHABLE and group in self._rejects:
                raise RefusedError(503, f"the online store of feature group '{group}' is out of reach")

    def record(self, version: LoadedVersion, scored: Scored, at_us: int, request_id: str, row: int) -> None:
        model = self.endpoint.model
        self.metrics.predictions.labels(model, version.number).inc()
        for feature, cause in scored.assembled.causes.items():
            self.metrics.missing.labels(model, feature, cause).inc()
        self.drift.add(version, at_us, scored.assembled.inputs, scored.outputs)
        if self.log.samples(request_id) and not self.log.add(Prediction(
            at_us=at_us, request_id=request_id, row=row, model=model, version=version.number,
            request=scored.request, inputs=scored.assembled.inputs, outputs=scored.outputs,
        )):
            self.metrics.log_dropped.labels(model).inc()


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


def prediction(card: ModelCard, outputs: Mapping[str, float]) -> dict[str, Any]:
    """What a client reads of one row: `prediction`, and for a classifier how probable it is."""
    match card.task:
        case "binary_classification":
            probability = outputs[card.outputs[0]]
            return {"prediction": probability >= 0.5, "probability": probability}
        case "multiclass":
            best = max(card.outputs, key=lambda name: outputs[name])
            return {"prediction": best, "probability": outputs[best], "probabilities": dict(outputs)}
        case _:
            return {"prediction": outputs[card.outputs[0]]}
