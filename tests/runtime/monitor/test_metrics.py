from __future__ import annotations

import socket
import urllib.request

import pytest
from prometheus_client import CollectorRegistry

from mlsystem_runtime.contract import names
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import Entry, RunFinished, RunStarted
from mlsystem_runtime.contract.monitor_state import (
    AlertState,
    DriftTest,
    FreshnessState,
    MonitorState,
    RefreshState,
    WindowState,
)
from mlsystem_runtime.monitor.metrics import MonitorMetrics, export

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US


def state(model: str = "delay", **values: object) -> MonitorState:
    return MonitorState(format=1, model=model, clock_us=0, written_us=1000 * SECOND_US, **values)  # type: ignore[arg-type]


def refresh(done_us: int | None, finished_us: int | None, failure: str | None) -> RefreshState:
    return RefreshState(
        steps=("ingest.flights",), every_us=15 * MINUTE_US, runs=1, failures=0, started_us=None,
        finished_us=finished_us, failure=failure, done_us=done_us,
    )  # fmt: skip


def shown(
    states: tuple[MonitorState, ...] = (), refreshes: tuple[RefreshState, ...] = (), ledger: tuple[Entry, ...] = ()
) -> CollectorRegistry:
    metrics, registry = MonitorMetrics(), CollectorRegistry()
    metrics.show(states, refreshes, ledger)
    registry.register(metrics)
    return registry


def test_every_model_says_when_it_was_looked_at() -> None:
    found = shown((state("delay"), state("rain")))

    assert found.get_sample_value(names.MONITOR_LOOK, {"model": "delay"}) == 1000
    assert found.get_sample_value(names.MONITOR_LOOK, {"model": "rain"}) == 1000


def test_the_age_of_a_source_is_in_seconds_and_absent_where_nothing_was_ingested() -> None:
    fresh = FreshnessState(source="flights", newest_us=0, age_us=90 * SECOND_US, limit_us=1, fresh=False)
    empty = FreshnessState(source="weather", newest_us=None, age_us=None, limit_us=1, fresh=False)
    found = shown((state(freshness=(fresh, empty)),))

    assert found.get_sample_value(names.SOURCE_AGE, {"model": "delay", "source": "flights"}) == 90
    assert found.get_sample_value(names.SOURCE_AGE, {"model": "delay", "source": "weather"}) is None


def test_drift_is_one_while_it_is_said_and_its_effects_are_the_windows() -> None:
    test = DriftTest(column="temp", test="ks", verdict="drift", p_value=0.0, threshold=0.01, effect=0.25)
    window = WindowState(
        version=1, start_us=0, end_us=1, rows=10, complete=True, looks=1, verdict="drift", tests=(test,)
    )
    alert = AlertState(key="drift", message="", since_us=0, notified_us=0)
    drifting, calm = shown((state(last=window, alerts=(alert,)),)), shown((state(),))

    assert drifting.get_sample_value(names.DRIFTED, {"model": "delay"}) == 1
    assert calm.get_sample_value(names.DRIFTED, {"model": "delay"}) == 0
    assert drifting.get_sample_value(names.DRIFT_EFFECT, {"model": "delay", "column": "temp", "test": "ks"}) == 0.25


def test_a_refresh_that_fails_keeps_saying_when_it_last_ended_well() -> None:
    found = shown(refreshes=(refresh(done_us=5 * SECOND_US, finished_us=9 * SECOND_US, failure="no rows"),))

    assert found.get_sample_value(names.REFRESH_END, {"refresh": "15m", "outcome": "done"}) == 5
    assert found.get_sample_value(names.REFRESH_END, {"refresh": "15m", "outcome": "failed"}) == 9


def test_the_last_run_of_each_outcome_counts() -> None:
    events = (
        RunStarted(run_id="a", reason=""), RunFinished(run_id="a", outcome="done", detail=""),
        RunFinished(run_id="b", outcome="failed", detail=""), RunFinished(run_id="c", outcome="done", detail=""),
    )  # fmt: skip
    ledger = tuple(Entry(serial=n, at_us=n * SECOND_US, body=body) for n, body in enumerate(events, start=1))
    found = shown(ledger=ledger)

    assert found.get_sample_value(names.RUN_END, {"outcome": "done"}) == 4
    assert found.get_sample_value(names.RUN_END, {"outcome": "failed"}) == 3


def test_prometheus_reads_it_over_http() -> None:
    metrics = MonitorMetrics()
    metrics.show((state(),), (), ())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server, thread = export(metrics, port, "127.0.0.1")

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    server.shutdown()
    thread.join()
    server.server_close()

    assert 'mlsystem_monitor_look_timestamp_seconds{model="delay"} 1000.0' in text


def test_a_port_that_is_taken_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(MlsystemError, match=f"cannot listen on 127.0.0.1:{port}: Address") as refused:
            export(MonitorMetrics(), port, "127.0.0.1")

    assert "choose another port" in (refused.value.hint or "")
