"""One configuration in all scenarios, replication by replication, for as long as it can still hold the objectives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist, fmean, stdev

import numpy as np

from mlsystem.capacity.candidates import Replica, metrics, scaler
from mlsystem.capacity.certificate import Interval, Settings
from mlsystem.capacity.fluid import answered_at_most
from mlsystem.capacity.scenarios import PEAK, Scenario
from mlsystem.capacity.simulation.result import Result, Stretch
from mlsystem.capacity.simulation.routing import MARGIN
from mlsystem.capacity.simulation.service_times import ServiceTimes
from mlsystem.capacity.simulation.setting import PATIENCE, Objective, Pods, Routing, Server, Setting
from mlsystem.capacity.simulation.simulate import simulate
from mlsystem.capacity.traffic import Floats
from mlsystem_runtime.contract.run import Slo

REPLICATIONS = 20
CONFIDENCE = 0.95
LARGEST_BATCH = 1024  # of the runtime's serve/service_time.py
WORST = 300.0
LATE = 0.1  # of what is let in, by chance


@dataclass(frozen=True)
class Endpoint:
    """What is asked of whom: the objectives, a replica, how it starts, how requests find it."""

    slo: Slo
    service: ServiceTimes
    replica: Replica
    cold_starts: tuple[float, ...]
    routing: Routing = Routing.RANDOM

    @property
    def threshold(self) -> float:
        return PATIENCE if self.slo.latency_us is None else self.slo.latency_us / 1e6

    @cached_property
    def most(self) -> float:
        """Requests a second of one replica, in the batches in which it answers most."""
        return max(float((busy / self._each[busy]).max()) for busy in range(1, self.replica.slots + 1))

    @cached_property
    def dearest(self) -> float:
        """Seconds of a slot for one request, in the batches in which that is most."""
        return float(self._each[1:].max())

    @cached_property
    def _each(self) -> Floats:
        """Seconds for one request, by slots that compute (from 0, of no meaning) and rows of its batch (from 1)."""
        slots, rows = self.replica.slots, np.arange(1, LARGEST_BATCH + 1)
        tables = self.service.tables(slots, LARGEST_BATCH)
        return np.stack([tables.means(busy)[1:] / rows for busy in range(slots + 1)])

    def limits(self, scenario: Scenario, replicas: Floats) -> dict[str, float]:
        """By promise, at most this share of the requests is kept with so many replicas in each second."""
        rates, most = scenario.trace.rates, self.most * replicas
        late = PATIENCE if self.slo.latency_us is None else min(PATIENCE, self.threshold + self.late * PATIENCE)
        return {
            name: answered_at_most(rates, most, patience, scenario.since)
            for name, patience in (("latency", self.threshold), ("availability", late))
        }

    @property
    def late(self) -> float:
        """At most this share of what a server lets in it answers late, since a batch takes longer than it believes: all
        that it does beyond the margin of admission, and some by chance."""
        a, b = self.service.line
        believed = a + b / np.arange(1, LARGEST_BATCH + 1)
        return LATE + max(0.0, 1.0 - float((believed / self._each[1:]).min()) / (1.0 - MARGIN))

    def setting(self, settings: Settings, scenario: Scenario) -> Setting:
        first = int(self.replica.wanted(settings, scenario.trace.rates[:60].mean(keepdims=True))[0])
        budget = None if self.slo.latency_us is None else self.threshold
        return Setting(
            Server(self.service, self.replica.slots, LARGEST_BATCH, budget=budget),
            Objective(self.threshold, since=float(scenario.since)),
            Pods(first, self.cold_starts), self.routing, metrics(settings), scaler(settings, self.replica),
            scenario.failures(first),
        )  # fmt: skip

    def run(self, settings: Settings, scenario: Scenario, seed: int, replication: int) -> Outcome:
        result = simulate(self.setting(settings, scenario), scenario.trace, seed=seed, replication=replication)
        return outcome_of(result, scenario, self.slo.objective)


@dataclass(frozen=True)
class Outcome:
    """Of one replication: shares of all requests, the latency at the objective's percentile (0 where nobody asked), and
    how many replicas there were, those of an update included."""

    came: int
    attainment: float
    availability: float
    latency: float
    replicas: float
    most: int
    worst: Stretch

    def share(self, promise: str) -> float:
        return self.attainment if promise == "latency" else self.availability


def outcome_of(result: Result, scenario: Scenario, objective: float | None) -> Outcome:
    latency = result.quantile(objective or 0.95) if result.answered else math.inf if result.came else 0.0
    return Outcome(
        int(result.windows.sum(axis=0)[0]), result.attainment, result.availability, latency,
        result.replica_seconds / scenario.seconds, max(count.existing for count in result.counts),
        result.worst(WORST),
    )  # fmt: skip


def promises(slo: Slo) -> dict[str, float]:
    """The share that is promised, by its key in `slo`."""
    written = {"latency": slo.objective, "availability": slo.availability}
    return {name: share for name, share in written.items() if share is not None}


def interval(values: Sequence[float]) -> Interval:
    """Student's, of means over independent replications; one alone says nothing of how far others are."""
    mean = fmean(values)
    if len(values) == 1:
        return Interval(mean, -math.inf, math.inf)
    half = student(CONFIDENCE, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Interval(mean, mean - half, min(1.0, mean + half))


def student(confidence: float, freedom: int) -> float:
    """The two-sided quantile of the t distribution, by Fisher and Cornish's series (1960): to 1% from 3 degrees of
    freedom on, to 0.01% from 15 on."""
    z = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    return (
        z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )  # fmt: skip


@dataclass
class Trial:
    """What is known of one configuration so far. The only value here that changes: replications are added."""

    settings: Settings
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    refuted_by: str = ""

    @property
    def replications(self) -> int:
        return min(map(len, self.outcomes.values()), default=0)

    def shares(self, scenario: Scenario, promise: str) -> list[float]:
        """By replication; of a failure, of an hour of the peak in which it happens."""
        found = [one.share(promise) for one in self.outcomes[scenario.name]]
        if scenario.share == 1.0:
            return found
        usual = [one.share(promise) for one in self.outcomes[PEAK]]
        return [scenario.share * one + (1.0 - scenario.share) * other for one, other in zip(found, usual, strict=False)]

    def interval(self, scenario: Scenario, promise: str) -> Interval:
        return interval(self.shares(scenario, promise))

    def holds(self, slo: Slo, scenarios: Sequence[Scenario]) -> bool:
        return all(
            self.interval(scenario, promise).low >= share
            for scenario in scenarios for promise, share in promises(slo).items()
        )  # fmt: skip

    def lost(self, slo: Slo, scenario: Scenario) -> bool:
        """Whether more replications could not save it: even the upper bound is below an objective, or, of one alone,
        twice as much is bad as may be."""
        return any(hopeless(self.shares(scenario, promise), share) for promise, share in promises(slo).items())


def hopeless(shares: Sequence[float], objective: float) -> bool:
    if len(shares) < 3:
        return fmean(shares) < objective - (1.0 - objective)
    return interval(shares).high < objective


class Runner:
    """Simulates, and counts what it simulated. A scenario in which a configuration failed is the first of the next."""

    def __init__(self, endpoint: Endpoint, scenarios: Sequence[Scenario], seed: int) -> None:
        self.endpoint, self.seed, self.requests = endpoint, seed, 0
        self._order = list(scenarios)
        self._peak = next(scenario for scenario in scenarios if scenario.name == PEAK)

    def advance(self, trial: Trial, replications: int) -> bool:
        """Up to so many replications of each scenario; whether it can still hold the objectives, and with all of them
        whether it does."""
        return all(self._run(trial, scenario, replications) for scenario in tuple(self._order))

    def _run(self, trial: Trial, scenario: Scenario, replications: int) -> bool:
        alive = all(self._one(trial, scenario, replication) for replication in range(replications))
        if alive and (replications < REPLICATIONS or trial.holds(self.endpoint.slo, [scenario])):
            return True
        trial.refuted_by = scenario.name if scenario.name in trial.outcomes else PEAK
        self._order.remove(scenario)
        self._order.insert(0, scenario)
        return False

    def _one(self, trial: Trial, scenario: Scenario, replication: int) -> bool:
        if scenario.share < 1.0 and not self._one(trial, self._peak, replication):
            return False
        known = trial.outcomes.setdefault(scenario.name, [])
        if len(known) > replication:
            return True
        known.append(self.endpoint.run(trial.settings, scenario, self.seed, replication))
        self.requests += known[-1].came
        return not trial.lost(self.endpoint.slo, scenario)
