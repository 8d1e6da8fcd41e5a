"""The cheapest configuration that holds the objectives in every scenario.

For each choice of metric, target and behaviour the least number of replicas rises from where arithmetic says that it
could do, for as long as simulation refutes it. Of all that is not refuted the cheapest is always the next to be looked
at, each time with more replications (1, 4, 20): so the first that is sure is the answer, and what costs more is never
looked at. The most replicas stay what is written: fewer would neither cost less on average nor hold more.

There is no batch window to choose, and no concurrency: the server takes whatever waits as soon as it can compute, so
that nothing waits for a batch, and a worker computes one batch at a time.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from msgspec.structs import replace

from mlsystem.capacity.candidates import METRICS, families, mean_replicas
from mlsystem.capacity.certificate import Settings
from mlsystem.capacity.inputs import Wanted
from mlsystem.capacity.queueing import Service, servers_within
from mlsystem.capacity.scenarios import CROWD, PEAK, Scenario
from mlsystem.capacity.traffic import MINUTE, Floats, Trace
from mlsystem.capacity.trials import REPLICATIONS, Endpoint, Runner, Trial, promises

RUNGS: Final = (1, 4, REPLICATIONS)
CHANCE: Final = 0.1  # of what may be bad: by so much simulations may be better than what is expected of them
NOISE: Final = 1.5  # at most so much more than there is, and one replica, is an autoscaler asked for by chance
SCRAPE: Final = 15  # seconds of which an autoscaler sees the mean, or of more
ROUGHLY: Final = 0.9  # of what arithmetic says a configuration may cost in truth, so little at least


@dataclass(frozen=True)
class Question:
    """`day` is all the traffic; `replica_month` dollars for a replica that is there all the time."""

    endpoint: Endpoint
    wanted: Wanted
    day: Trace
    scenarios: tuple[Scenario, ...]
    replica_month: float
    seed: int

    def cost(self, settings: Settings) -> float:
        """Dollars a month, by arithmetic."""
        return mean_replicas(settings, self.endpoint.replica, self.day) * self.replica_month

    def affordable(self, cost: float) -> bool:
        return self.wanted.max_cost is None or cost <= self.wanted.max_cost


@dataclass(order=True)
class Entry:
    """In the order in which configurations are looked at: by cost, then as they are preferred."""

    cost: float
    preference: int
    rung: int = field(compare=False)
    trial: Trial = field(compare=False)


class Search:
    """`found` gives every configuration that holds, the cheapest first, and does no more than is asked of it.

    With fewer `rungs` it is less sure of what it finds.
    """

    def __init__(self, question: Question, rungs: tuple[int, ...] = RUNGS) -> None:
        self.question = question
        self._rungs = rungs
        self.runner = Runner(question.endpoint, question.scenarios, question.seed)
        self.refuted: list[Trial] = []
        self._queue: list[Entry] = []
        self._static = False
        self._all = Trial(always(question.wanted, question.wanted.max_replicas))
        for preference, settings in enumerate(families(question.wanted, question.endpoint.replica)):
            self._push(replace(settings, min_replicas=self._first(settings)), preference)

    def found(self) -> Iterator[Trial]:
        if self._beyond() or self._too_few(1):
            return
        surely = False
        while self._queue:
            entry = heapq.heappop(self._queue)
            if not self._stands(entry):
                self.refuted.append(entry.trial)
                if entry.rung + 1 == len(self._rungs) and not surely:
                    if self._too_few(self._rungs[-1]):
                        return
                    surely = True
                self._higher(entry)
            elif entry.rung + 1 < len(self._rungs):
                heapq.heappush(self._queue, Entry(entry.cost, entry.preference, entry.rung + 1, entry.trial))
            else:
                yield entry.trial
                self._higher(entry)

    def _beyond(self) -> bool:
        """Whether arithmetic alone refutes all that may be."""
        if not beyond(self.question, self.question.wanted.max_replicas):
            return False
        self.refuted.append(self._all)
        return True

    def _too_few(self, replications: int) -> bool:
        """Whether all replicas that there may be, all the time, could not hold it: then no autoscaler can. It is asked
        again, with all replications, where one was refuted by no fewer: what all of them miss by little would
        otherwise be looked at with every target."""
        wanted = self.question.wanted
        cost = wanted.max_replicas * self.question.replica_month
        if wanted.min_replicas is not None or not self.question.affordable(cost):
            return False
        if self.runner.advance(self._all, replications):
            return False
        self.refuted.append(self._all)
        return True

    def _stands(self, entry: Entry) -> bool:
        """After so many replications as its rung has."""
        trial = entry.trial
        return self.runner.advance(trial, self._rungs[entry.rung])

    def _higher(self, entry: Entry) -> None:
        settings = entry.trial.settings
        if self.question.wanted.min_replicas is None and settings.min_replicas < settings.max_replicas:
            self._push(replace(settings, min_replicas=settings.min_replicas + 1), entry.preference)

    def _push(self, settings: Settings, preference: int) -> None:
        if settings.min_replicas == settings.max_replicas:
            if self._static:
                return  # with one number there is nothing to decide, whatever the metric
            self._static = True
        cost = self.question.cost(settings)
        if self.question.affordable(cost * ROUGHLY):
            heapq.heappush(self._queue, Entry(cost, preference, 0, Trial(settings)))

    def _first(self, settings: Settings) -> int:
        """Where the least number of replicas begins."""
        if self.question.wanted.min_replicas is not None:
            return settings.min_replicas
        return min(settings.max_replicas, max(settings.min_replicas, fewest(self.question, settings)))


def always(wanted: Wanted, replicas: int) -> Settings:
    """So many all the time: metric and target mean nothing."""
    metric = wanted.metric or METRICS[wanted.controller][0]
    return Settings(wanted.controller, metric, wanted.target or 0.5, replicas, replicas)


def beyond(question: Question, replicas: int) -> bool:
    """Whether so many, all the time, could not answer what comes if they did nothing but their largest batches."""
    return any(
        impossible(question, scenario, np.full(scenario.trace.seconds, float(replicas)))
        for scenario in question.scenarios if scenario.share == 1.0
    )  # fmt: skip


def impossible(question: Question, scenario: Scenario, replicas: Floats) -> bool:
    """Whether a promise could not be held with so many replicas in each second."""
    limits = question.endpoint.limits(scenario, replicas)
    return any(
        limits[promise] < share - CHANCE * (1.0 - share) for promise, share in promises(question.endpoint.slo).items()
    )


def fewest(question: Question, settings: Settings) -> int:
    """The least `min_replicas` that could do, by arithmetic that is on its side: batches as large as they can be, one
    queue for all, no delay but the cold start, no failure but too much traffic."""
    return max(for_the_rise(question, settings), for_the_peak(question, settings))


def for_the_rise(question: Question, settings: Settings) -> int:
    """While new replicas start, those that were there have to answer."""
    crowd = next(one for one in question.scenarios if one.name == CROWD)
    asked = asked_for(question, settings, crowd)
    return bisect_left(
        range(settings.max_replicas), True,
        key=lambda least: not impossible(question, crowd, np.maximum(asked, float(least))),
    )  # fmt: skip


def asked_for(question: Question, settings: Settings, crowd: Scenario) -> Floats:
    """Replicas that can be there in each second because an autoscaler asked for them: as many as the highest rate that
    it saw a cold start ago is worth, or all where it counts requests that are held, of which a queue may have any
    number."""
    endpoint, seconds = question.endpoint, crowd.trace.seconds
    rates = seen(crowd, 1 if settings.controller == "knative" else SCRAPE)
    dear = endpoint.dearest / endpoint.replica.seconds if settings.metric == "cpu" else 1.0
    rest = endpoint.replica.wanted(replace(settings, min_replicas=1), rates * max(1.0, dear))
    most = np.floor(rest * by_chance(rates * SCRAPE) + 1.0)
    if settings.metric == "concurrency":
        most[rates > rates[0]] = settings.max_replicas
    cold = min(math.floor(min(endpoint.cold_starts)), seconds)
    there = np.concatenate([np.full(cold, most[0]), most[: seconds - cold]])
    within: Floats = np.minimum(there, float(settings.max_replicas))
    return within


def seen(crowd: Scenario, window: int) -> Floats:
    """The highest mean of so many seconds up to each, and of the first minute, from which the fleet has its size."""
    rates = crowd.trace.rates
    sums = np.concatenate([np.zeros(window), np.cumsum(rates)])
    means = (sums[window:] - sums[:-window]) / window
    means[: 2 * window] = rates[: 2 * window]
    highest: Floats = np.maximum.accumulate(np.maximum(means, rates[:MINUTE].mean()))
    return highest


def by_chance(requests: Floats) -> Floats:
    """By which factor more may be measured of so many requests than is expected: eight standard deviations, where one
    takes as much now and then as an exponential time."""
    factor: Floats = np.minimum(NOISE, 1.0 + 8.0 * np.sqrt(2.0 / np.maximum(requests, 1.0)))
    return factor


def for_the_peak(question: Question, settings: Settings) -> int:
    """Once all have started, by Erlang's formula; 0 where the autoscaler goes there by itself."""
    endpoint = question.endpoint
    rate = next(one for one in question.scenarios if one.name == PEAK).mean
    alone = Service.of([min(endpoint.replica.slots / endpoint.most, endpoint.threshold)])
    servers = servers_within(rate, alone, 1.0 - 2.0 * spare(endpoint), endpoint.threshold)
    needed = settings.max_replicas if servers is None else math.ceil(servers / endpoint.replica.slots)
    return 0 if endpoint.replica.wanted(settings, np.array([rate]))[0] >= needed else needed


def spare(endpoint: Endpoint) -> float:
    """The share of requests that may be bad."""
    return 1.0 - max(promises(endpoint.slo).values())
