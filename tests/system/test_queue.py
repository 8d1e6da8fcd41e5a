"""The simulation against real servers: the same arrivals, replicas that were profiled just before, one controller.

Arrivals are when requests were sent, which waits for no answer; how late that was is not the servers' doing.

The flights server takes processors, of which a small machine has one for it and one for its clients: there it stands
alone. Two of the loads meet servers that wait a known time besides, so that several fit. All are such that the
objective is about kept: that is certified, and closer to the most that a server can do much is a matter of chance.

On a machine that does other things the generator is late. Such a run says nothing and is made anew; where most are,
the test fails as that. A virtual processor that falls asleep is woken late by whoever lends it, so none does meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
import pytest
from balanced_replicas import Replicas
from environments import Project
from msgspec.structs import replace

from mlsystem.capacity.controllers.hpa_types import (
    AverageValue,
    Behaviour,
    Flags,
    HpaConfig,
    Metric,
    Rules,
    Source,
    milli,
)
from mlsystem.capacity.profiling.measure import cells, loads_of
from mlsystem.capacity.profiling.open_loop import Outcome, latest, uncollected
from mlsystem.capacity.profiling.requests import requests_of
from mlsystem.capacity.profiling.server import RUNTIME, make_workspace, measured_config, running, serve_command
from mlsystem.capacity.profiling.share import Share
from mlsystem.capacity.simulation.autoscalers import Hpa, Quantity
from mlsystem.capacity.simulation.scaling import FIXED, Scaler
from mlsystem.capacity.simulation.service_times import Measured
from mlsystem.capacity.simulation.setting import Metrics, Objective, Pods, Server, Setting
from mlsystem.capacity.simulation.simulate import simulate_arrivals
from mlsystem.capacity.traffic import Trace, all_arrivals
from mlsystem.compile import Compiled, compile_system
from mlsystem.diagnostics.report import Report
from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.names import DIE_WITH_PARENT

pytestmark = pytest.mark.soak
T = TypeVar("T")

RUNS, KEYS, ATTEMPTS = 5, 5, 4
SINCE = 2.0
PROFILE_SECONDS, STARTS = 60.0, 3  # a time that varies by half is known to a few hundredths after so long
IDLE = """
import os
from mlsystem_runtime.parent import die_with_parent
die_with_parent()
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
while True:
    pass
"""
MOST_LAG, IN_TIME = 0.005, 0.95  # of as many as the quantile that is compared: a virtual machine wakes the rest later
HERE = frozenset(os.sched_getaffinity(0))
ALL = Share(float(len(HERE)), HERE, HERE, None)
METRICS = Metrics(scrape=1.0, lag=0.0, longest_window=10.0)
SLOW = (sys.executable, str(Path(__file__).parents[1] / "support" / "slow_replica.py"), "0.005", "0.015")
SCALED = Hpa(
    HpaConfig(
        metrics=(Metric(Source.PODS, AverageValue(milli(1.0)), "in_flight"),), min_replicas=1, max_replicas=3,
        behaviour=Behaviour(down=Rules(window=10.0)), flags=Flags(initial_readiness_delay=0.0),
    ),
    Quantity.HELD, window=4.0, period=2.0,
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """`rates`: requests a second, from second 0 on. `slo` in seconds."""

    runtime: Sequence[str]
    rates: tuple[tuple[float, int], ...]
    slo: float
    replicas: int
    scaler: Scaler = FIXED

    @property
    def trace(self) -> Trace:
        return Trace(np.concatenate([np.full(seconds, rate) for rate, seconds in self.rates]))


SURGE = ((15.0, 10), (60.0, 25), (15.0, 10))
CASES = {
    "the flights server, one replica, steady": Case(RUNTIME, ((150.0, 25),), 0.050, 1),
    "a server of 20 ms, two replicas, steady": Case(SLOW, ((70.0, 40),), 0.080, 2),
    "a server of 20 ms, one to three replicas, a surge": Case(SLOW, SURGE, 0.080, 1, SCALED),
}


class LateError(Exception):
    """What was measured is this machine, not the servers."""


@dataclass(frozen=True)
class Seen:
    """Of one run, measured or simulated: the share within the objective, latencies in ms, and the most replicas."""

    attainment: float
    p50: float
    p95: float
    most: int


@dataclass(frozen=True)
class Profiled:
    """A server's times and starts; `root` is its workspace."""

    root: Path
    service: Measured
    cold_starts: tuple[float, ...]
    requests: list[bytes]


