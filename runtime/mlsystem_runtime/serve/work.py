"""What waits to be computed, and how a batch of it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mlsystem_runtime.serve.call import Call
from mlsystem_runtime.serve.values import Row
from mlsystem_runtime.serve.versions import Assembled, LoadedVersion


@dataclass(frozen=True, slots=True)
class Scored:
    """One row: the typed request, the model's inputs and what the model said of them, by output name."""

    request: Row
    assembled: Assembled
    outputs: Mapping[str, float]


Result = list[Scored] | Exception


@dataclass(slots=True)
class Work:
    """Rows of one call that one version answers, all in one batch, waiting since `came`. `done` gets them as `Scored`,
    or why not."""

    call: Call
    version: LoadedVersion
    rows: Sequence[Row]
    at_us: int
    came: float = field(default_factory=time.monotonic)
    done: asyncio.Future[list[Scored]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def size(self) -> int:
        return len(self.rows)

    @property
    def model(self) -> str:
        return self.version.card.model


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
    rows = (row for work in batch for row in work.rows)
    scored = iter([
        Scored(row, one, dict(zip(outputs, map(float, values), strict=True)))
        for row, one, values in zip(rows, assembled, answers, strict=True)
    ])
    for work in batch:
        work.call.assembled, work.call.predicted = featured, predicted
    return [[next(scored) for _ in work.rows] for work in batch]
