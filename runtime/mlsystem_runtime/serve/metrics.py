"""What the server tells Prometheus. Names come from the contract; each app has a registry of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mlsystem_runtime.contract import names
from mlsystem_runtime.contract.run import Slo
from mlsystem_runtime.serve.versions import Board

ROWS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
WAITS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


def buckets(slos: Iterable[Slo]) -> tuple[float, ...]:
    """The usual bounds and, exactly, the threshold of every SLO, so that its share of good requests can be read off."""
    return tuple(sorted({*SECONDS, *(slo.latency_us / 1e6 for slo in slos if slo.latency_us is not None)}))


class Shares(Collector):
    """Of the released versions; what is not released any more is not said."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            names.RELEASE_SHARE, "The share of requests that a version answers", labels=["model", "version"])
        for model, released in self._board.models.items():
            for share in released.release.shares:
                family.add_metric([model, f"{share.version}"], share.share)
        yield family


class Metrics:
    """One set per app. `latency` counts requests answered 200, the ones that an SLO calls fast or slow."""

    def __init__(self, slos: Iterable[Slo]) -> None:
        bounds = buckets(slos)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            names.REQUESTS.removesuffix("_total"), "Requests by how they ended",
            ["model", "version", "outcome"], registry=self.registry)
        self.latency = Histogram(
            names.LATENCY, "Seconds from a request's first byte to its answer, of those answered 200",
            ["model"], buckets=bounds, registry=self.registry)
        self.missing = Counter(
            names.MISSING_FEATURES.removesuffix("_total"), "Features that were null, by cause",
            ["model", "feature", "cause"], registry=self.registry)
        self.predictions = Counter(
            names.PREDICTIONS.removesuffix("_total"), "Rows predicted", ["model", "version"], registry=self.registry)
        self.release_serial = Gauge(names.RELEASE_SERIAL, "Serial of the release in force", registry=self.registry)
        self.release_failures = Counter(
            names.RELEASE_FAILURES.removesuffix("_total"),
            "Times that the release or a version could not be followed", registry=self.registry)
        self.log_dropped = Counter(
            names.LOG_DROPPED.removesuffix("_total"),
            "Records of the prediction log that could not be written", ["model"], registry=self.registry)

        self.offered_rows = Counter(
            names.OFFERED_ROWS.removesuffix("_total"), "Rows that were understood, of refused requests too",
            ["model"], registry=self.registry)
        self.refused = Counter(
            names.REFUSED.removesuffix("_total"), "Requests that got no prediction, by reason",
            ["model", "reason"], registry=self.registry)
        self.queue_rows = Gauge(names.QUEUE_ROWS, "Rows that wait for the model", ["model"], registry=self.registry)
        self.queue_seconds = Histogram(
            names.QUEUE_SECONDS, "Seconds that a request waited for the model",
            ["model"], buckets=WAITS, registry=self.registry)
        self.batch_rows = Histogram(
            names.BATCH_ROWS, "Rows that the model was given at once", ["model"], buckets=ROWS, registry=self.registry)
        self.in_flight = Gauge(
            names.IN_FLIGHT, "Requests that were begun and not answered yet", ["model"], registry=self.registry)
        self.service_time = Gauge(
            names.SERVICE_TIME, "A batch of n rows takes a * n + b seconds", ["model", "part"], registry=self.registry)
        self.version_latency = Histogram(
            names.VERSION_LATENCY, "Seconds from a request's first byte to its answer, by version",
            ["model", "version"], buckets=bounds, registry=self.registry)

    def follow(self, board: Board) -> None:
        """From now on it is said which versions of `board` answer."""
        self.registry.register(Shares(board))

    def text(self) -> bytes:
        return generate_latest(self.registry)
