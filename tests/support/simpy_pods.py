"""Pods, their queues and a balancer as processes of simpy: somebody else's idea of what comes after what."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import simpy
from plain_engine import service_time, uniform

from mlsystem.capacity.simulation.layout import Rules


@dataclass
class Trip:
    arrived: float
    pod: int = -1
    start: float = float("nan")
    end: float = float("nan")
    answered: bool = False


@dataclass
class SimpyPod:
    """`rules.slots` workers take from one store, each up to `rules.largest_batch` requests of one row."""

    world: World
    number: int
    held: int = 0
    busy: int = 0
    workers: list[simpy.Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = simpy.Store(self.world.env)
        self.workers = [self.world.env.process(self.work()) for _ in range(self.world.rules.slots)]

    def put(self, number: int) -> None:
        self.held += 1
        self.store.put(number)

    def work(self) -> Generator[Any, Any, None]:
        rules, env = self.world.rules, self.world.env
        while True:
            try:
                first = yield self.store.get()
                batch = [first, *(self.store.items[: rules.largest_batch - 1])]
                del self.store.items[: len(batch) - 1]
                self.busy += 1
                for number in batch:
                    self.world.trips[number].start = env.now
                yield env.timeout(service_time(rules, self.busy, len(batch), first))
            except simpy.Interrupt:
                return
            self.busy -= 1
            self.held -= len(batch)
            for number in batch:
                self.world.trips[number].end = env.now
                self.world.trips[number].answered = True

    def die(self) -> None:
        for worker in self.workers:
            worker.interrupt()
        self.world.ready.remove(self)
        for trip in self.world.trips:
            if trip.pod == self.number and not trip.answered and trip.arrived < self.world.env.now:
                trip.end = self.world.env.now


class World:
    """All pods that are ready get requests, by `choose(ready, number)`."""

    def __init__(self, rules: Rules, moments: Sequence[float], pods: int) -> None:
        self.env, self.rules = simpy.Environment(), rules
        self.trips = [Trip(float(moment)) for moment in moments]
        self.ready: list[SimpyPod] = []
        for _ in range(pods):
            self.start()
        self.env.process(self.arrive())

    def start(self, number: int | None = None) -> None:
        """The balancer knows pods in the order of their numbers, which are given before they are ready."""
        self.ready.append(SimpyPod(self, len(self.ready) if number is None else number))
        self.ready.sort(key=lambda pod: pod.number)

    def at(self, time: float, action: Callable[[], None]) -> None:
        def wait() -> Generator[Any, Any, None]:
            yield self.env.timeout(time)
            action()

        self.env.process(wait())

    def arrive(self) -> Generator[Any, Any, None]:
        for number, trip in enumerate(self.trips):
            yield self.env.timeout(trip.arrived - self.env.now)
            if self.ready:
                pod = self.choose(number)
                trip.pod = pod.number
                pod.put(number)
            else:
                trip.end = trip.arrived

    def choose(self, number: int) -> SimpyPod:
        ready, key = self.ready, self.rules.key
        first = int(uniform(key, 1, number) * len(ready))
        match self.rules.routing:
            case 0:
                start = number % len(ready)
                return min((*ready[start:], *ready[:start]), key=lambda pod: pod.held)
            case 1:
                return ready[first]
            case 2 if len(ready) > 1:
                others = ready[:first] + ready[first + 1 :]
                return min(ready[first], others[int(uniform(key, 2, number) * len(others))], key=lambda pod: pod.held)
        return ready[number % len(ready)]
