"""A real Prometheus scrapes a server and a monitor that run: what the dashboards ask for is there, alerts fire."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines.processes import Processes
from engines.recipes import is_built, program
from observed import Observed, Traffic, eventually

from mlsystem.emit.grafana import dashboards
from mlsystem_runtime.contract import names

BURNS = ("MlsystemLatencyBurnsSlowly", "MlsystemLatencyBurnsFast")
"""A ticket may come first: all windows are alike here. It ends when the page begins."""
NEVER_HERE = (names.LOG_DROPPED,)
"""Counted by reason, and there is none: such a query is answered, with nothing."""


def prometheus() -> Path:
    """Debian's, unpacked or installed."""
    if is_built("prometheus"):
        return program("prometheus", "prometheus")
    installed = shutil.which("prometheus")
    if installed is None:
        pytest.skip("engine 'prometheus' is not built: make engines")
    return Path(installed)


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    folder = tmp_path_factory.mktemp("observed")
    made = Observed.new(folder)
    with Processes(folder) as processes:
        for name, command in made.commands(prometheus()).items():
            processes.start(name, *command)
        processes.wait_until(made.answers, "a server, a monitor and a Prometheus that answer", 90)
        with Traffic(made):
            yield made


def expressions(observed: Observed) -> list[str]:
    panels = [panel for one in dashboards(observed.cluster) for panel in json.loads(one.content)["panels"]]
    asked = [target["expr"] for panel in panels for target in panel["targets"]]
    return [one.replace("$__rate_interval", "10s").replace("[30d:60m]", "[1m:1s]") for one in asked]


def numbers(observed: Observed, expression: str) -> list[float]:
    return [float(sample["value"][1]) for sample in observed.query(expression)]


@pytest.mark.slow
def test_every_query_of_the_dashboards_returns_data(observed: Observed) -> None:
    def empty() -> list[str]:
        answers = {one: numbers(observed, one) for one in expressions(observed)}
        wrong = [one for one, found in answers.items() if not found or any(math.isnan(value) for value in found)]
        return [one for one in wrong if not any(name in one for name in NEVER_HERE)]

    missing: list[str] = []

    def complete() -> bool:
        missing[:] = empty()
        return not missing

    try:
        eventually(complete, "data for every query", 60)
    except AssertionError:
        assert missing == []


@pytest.mark.slow
def test_the_latency_alert_fires_under_a_slowdown_and_ends_with_it(observed: Observed) -> None:
    eventually(lambda: numbers(observed, "mlsystem:late:rate5m"), "a count of late answers", 60)
    eventually(lambda: not observed.firing() & set(BURNS), "quiet", 60)
    before = observed.firing()

    observed.slow.touch()
    eventually(lambda: BURNS[-1] in observed.firing(), "a page", 60)
    eventually(lambda: observed.firing() == {BURNS[-1]}, "only the page", 60)
    observed.slow.unlink()
    eventually(lambda: not observed.firing() & set(BURNS), "the end of the alert", 90)

    assert before == set()
