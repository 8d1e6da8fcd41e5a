"""Means over twelve seeds are within one percent of what theory says, where theory is exact."""

from __future__ import annotations

import math
from statistics import fmean

import numpy as np
import pytest

from mlsystem.capacity import queueing, traffic
from mlsystem.capacity.simulation.result import Result
from mlsystem.capacity.simulation.service_times import Linear, ServiceTimes
from mlsystem.capacity.simulation.setting import Objective, Pods, Routing, Server, Setting
from mlsystem.capacity.simulation.simulate import simulate

SEEDS = range(12)


def exponential(samples: int = 20_000) -> tuple[float, ...]:
    """The mean of an exponential time of mean 1 within each of that many equally likely pieces."""
    shares = np.arange(samples + 1) / samples
    left = 1.0 - shares
    below = np.where(left > 0.0, left * (1.0 - np.log(np.maximum(left, 1e-300))), 0.0)
    return tuple(np.diff(-below) * samples)


def runs(rate: float, service: ServiceTimes, requests: float, slots: int = 1, batch: int = 1) -> list[Result]:
    """A tenth of the time is for the queue to come to rest."""
    seconds = math.ceil(requests / rate)
    since = float(seconds // 10 // 60 * 60)
    server = Server(service, slots, batch, timeout=math.inf)
    setting = Setting(server, Objective(1.0, since=since), Pods(1), Routing.RANDOM)
    return [simulate(setting, traffic.steady(rate, seconds), seed=seed) for seed in SEEDS]


def batch_mean(rate: float, a: float, b: float, largest: int = 400) -> float:
    """The exact mean latency where one server computes all that waits, n rows in a·n + b, at Poisson arrivals.

    A batch is what came while the last one ran, and one request where nothing did; a request waits half the time in
    which it came, and takes what its batch takes.
    """
    sizes = np.arange(1, largest + 1)
    seconds = a * sizes + b
    counts = np.arange(largest + 1)
    factorials = np.array([math.lgamma(count + 1) for count in counts])
    came = np.exp(np.outer(np.log(rate * seconds), counts) - rate * seconds[:, None] - factorials)
    steps = came[:, 1:].copy()
    steps[:, 0] += came[:, 0]
    steps /= steps.sum(axis=1, keepdims=True)
    shares = np.full(largest, 1.0 / largest)
    for _ in range(3000):
        shares = shares @ steps
    waited = rate * seconds * seconds / 2.0
    computed = came[:, 1:] @ (sizes * seconds) + came[:, 0] * seconds[0]
    return float(shares @ (waited + computed) / (shares @ (rate * seconds + came[:, 0])))


def test_exponential_services_wait_as_erlang_says() -> None:
    waits = [one.mean_wait for one in runs(2.4, Linear(0.0, 1.0, exponential()), 600_000, slots=4)]

    assert fmean(waits) == pytest.approx(queueing.mmc(2.4, 1.0, 4).average(), rel=0.01)


def test_equally_long_services_wait_as_crommelin_says() -> None:
    waits = [one.mean_wait for one in runs(2.8, Linear(0.0, 1.0), 600_000, slots=4)]

    assert fmean(waits) == pytest.approx(queueing.mdc_wait(2.8, 1.0, 4), rel=0.01)


@pytest.mark.parametrize("rate", [20.0, 80.0, 250.0])
def test_batches_take_as_long_as_their_chain_says_and_no_longer_than_the_bound(rate: float) -> None:
    latency = fmean(one.mean_latency for one in runs(rate, Linear(0.003, 0.02), 60_000, batch=100_000))

    assert latency == pytest.approx(batch_mean(rate, 0.003, 0.02), rel=0.01)
    assert 0.95 < latency / queueing.batching_mean(rate, 0.003, 0.02) < 1.005


def test_latencies_of_one_exponential_server_are_exponential() -> None:
    """With rate μ - λ."""
    results = runs(0.5, Linear(0.0, 1.0, exponential()), 250_000)

    assert fmean(one.quantile(0.95) for one in results) == pytest.approx(-math.log(0.05) / 0.5, rel=0.015)
    assert fmean(one.attainment for one in results) == pytest.approx(1.0 - math.exp(-0.5), rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("servers", "utilisation"), [(1, 0.7), (10, 0.8), (40, 0.9)])
def test_under_heavy_load_too(servers: int, utilisation: float) -> None:
    """Theory is asked about the rate at which requests did come: a thousandth of it is a hundredth of the wait."""
    rate = servers * utilisation
    markov = runs(rate, Linear(0.0, 1.0, exponential()), 1_500_000, servers)
    constant = runs(rate, Linear(0.0, 1.0), 1_500_000, servers)

    came = fmean(one.came for one in markov) / (math.ceil(1_500_000 / rate) - markov[0].since)
    assert came == pytest.approx(rate, rel=0.001)
    assert fmean(one.mean_wait for one in markov) == pytest.approx(queueing.mmc(came, 1.0, servers).average(), rel=0.01)
    assert fmean(one.mean_wait for one in constant) == pytest.approx(queueing.mdc_wait(came, 1.0, servers), rel=0.01)
