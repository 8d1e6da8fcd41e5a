"""The simulation of requests and replicas: requests a second on one core, against simpy on the same case.

CPU-seconds of this process, arrivals and all else included; the loop is compiled before, which is a measure of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import simpy

from mlsystem.capacity import traffic
from mlsystem.capacity.controllers.hpa_types import HpaConfig, Metric, Source, Utilisation
from mlsystem.capacity.controllers.kpa_types import KpaConfig
from mlsystem.capacity.simulation.autoscalers import Hpa, Kpa
from mlsystem.capacity.simulation.scaling import FIXED, Scaler
from mlsystem.capacity.simulation.service_times import Linear
from mlsystem.capacity.simulation.setting import Metrics, Objective, Pods, Routing, Server, Setting
from mlsystem.capacity.simulation.simulate import simulate

PODS, RATE, SERVICE, ROUNDS = 10, 160.0, 0.05, 3
FACTORS = tuple(float(factor) for factor in np.linspace(0.2, 1.8, 501))
CPU_50 = HpaConfig((Metric(Source.RESOURCE, Utilisation(50)),), max_replicas=40)
KNATIVE = KpaConfig(target=0.7, total=1.0, min_scale=2, max_scale=40)
FIRST = """
import sys, time
sys.path.insert(0, sys.argv[1])
import capacity
began = time.perf_counter()
capacity.simulate(capacity.setting(), capacity.traffic.steady(10.0, 10), seed=1)
print(time.perf_counter() - began)
"""


def main() -> list[dict[str, Any]]:
    steady = traffic.steady(RATE, 10_000)
    day = traffic.diurnal(RATE, 3 * RATE, 4 * traffic.HOUR, seed=1, period=4 * traffic.HOUR, peak_at=traffic.HOUR)
    simulate(setting(), traffic.steady(10.0, 10), seed=1)
    ours = {
        "10 pods, least requests": speed(setting(), steady),
        "10 pods, batches, power of two": speed(setting(batch=32, routing=Routing.POWER_OF_TWO), steady),
        "four hours of a short day under HPA at 50% CPU": speed(setting(Hpa(CPU_50)), day),
        "the same under Knative, seen every second": speed(setting(Kpa(KNATIVE), scrape=1.0), day),
    }
    theirs = max(simpy_speed(traffic.steady(RATE, 200)) for _ in range(ROUNDS))
    simple = next(iter(ours.values()))
    cold, warm = first_calls()
    return [
        *(
            row(f"simulated requests, {name}", value, "requests/s", "≥ 2,000,000" if value == simple else "")
            for name, value in ours.items()
        ),
        row("the same against simpy", simple / theirs, f"x ({theirs:,.0f} requests/s)", "≥ 20", "simpy, one core"),
        row("first simulation on a machine, wall", cold, "s", "", "the loop is compiled, and kept"),
        row("first simulation of a process, wall", warm, "s", "", "the loop is read"),
    ]


def row(name: str, value: float, unit: str, target: str, reference: str = "") -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "reference": reference}


def setting(
    scaler: Scaler = FIXED, batch: int = 1, routing: Routing = Routing.LEAST_REQUESTS, scrape: float = 15.0
) -> Setting:
    server = Server(Linear(0.0, SERVICE, FACTORS), largest_batch=batch)
    return Setting(server, Objective(0.25), Pods(PODS, (5.0,)), routing, Metrics(scrape=scrape), scaler)


def speed(setting: Setting, trace: traffic.Trace) -> float:
    """Requests a second, the best of some rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        began = time.process_time()
        came = simulate(setting, trace, seed=1).came
        best = max(best, came / (time.process_time() - began))
    return best


def simpy_speed(trace: traffic.Trace) -> float:
    """The same pods, balancer and service times, with nothing counted but the answers in time."""
    moments, random = traffic.all_arrivals(trace, seed=1), np.random.default_rng(1)
    times = SERVICE * random.choice(FACTORS, len(moments))
    began = time.process_time()
    env = simpy.Environment()
    pods, held, good = [simpy.Resource(env) for _ in range(PODS)], [0] * PODS, 0

    def request(pod: int, seconds: float) -> Generator[Any, Any, None]:
        nonlocal good
        arrived, held[pod] = env.now, held[pod] + 1
        with pods[pod].request() as turn:
            yield turn
            yield env.timeout(seconds)
        held[pod] -= 1
        good += env.now - arrived <= 0.25

    def arrive() -> Generator[Any, Any, None]:
        for moment, seconds in zip(moments.tolist(), times.tolist(), strict=True):
            yield env.timeout(moment - env.now)
            env.process(request(held.index(min(held)), seconds))

    env.process(arrive())
    env.run()
    return len(moments) / (time.process_time() - began)


def first_calls() -> tuple[float, float]:
    """Seconds of the first simulation with nothing kept, and of that of the next process."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", FIRST, str(Path(__file__).resolve().parent)]
        environment = {**os.environ, "XDG_CACHE_HOME": folder}
        cold, warm = (
            float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
            for _ in range(2)
        )
    return cold, warm
