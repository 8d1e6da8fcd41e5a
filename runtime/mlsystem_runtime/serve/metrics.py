"""What the server tells Prometheus. Names come from the contract; each app has instruments of its own.

With several workers every number is that of all of them, whichever answers. What a user of this module needs of an
instrument: `labels(…)` once, in the order that is written here, then `inc`, `set` or `observe` of what that gave.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from mlsystem_runtime.contract import names
from mlsystem_runtime.contract.run import Slo
from mlsystem_runtime.serve import process_metrics
from mlsystem_runtime.serve.exposition import Described, Family, Sample
from mlsystem_runtime.serve.instruments import Registry
from mlsystem_runtime.serve.slots import Fleet, alone
from mlsystem_runtime.serve.versions import Board

ROWS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
WAITS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
DIFFERENCES = tuple(10.0 ** power for power in range(-7, 7))
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
REFUSED_METRICS = Family(
    names.METRICS_REFUSED, "Times that a number was not exported because there was no room for another", "counter")
SHARES = Family(names.RELEASE_SHARE, "The share of requests that a version answers", "gauge", ("model", "version"))


def buckets(slos: Iterable[Slo]) -> tuple[float, ...]:
    """The usual bounds and, exactly, the threshold of every SLO, so that its share of good requests can be read off."""
    return tuple(sorted({*SECONDS, *(slo.latency_us / 1e6 for slo in slos if slo.latency_us is not None)}))


def shares(board: Board) -> Iterator[Described]:
    """Of the released versions, as this worker follows them; what is not released any more is not said."""
    yield SHARES, [
        Sample((model, f"{share.version}"), (share.share,))
        for model, released in board.models.items() for share in released.release.shares
    ]


class Metrics:
    """One set per app. `latency` counts requests answered 200, the ones that an SLO calls fast or slow."""

    def __init__(self, slos: Iterable[Slo], fleet: Fleet | None = None) -> None:
        """`fleet` None is a worker that is alone."""
        self._fleet = fleet or alone()
        self.registry = made = Registry(self._fleet, REFUSED_METRICS)
        bounds = buckets(slos)
        made.seen(partial(process_metrics.described, self._fleet))
        self.requests = made.counter(names.REQUESTS, "Requests by how they ended", ("model", "version", "outcome"))
        self.latency = made.histogram(
            names.LATENCY, "Seconds from a request's first byte to its answer, of those answered 200",
            ("model",), bounds)
        self.missing = made.counter(
            names.MISSING_FEATURES, "Features that were null, by cause", ("model", "feature", "cause"))
        self.predictions = made.counter(names.PREDICTIONS, "Rows predicted", ("model", "version"))
        self.release_serial = made.gauge(
            names.RELEASE_SERIAL, "Serial of the release that every worker follows", merge="min").labels()
        self.release_failures = made.counter(
            names.RELEASE_FAILURES, "Times that the release or a version could not be followed").labels()
        self.log_dropped = made.counter(
            names.LOG_DROPPED, "Records of the prediction log that are lost, by reason", ("model", "reason"))
        self.offered_rows = made.counter(
            names.OFFERED_ROWS, "Rows that were understood, of refused requests too", ("model",))
        self.refused = made.counter(
            names.REFUSED, "Requests that got no prediction, by reason", ("model", "reason"))
        self.queue_rows = made.gauge(names.QUEUE_ROWS, "Rows that wait for the model", ("model",), merge="sum")
        self.queue_seconds = made.histogram(
            names.QUEUE_SECONDS, "Seconds that a request waited for the model", ("model",), WAITS)
        self.batch_rows = made.histogram(
            names.BATCH_ROWS, "Rows that the model was given at once", ("model",), ROWS)
        self.in_flight = made.gauge(
            names.IN_FLIGHT, "Requests that were begun and not answered yet", ("model",), merge="sum")
        self.service_time = made.gauge(
            names.SERVICE_TIME, "A batch of n rows takes a * n + b seconds in the slowest worker",
            ("model", "part"), merge="max")
        self.clients = made.counter(
            names.CLIENT_REQUESTS, "Requests where tokens are asked for, by whose they were and whether they came in",
            ("model", "client", "outcome"))
        self.shadow_rows = made.counter(
            names.SHADOW_ROWS, "Rows of requests that a shadow version was given, by what became of them",
            ("model", "version", "outcome"))
        self.shadow_difference = made.histogram(
            names.SHADOW_DIFFERENCE, "How far the outputs of a shadow version are from those that were answered",
            ("model", "version"), DIFFERENCES)
        self.shadow_disagreements = made.counter(
            names.SHADOW_DISAGREEMENTS, "Rows of which a shadow version says something else", ("model", "version"))
        self.version_latency = made.histogram(
            names.VERSION_LATENCY, "Seconds from a request's first byte to its answer, by version",
            ("model", "version"), bounds)

    def follow(self, board: Board) -> None:
        """From now on it is said which versions of `board` answer."""
        self.registry.seen(partial(shares, board))

    def text(self, openmetrics: bool = False) -> bytes:
        return self.registry.text(openmetrics)

