"""How requests ended, counted in one place for every protocol: metrics, and the service level."""

from __future__ import annotations

import time
from functools import cached_property, lru_cache
from typing import Any

from mlsystem_runtime.serve.call import Call
from mlsystem_runtime.serve.counting import SliCounter
from mlsystem_runtime.serve.instruments import Cell
from mlsystem_runtime.serve.metrics import Metrics
from mlsystem_runtime.serve.refused import RefusedError


class Outcomes:
    """Of one model. 4xx and clients that left are no valid requests; all other refusals are bad ones."""

    def __init__(self, model: str, metrics: Metrics, sli: SliCounter) -> None:
        self._model = model
        self._metrics = metrics
        self._sli = sli
        self._version = lru_cache(64)(self._children)
        for outcome in ("rejected", "error", "invalid", "cancelled"):  # a counter that begins above 0 hides its start
            metrics.requests.labels(model, "", outcome)
        self._latency = metrics.latency.labels(model)

    def answered(self, version: int | None, call: Call) -> None:
        seconds = time.monotonic() - call.started
        requests, latency = self._version(version)
        requests.inc()
        latency.observe(seconds)
        self._latency.observe(seconds)
        self._sli.add(True, seconds)

    def refused(self, refused: RefusedError) -> None:
        bad = refused.status >= 500
        if bad:
            self._sli.add(False, 0.0)
        self._ended("rejected" if bad else "invalid", refused.reason)

    def failed(self) -> None:
        self._sli.add(False, 0.0)
        self._ended("error", "model")

    def cancelled(self) -> None:
        self._ended("cancelled", "cancelled")

    def offered(self, rows: int) -> None:
        self._offered.inc(rows)

    def _ended(self, outcome: str, reason: str) -> None:
        self._metrics.requests.labels(self._model, "", outcome).inc()
        self._metrics.refused.labels(self._model, reason).inc()

    def _children(self, answered_by: int | None) -> tuple[Any, Any]:
        version = "" if answered_by is None else str(answered_by)
        return (self._metrics.requests.labels(self._model, version, "ok"),
                self._metrics.version_latency.labels(self._model, version))

    @cached_property
    def in_flight(self) -> Cell:
        return self._metrics.in_flight.labels(self._model)

    @cached_property
    def _offered(self) -> Any:
        return self._metrics.offered_rows.labels(self._model)
