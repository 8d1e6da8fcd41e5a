"""What the monitor tells Prometheus: its state of every model, and how refreshes and runs ended."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mlsystem_runtime.contract import names
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import Entry, RunFinished
from mlsystem_runtime.contract.monitor_state import MonitorState, RefreshState
from mlsystem_runtime.contract.quantities import duration
from mlsystem_runtime.serve.process import hint

SECOND_US = 1e6


class MonitorMetrics(Collector):
    """What `show` was given last. Scraped from another thread: the state is replaced whole."""

    def __init__(self) -> None:
        self._families: tuple[Metric, ...] = ()

    def show(self, states: Iterable[MonitorState], refreshes: Iterable[RefreshState], ledger: Iterable[Entry]) -> None:
        self._families = (*of_models(tuple(states)), of_refreshes(refreshes), of_runs(ledger))

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)


def of_models(states: tuple[MonitorState, ...]) -> Iterator[Metric]:
    look = GaugeMetricFamily(names.MONITOR_LOOK, "When the monitor last looked at a model", labels=["model"])
    age = GaugeMetricFamily(
        names.SOURCE_AGE, "The environment's clock less the newest row's event time", labels=["model", "source"])
    drifted = GaugeMetricFamily(names.DRIFTED, "1 while the newest judged window has drifted", labels=["model"])
    effect = GaugeMetricFamily(
        names.DRIFT_EFFECT, "The share of rows of the newest window that moved", labels=["model", "column", "test"])
    for state in states:
        look.add_metric([state.model], state.written_us / SECOND_US)
        for source in state.freshness:
            if source.age_us is not None:
                age.add_metric([state.model, source.source], source.age_us / SECOND_US)
        drifting = any(alert.key == "drift" for alert in state.alerts)
        drifted.add_metric([state.model], float(drifting))
        window = state.window if state.window is not None and state.window.tests else state.last
        for test in () if window is None else window.tests:
            effect.add_metric([state.model, test.column, test.test], test.effect)
    return iter((look, age, drifted, effect))


def of_refreshes(refreshes: Iterable[RefreshState]) -> Metric:
    """`failed` only where the last one did."""
    ended = GaugeMetricFamily(
        names.REFRESH_END, "When a refresh of the online store last ended so", labels=["refresh", "outcome"])
    for refresh in refreshes:
        every = duration(refresh.every_us) or ""
        if refresh.done_us is not None:
            ended.add_metric([every, "done"], refresh.done_us / SECOND_US)
        if refresh.failure is not None and refresh.finished_us is not None:
            ended.add_metric([every, "failed"], refresh.finished_us / SECOND_US)
    return ended


def of_runs(ledger: Iterable[Entry]) -> Metric:
    ended = GaugeMetricFamily(names.RUN_END, "When a run of the pipeline last ended so", labels=["outcome"])
    last = {entry.body.outcome: entry.at_us for entry in ledger if isinstance(entry.body, RunFinished)}
    for outcome, at_us in sorted(last.items()):
        ended.add_metric([outcome], at_us / SECOND_US)
    return ended


def export(metrics: MonitorMetrics, port: int, host: str = "0.0.0.0") -> tuple[WSGIServer, threading.Thread]:
    """Answers on `port` at /metrics until the server is shut down. MlsystemError names a port that is not to be had."""
    registry = CollectorRegistry()
    registry.register(metrics)
    try:
        return start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise MlsystemError(f"cannot listen on {host}:{port}: {error.strerror}", hint(error.errno, port)) from error
