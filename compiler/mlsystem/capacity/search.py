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
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from msgspec.structs import replace

from mlsystem.capacity.candidates import METRICS, families, mean_replicas
from mlsystem.capacity.certificate import Settings
from mlsystem.capacity.inputs import Wanted
from mlsystem.capacity.queueing import Service, servers_within
from mlsystem.capacity.scenarios import CROWD, PEAK, Scenario, ends_of_rise
from mlsystem.capacity.traffic import Trace
from mlsystem.capacity.trials import REPLICATIONS, Endpoint, Runner, Trial, promises

RUNGS: Final = (1, 4, REPLICATIONS)
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
        for preference, settings in enumerate(families(question.wanted, question.endpoint.replica)):
            self._push(replace(settings, min_replicas=self._first(settings)), preference)

    def found(self) -> Iterator[Trial]:
        if self._too_few():
            return
        while self._queue:
            entry = heapq.heappop(self._queue)
            if not self._stands(entry):
                self.refuted.append(entry.trial)
                self._higher(entry)
            elif entry.rung + 1 < len(self._rungs):
                heapq.heappush(self._queue, Entry(entry.cost, entry.preference, entry.rung + 1, entry.trial))
            else:
                yield entry.trial
                self._higher(entry)

    def _too_few(self) -> bool:
        """Whether all replicas that there may be, all the time, could not hold it: then no autoscaler can."""
        wanted = self.question.wanted
        cost = wanted.max_replicas * self.question.replica_month
        if wanted.min_replicas is not None or not self.question.affordable(cost):
            return False
        trial = Trial(always(wanted, wanted.max_replicas))
        if self.runner.advance(trial, 1):
            return False
        self.refuted.append(trial)
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


def fewest(question: Question, settings: Settings) -> int:
    """The least `min_replicas` that could do, by arithmetic that is on its side: batches as large as they can be, one
    queue for all, no delay but the cold start, no failure but too much traffic."""
    return max(for_the_rise(question, settings), for_the_peak(question, settings))


def for_the_rise(question: Question, settings: Settings) -> int:
    """While new replicas start, those that were there have to answer all but what may be bad, twice over."""
    endpoint = question.endpoint
    crowd = next(one for one in question.scenarios if one.name == CROWD)
    cold = max(1, round(min(endpoint.cold_starts)))
    before, after = ends_of_rise(crowd.trace, cold)
    there = float(endpoint.replica.wanted(settings, np.array([before]))[0])
    if after <= before or there * 1.5 + 1 >= settings.max_replicas:
        return 0
    requests = float(crowd.trace.rates[crowd.since :].sum())
    needed = (after - 2.0 * spare(endpoint) * requests / cold) / 2.0 / endpoint.most
    return 0 if there * 1.5 + 1 >= needed else math.floor(needed)


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
