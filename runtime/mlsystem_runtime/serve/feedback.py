"""What came of predictions, as clients tell it later: `POST /feedback`, beside each route of a model.

It is acknowledged when it is on the disk. Told again, it counts once, and what was told last counts (`reading.joined`).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlsystem_runtime.contract.model import Task
from mlsystem_runtime.contract.records import OUTCOME_TYPES, Outcome, outcome_layout
from mlsystem_runtime.contract.run import Endpoint
from mlsystem_runtime.serve.clock import EnvironmentClock
from mlsystem_runtime.serve.http import REQUEST_ID, Request, Response, json_response
from mlsystem_runtime.serve.journal import header_of
from mlsystem_runtime.serve.recording import Book
from mlsystem_runtime.serve.refused import RefusedError
from mlsystem_runtime.serve.values import MAX_ROWS, READERS, decode_object, timestamp, whole
from mlsystem_runtime.serve.versions import Board

FIELDS = ("request_id", "row", "outcome", "at")
RETRY_SECONDS = 5.0


@dataclass(frozen=True)
class Feedback:
    """Of one model."""

    endpoint: Endpoint
    board: Board
    clock: EnvironmentClock
    book: Book

    async def keep(self, data: bytes) -> int:
        """How many outcomes `data` holds, which are on the disk now: all of them or, when it raises, perhaps some.

        Raises RefusedError: 422 for what the client got wrong, 503 while it cannot be understood or kept.
        """
        released, received_us = self.board.models.get(self.endpoint.model), self.clock.now_us()
        if released is None or received_us is None:
            raise RefusedError(503, f"model '{self.endpoint.model}' answers nothing yet", retry_after=RETRY_SECONDS)
        task, wall_us = released.champion.card.task, time.time_ns() // 1000
        told = [outcome(one, task, row) for row, one in enumerate(read_told(data))]
        header = header_of(outcome_layout(task))
        for place, (request_id, row, value, at_us) in enumerate(told):
            record = Outcome(received_us, request_id, row, value, at_us, wall_us + place)
            if not self.book.journals.add(header, received_us, record):
                raise RefusedError(503, "too much feedback waits for the disk", retry_after=RETRY_SECONDS)
        if await self.book.written():
            raise RefusedError(503, "the disk does not take feedback", retry_after=RETRY_SECONDS)
        return len(told)


def feedback_handler(feedback: Feedback) -> Callable[[Request], Awaitable[Response]]:
    async def handler(request: Request) -> Response:
        kept = await feedback.keep(request.body)
        return json_response(200, {"kept": kept, "model": feedback.endpoint.model, "request_id": request.id})

    return handler


def read_told(data: bytes) -> Sequence[Mapping[str, Any]]:
    """One outcome as an object, or `{"feedback": [...]}`."""
    content = decode_object(data, 'one outcome, or {"feedback": [...]}')
    if "feedback" not in content:
        return (content,)
    for name in content:
        if name != "feedback":
            raise RefusedError(422, f"'{name}' is not expected beside 'feedback'", field=name)
    told = content["feedback"]
    if not isinstance(told, list) or not told or not all(isinstance(one, dict) for one in told):
        raise RefusedError(422, "'feedback' must be a list of at least one object", field="feedback")
    if len(told) > MAX_ROWS:
        raise RefusedError(422, f"'feedback' holds {len(told)} outcomes, {MAX_ROWS} at once are the most", "feedback")
    return told


def outcome(told: Mapping[str, Any], task: Task, place: int) -> tuple[str, int, Any, int | None]:
    """(request id, row, outcome, when it was known), checked."""
    for name in told:
        if name not in FIELDS:
            raise RefusedError(422, f"'{name}' is not a field of feedback; it has {', '.join(FIELDS)}", name, place)

    def read(name: str, reader: Callable[[object], Any], default: object = None) -> Any:
        if name not in told and default is None:
            raise RefusedError(422, f"'{name}' is missing", field=name, row=place)
        try:
            return reader(told.get(name, default))
        except ValueError as error:
            raise RefusedError(422, f"'{name}' {error}", field=name, row=place) from error

    at_us = None if told.get("at") is None else read("at", timestamp)
    return read("request_id", identity), read("row", number, 0), read("outcome", READERS[OUTCOME_TYPES[task]]), at_us


def identity(raw: object) -> str:
    if isinstance(raw, str) and raw.isascii() and REQUEST_ID.fullmatch(raw.encode()):
        return raw
    raise ValueError("must be the request_id of an answer")


def number(raw: object) -> int:
    row = whole(raw)
    if row < 0:
        raise ValueError("must not be negative")
    return row
