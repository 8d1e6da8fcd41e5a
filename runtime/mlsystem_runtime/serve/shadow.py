"""A version that answers nobody: it is given requests that were answered already, and how far its answers differ from
those is counted.

It costs the requests nothing but putting them on a list. It runs on a thread of its own that rests for as long as its
share of a core says, and stands still while the SLO is in danger.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlsystem_runtime.contract.features import FeatureContract
from mlsystem_runtime.serve.metrics import Metrics
from mlsystem_runtime.serve.predictions import prediction
from mlsystem_runtime.serve.values import Row
from mlsystem_runtime.serve.versions import LoadedVersion
from mlsystem_runtime.serve.work import Scored

MOST_WAITING = 64  # requests; what comes while so many wait is not tried

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trial:
    """Rows of one request on which `candidate` is tried, as version `answering` answered them at q = `at_us`."""

    candidate: LoadedVersion
    answering: LoadedVersion
    at_us: int
    scored: Sequence[Scored]


class Shadow:
    """Of one model. `cpu`: the share of a core that it may use. `pressed` says whether the SLO is in danger."""

    def __init__(self, model: str, cpu: float, metrics: Metrics, pressed: Callable[[], bool]) -> None:
        self._model = model
        self._rest = 1.0 / cpu - 1.0
        self._metrics = metrics
        self._pressed = pressed
        self._waiting: queue.Queue[Trial | None] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._stopping = False

    def offer(self, trial: Trial) -> None:
        """Never waits."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"shadow-{self._model}", daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait(trial)
        except queue.Full:
            self._count(trial, "dropped")

    def stop(self) -> None:
        """What waits is not tried any more."""
        self._stopping = True
        with contextlib.suppress(queue.Full):  # then there is enough to wake up for
            self._waiting.put_nowait(None)

    def _run(self) -> None:
        while (trial := self._waiting.get()) is not None and not self._stopping:
            if self._pressed():
                self._count(trial, "paused")
                continue
            begun = time.thread_time()
            self._try(trial)
            time.sleep(self._rest * (time.thread_time() - begun))

    def _try(self, trial: Trial) -> None:
        candidate = trial.candidate
        if not comparable(candidate, trial.answering):
            self._count(trial, "incomparable")
            return
        try:
            outputs = outputs_of(candidate, [one.request for one in trial.scored], trial.at_us)
        except Exception:
            logger.warning("version %d of '%s', the shadow, failed", candidate.number, self._model, exc_info=True)
            self._count(trial, "failed")
            return
        self._compare(trial, outputs)
        self._count(trial, "compared")

    def _compare(self, trial: Trial, outputs: Sequence[dict[str, float]]) -> None:
        number, card = trial.candidate.number, trial.candidate.card
        difference = self._metrics.shadow_difference.labels(self._model, number)
        for one, tried in zip(trial.scored, outputs, strict=True):
            difference.observe(max(abs(tried[name] - one.outputs[name]) for name in tried))
            if card.task != "regression" and (
                prediction(card, tried)["prediction"] != prediction(card, one.outputs)["prediction"]
            ):
                self._metrics.shadow_disagreements.labels(self._model, number).inc()

    def _count(self, trial: Trial, outcome: str) -> None:
        self._metrics.shadow_rows.labels(self._model, trial.candidate.number, outcome).inc(len(trial.scored))


def comparable(candidate: LoadedVersion, answering: LoadedVersion) -> bool:
    """It can be asked what the other was asked, and answers with the same names."""
    return candidate.card.outputs == answering.card.outputs and asks_no_more(
        candidate.card.contract, answering.card.contract)


def asks_no_more(candidate: FeatureContract, answering: FeatureContract) -> bool:
    given = {column.name: column for column in answering.request}
    return all(
        column.name in given and column.type is given[column.name].type
        and (column.nullable or not given[column.name].nullable)
        for column in candidate.request
    )


def outputs_of(version: LoadedVersion, rows: Sequence[Row], at_us: int) -> list[dict[str, float]]:
    inputs = [version.inputs_of(one.inputs) for one in version.assembler.assemble_all([(row, at_us) for row in rows])]
    return [
        dict(zip(version.card.outputs, map(float, values), strict=True)) for values in version.scorer.predict(inputs)]