@pytest.fixture(autouse=True)
def awake() -> Iterator[None]:
    """One process for each processor that computes whenever nothing else does."""
    environment = {**os.environ, DIE_WITH_PARENT: str(os.getpid())}
    idle = [subprocess.Popen((sys.executable, "-c", IDLE), env=environment) for _ in HERE]
    yield
    for process in idle:
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", CASES)
def test_simulated_latencies_and_attainment_are_those_of_real_servers(
    name: str, copy: Callable[[str], Project], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    profiled = profile(copy("flights"), tmp_path, case)
    offered = [in_time(partial(measured, profiled, case, seed)) for seed in range(RUNS)]
    runs = [seen(replicas, outcomes, case) for replicas, outcomes in offered]
    simulated = [simulation(profiled, case, outcomes, key) for _, outcomes in offered for key in range(KEYS)]
    with capsys.disabled():
        alone = 1e3 * median(profiled.service.samples[1, 1])
        print(f"\n{name}: a request alone {alone:.1f} ms, line {profiled.service.line}, starts {profiled.cold_starts}")
        for which in ("attainment", "p50", "p95", "most"):
            print(f"  {which:<10} measured {spread(runs, which)}   simulated {spread(simulated, which)}")

    assert middle(runs, "attainment") == pytest.approx(middle(simulated, "attainment"), abs=0.02)
    assert middle(runs, "p95") == pytest.approx(middle(simulated, "p95"), rel=0.20)


def middle(seen: Sequence[Seen], which: str) -> float:
    return float(median(getattr(one, which) for one in seen))


def spread(seen: Sequence[Seen], which: str) -> str:
    values = [getattr(one, which) for one in seen]
    return f"{median(values):8.3f} ({min(values):.3f} to {max(values):.3f})"


def compiled(project: Project) -> Compiled:
    report = Report()
    found = compile_system(project.spec, "dev", {}, report)
    assert found is not None, report.diagnostics
    return found


def profile(project: Project, folder: Path, case: Case) -> Profiled:
    """With the objective in the contract afterwards: a server refuses what it cannot answer in time."""
    found = compiled(project)
    (model,) = found.system.models
    config = measured_config(found.config, model.name, model.serving)
    requests = requests_of(model, project.workspace, config.server.endpoints[0].routes[0])
    root = folder / "served"
    make_workspace(root, config, project.workspace, model.name, 1)
    starts = tuple(started(root, case) for _ in range(STARTS))
    loads = in_time(partial(loaded, root, requests, case))
    service = Measured({
        (cell.workers, cell.requests): tuple(one / 1e6 for one in cell.quantiles_us) for cell in cells(loads)
    })  # fmt: skip
    (endpoint,) = config.server.endpoints
    promised = replace(endpoint, slo=replace(endpoint.slo, latency_us=round(1e6 * case.slo), objective=0.95))
    (root / "run.json").write_bytes(
        canonical_json(replace(config, server=replace(config.server, endpoints=(promised,))))
    )
    return Profiled(root, service, starts, requests)


def in_time(attempt: Callable[[], T]) -> T:
    for _ in range(ATTEMPTS - 1):
        with suppress(LateError):
            return attempt()
    return attempt()


def refuse_late(outcomes: Sequence[Outcome]) -> None:
    lag = latest([outcome.lag for outcome in outcomes], IN_TIME)
    if lag > MOST_LAG:
        raise LateError(f"requests were sent {1e3 * lag:.1f} ms late")


def loaded(root: Path, requests: Sequence[bytes], case: Case) -> dict[int, list[Outcome]]:
    loads, _ = loads_of(root, ALL, 1, requests, PROFILE_SECONDS, case.runtime)
    refuse_late(loads[1])
    return loads


def started(root: Path, case: Case) -> float:
    with running(root, ALL, runtime=case.runtime) as server:
        return server.started


def measured(profiled: Profiled, case: Case, seed: int) -> tuple[Replicas, list[Outcome]]:
    moments = all_arrivals(case.trace, seed=seed)
    phases = np.random.default_rng(seed).random(2)
    replicas = Replicas(
        lambda port: serve_command(profiled.root, port, case.runtime), case.replicas, case.scaler, METRICS
    )
    with uncollected():
        outcomes = asyncio.run(replicas.run(moments.tolist(), profiled.requests, (phases[0], phases[1])))
    refuse_late(outcomes)
    return replicas, outcomes


def seen(replicas: Replicas, outcomes: Sequence[Outcome], case: Case) -> Seen:
    counted = [outcome for outcome in outcomes if outcome.sent >= SINCE]
    latencies = np.array([one.ended - one.sent for one in counted if one.answers and one.good])
    p50, p95 = 1e3 * np.quantile(latencies, (0.5, 0.95))
    return Seen(float((latencies <= case.slo).sum() / len(counted)), float(p50), float(p95), replicas.most)


def simulation(profiled: Profiled, case: Case, outcomes: Sequence[Outcome], key: int) -> Seen:
    arrivals = np.array([outcome.sent for outcome in outcomes])
    setting = Setting(
        Server(profiled.service, slots=1, largest_batch=1024, budget=case.slo),
        Objective(case.slo, window=1.0, since=SINCE),
        Pods(case.replicas, profiled.cold_starts),
        metrics=METRICS,
        scaler=case.scaler,
    )
    result = simulate_arrivals(setting, [arrivals], max(float(case.trace.seconds), arrivals[-1]), key=key)
    most = max(count.desired for count in result.counts)
    return Seen(result.attainment, 1e3 * result.quantile(0.5), 1e3 * result.quantile(0.95), most)
