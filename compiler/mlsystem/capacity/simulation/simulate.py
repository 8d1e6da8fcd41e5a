"""One simulation: the fleet, its autoscaler and what goes wrong, and the loop over requests between any two events."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from mlsystem.capacity.simulation.draws import uniform
from mlsystem.capacity.simulation.engine import Engine, rules_of
from mlsystem.capacity.simulation.fleet import Fleet, Pod
from mlsystem.capacity.simulation.layout import PHASE, Floats
from mlsystem.capacity.simulation.metrics import History, Scrape
from mlsystem.capacity.simulation.result import Log, Result
from mlsystem.capacity.simulation.scaling import Fixed, PodView, View
from mlsystem.capacity.simulation.setting import (
    Failure,
    MetricsOutage,
    NodeDrain,
    PodLoss,
    RollingUpdate,
    Setting,
    ZoneLoss,
)
from mlsystem.capacity.traffic import Trace, arrivals

READY, FAILURE, SCRAPE, TICK = 0, 1, 2, 3
"""What comes first of events at the same time."""

Action = Callable[[float], None]


def simulate(setting: Setting, trace: Trace, *, seed: int, replication: int = 0, detailed: bool = False) -> Result:
    """The same answer for the same arguments, whatever was simulated before. Requests that are still there when the
    trace ends are answered by the fleet as it then is. `detailed`: with latencies by window."""
    moments = arrivals(trace, seed=seed, replication=replication)
    key = key_of(seed, replication)
    return simulate_arrivals(setting, moments, trace.seconds, key=key, detailed=detailed)


def key_of(seed: int, replication: int) -> int:
    """What all chance but that of the arrivals depends on."""
    words = np.random.SeedSequence([seed, replication]).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))


def simulate_arrivals(
    setting: Setting, blocks: Iterable[Floats], seconds: float, *, key: int, log: int = 0, detailed: bool = False
) -> Result:
    """`blocks` are moments of arrival from 0 to `seconds`, in order. Keeps a log of the first `log` requests."""
    simulation = _Simulation(setting, blocks, seconds, key, log, detailed)
    result = simulation.run()
    simulation.let_go()
    return result


class _Simulation:
    def __init__(
        self, setting: Setting, blocks: Iterable[Floats], seconds: float, key: int, log: int, detailed: bool
    ) -> None:
        self._setting, self._seconds = setting, seconds
        rules = rules_of(setting.server, setting.routing, setting.objective, setting.classes, key, setting.activator)
        self._engine = Engine(rules, seconds, log, detailed=detailed)
        self._blocks, self._moments, self._at = iter(blocks), np.empty(0), 0
        self._agenda: list[tuple[float, int, int, Action]] = []
        self._scheduled = 0
        self._fleet = Fleet(self._engine, setting.pods, setting.objective.since, self._start)
        self._history = History(setting.metrics.lag, setting.metrics.longest_window)
        self._blind_until = -math.inf
        self._memory: Any = None
        if not isinstance(setting.scaler, Fixed):
            self._at_time(setting.metrics.scrape * uniform(key, PHASE, 0), SCRAPE, self._scrape)
            self._at_time(setting.scaler.period * uniform(key, PHASE, 1), TICK, self._tick)
        for failure in setting.failures:
            self._at_time(failure.at, FAILURE, partial(self._fail, failure))

    def run(self) -> Result:
        while self._agenda and self._agenda[0][0] < self._seconds:
            now, _, _, action = heapq.heappop(self._agenda)
            self._advance(now)
            action(now)
        self._advance(self._seconds)
        self._fleet.end(self._seconds)
        self._advance(math.inf)
        return self._result()

    def let_go(self) -> None:
        """Of all memory at once: what is to be done refers to who does it, and would wait for a collection."""
        vars(self).clear()

    def _at_time(self, time: float, order: int, action: Action) -> None:
        heapq.heappush(self._agenda, (time, order, self._scheduled, action))
        self._scheduled += 1

    def _advance(self, until: float) -> None:
        """Everything that happens to requests before `until`, those that came earlier before later ones are drawn."""
        while self._at == len(self._moments) or self._moments[-1] < until:
            if self._at < len(self._moments):
                self._at = self._engine.run(self._moments, self._at, self._moments[-1])
            block = next(self._blocks, None)
            if block is None:
                break
            assert not len(block) or block[-1] <= self._seconds
            self._moments, self._at = np.concatenate([self._moments[self._at :], block]), 0
        self._at = self._engine.run(self._moments, self._at, until)

    def _start(self, pod: Pod, when: float) -> None:
        self._at_time(when, READY, partial(self._ready, pod.number))

    def _ready(self, number: int, now: float) -> None:
        self._fleet.ready(number, now)
        self._fleet.settle(now)

    def _scrape(self, now: float) -> None:
        self._at_time(now + self._setting.metrics.scrape, SCRAPE, self._scrape)
        if now >= self._blind_until:
            self._history.add(Scrape(now, *self._fleet.counters(now)))

    def _tick(self, now: float) -> None:
        self._at_time(now + self._setting.scaler.period, TICK, self._tick)
        desired, self._memory = self._setting.scaler.decide(self._view(now), self._memory)
        self._fleet.want(max(0, desired), now)

    def _view(self, now: float) -> View:
        blind = now < self._blind_until
        return View(
            now, self._fleet.desired, len(self._fleet.pods),
            tuple(PodView(pod.number, pod.created, pod.ready_since) for pod in self._fleet.wanted if not pod.dead),
            lambda window: None if blind else self._history.usage(now, window),
            lambda window: None if blind else self._history.total(now, window),
            self._history.newest(now), self._setting.activator is not None,
        )  # fmt: skip

    def _fail(self, failure: Failure, now: float) -> None:
        match failure:
            case PodLoss(_, pods, unnoticed):
                self._lost(self._fleet.lose(pods, now, unnoticed > 0.0), now + unnoticed)
            case ZoneLoss(_, zone, seconds, unnoticed):
                self._lost(self._fleet.lose_zone(zone, now, unnoticed > 0.0), now + unnoticed)
                self._at_time(now + seconds, FAILURE, lambda _: self._fleet.open_zone(zone))
            case NodeDrain():
                self._fleet.drain(failure)
            case RollingUpdate():
                self._fleet.update(failure)
            case MetricsOutage(_, seconds):
                self._blind_until = now + seconds
        self._fleet.settle(now)

    def _lost(self, pods: list[Pod], noticed: float) -> None:
        def notice(now: float) -> None:
            self._fleet.notice(pods, now)
            self._fleet.settle(now)

        self._at_time(noticed, FAILURE, notice)

    def _result(self) -> Result:
        state, objective = self._engine.state, self._setting.objective
        windows = state.windows[: math.ceil(self._seconds / objective.window)].copy()
        windows[-1] += state.windows[len(windows) :].sum(axis=0)
        latencies = state.latencies[: len(windows)]
        return Result(
            objective.window, objective.since, windows, state.histogram, state.sums, self._fleet.replica_seconds,
            tuple(self._fleet.counts), Log(state.log_start, state.log_end, state.log_pod, state.log_outcome),
            latencies,
        )  # fmt: skip
