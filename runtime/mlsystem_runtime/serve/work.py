"""What waits to be computed, and how a batch of it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

import msgspec

from mlsystem_runtime.serve.call import Call, never
from mlsystem_runtime.serve.values import Row
from mlsystem_runtime.serve.versions import Assembled, LoadedVersion


class Scored(msgspec.Struct, frozen=True, eq=False):
    """One row: the typed request, the model's inputs and what the model said of them, by output name."""

    request: Row
    assembled: Assembled
    outputs: Mapping[str, float]


Result = list[Scored] | Exception


def unheard(_: Result) -> None:
    """Where nobody waits for what becomes of the work."""


class Work(msgspec.Struct, eq=False):
    """Rows of one call that one version answers, all in one batch, waiting since `came`. `done` gets them as `Scored`,
    or why not, once. `abandoned` says whether anybody still waits for that."""

    call: Call
    version: LoadedVersion
    rows: Sequence[Row]
    at_us: int
    done: Callable[[Result], None] = unheard
    abandoned: Callable[[], bool] = never
    came: float = msgspec.field(default_factory=time.monotonic)
    late: asyncio.TimerHandle | None = None

    @property
    def size(self) -> int:
        return len(self.rows)

    @property
    def model(self) -> str:
        return self.version.model

    def unwanted(self, now: float) -> bool:
        """Computing it would help nobody."""
        return self.call.unwanted(now) or self.abandoned()

    def end(self, result: Result) -> None:
        """What comes after the first time is for nobody."""
        done, self.done = self.done, unheard
        if self.late is not None:
            self.late.cancel()
        done(result)


def compute(batch: Sequence[Work]) -> list[Result]:
    """A result for each, in order. All are of one version. Where a batch fails, each is tried alone: one bad row
    spoils nobody else's answer. Safe to call on any thread."""
    try:
        return list(compute_together(batch))
    except Exception as error:  # noqa: BLE001 - whatever a model raises, the next request meets a living server
        if len(batch) == 1:
            return [error]
    return [result for work in batch for result in compute([work])]


def compute_together(batch: Sequence[Work]) -> list[list[Scored]]:
    version = batch[0].version
    card = version.card
    outputs = card.outputs
    assembled = version.assembler.assemble_all([(row, work.at_us) for work in batch for row in work.rows])
    featured = time.monotonic()
    answers = version.scorer.predict([version.inputs_of(one.inputs) for one in assembled])
    predicted = time.monotonic()
    rows = [row for work in batch for row in work.rows]
    scored = [
        Scored(row, one, dict(zip(outputs, map(float, values), strict=True)))
        for row, one, values in zip(rows, assembled, answers, strict=True)
    ]
    for work in batch:
        work.call.assembled, work.call.predicted = featured, predicted
    ends = list(accumulate(work.size for work in batch))
    return [scored[end - work.size : end] for work, end in zip(batch, ends, strict=True)]
