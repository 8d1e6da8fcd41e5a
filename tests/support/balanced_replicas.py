"""Real servers on this machine behind a small balancer, with as many of them as an autoscaler of the simulation wants.

The balancer sends each request to the replica that holds fewest. It counts what a monitoring system would, and the
autoscaler is told of these processes what it is told of simulated pods, in the same words.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

from mlsystem.capacity.profiling.open_loop import HOST, LOST, SPIN_SECONDS, Answer, Connection, Offer, Outcome
from mlsystem.capacity.profiling.server import end, free_port
from mlsystem.capacity.simulation.fleet import added
from mlsystem.capacity.simulation.layout import Counters
from mlsystem.capacity.simulation.metrics import NOTHING, History, Scrape
from mlsystem.capacity.simulation.scaling import PodView, Scaler, View
from mlsystem.capacity.simulation.setting import Metrics
from mlsystem_runtime.contract.names import DIE_WITH_PARENT

LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 15.0
Command = Callable[[int], Sequence[str]]
"""The command line of a server on a port."""


@dataclass(eq=False)
class Replica:
    """One process. Times are seconds from the beginning; `held` requests wait for it."""

    number: int
    port: int
    process: subprocess.Popen[bytes]
    created: float
    now: Callable[[], float]
    ready_since: float | None = None
    leaving: bool = False
    idle: list[Connection] = field(default_factory=list)
    held: int = 0
    held_seconds: float = 0.0
    routed: int = 0
    touched: float = 0.0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def ask(self, outcome: Outcome, request: bytes) -> None:
        self._touch()
        self.held += 1
        self.routed += 1
        if self.idle:
            self.idle.pop().ask(outcome, request)
        else:
            task = asyncio.create_task(self._ask_anew(outcome, request))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def answered(self, outcome: Outcome, status: int, timing: bytes = b"") -> None:
        self._touch()
        self.held -= 1
        outcome.answers.append(Answer(self.now(), status, timing))

    def gone(self, connection: Connection) -> None:
        if connection in self.idle:
            self.idle.remove(connection)

    def counters(self) -> Counters:
        """Busy slots cannot be seen from here."""
        self._touch()
        return 0.0, self.held_seconds, float(self.routed)

    async def end(self) -> None:
        for connection in tuple(self.idle):
            connection.abort()
        await asyncio.to_thread(end, self.process)

    def _touch(self) -> None:
        now = self.now()
        self.held_seconds += self.held * (now - self.touched)
        self.touched = now

    async def _ask_anew(self, outcome: Outcome, request: bytes) -> None:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self), HOST, self.port
            )
        except OSError:
            self.answered(outcome, LOST)
        else:
            connection.ask(outcome, request)


class Replicas:
    """`initial` of them are ready before the first request; `command` starts one."""

    def __init__(self, command: Command, initial: int, scaler: Scaler, metrics: Metrics) -> None:
        self._command, self._scaler, self._metrics = command, scaler, metrics
        self._history = History(metrics.lag, metrics.longest_window)
        self._desired = initial
        self._all: list[Replica] = []
        self._retired: Counters = NOTHING
        self._memory: Any = None
        self._began = time.monotonic()
        self.most = initial
        self.cold_starts: list[float] = []

    async def run(
        self, moments: Sequence[float], requests: Sequence[bytes], phases: tuple[float, float]
    ) -> list[Outcome]:
        """A request at each of the moments. `phases`: at which part of their periods scrapes and syncs begin."""
        for _ in range(self._desired):
            self._start()
        background: list[asyncio.Task[None]] = []
        try:
            await self._all_ready()
            self._begin()
            background = [
                asyncio.create_task(self._regularly(self._metrics.scrape, phases[0], self._scrape)),
                asyncio.create_task(self._regularly(min(self._scaler.period, 1e6), phases[1], self._sync)),
                asyncio.create_task(self._look()),
            ]
            chosen = islice(cycle(requests), len(moments))
            asked = enumerate(zip(moments, chosen, strict=True))
            outcomes = [await self._send(number, moment, request) for number, (moment, request) in asked]
            until = self._now() + PATIENCE_SECONDS
            while any(not outcome.answers for outcome in outcomes) and self._now() < until:
                await asyncio.sleep(LOOK_SECONDS)
            return outcomes
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await asyncio.gather(*(replica.end() for replica in self._all))

    @property
    def _wanted(self) -> list[Replica]:
        return [replica for replica in self._all if not replica.leaving]

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _begin(self) -> None:
        """Time counts from here; what is there is as old as it is."""
        self._began = time.monotonic()
        for replica in self._all:
            replica.created = replica.ready_since = replica.touched = 0.0

    def _start(self) -> None:
        port = free_port()
        process = subprocess.Popen(
            self._command(port), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, DIE_WITH_PARENT: f"{os.getpid()}"},
        )  # fmt: skip
        number = self._all[-1].number + 1 if self._all else 0
        self._all.append(Replica(number, port, process, self._now(), self._now))

    async def _all_ready(self) -> None:
        async with asyncio.timeout(120.0):
            while not all([await answers(replica.port) for replica in self._all]):
                await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        """Notices what has become ready, and what has left."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for replica in tuple(self._all):
                if replica.ready_since is None and not replica.leaving and await answers(replica.port):
                    replica.ready_since = replica.touched = self._now()
                    self.cold_starts.append(replica.ready_since - replica.created)
                if replica.leaving and not replica.held:
                    self._retired = added(self._retired, replica.counters())
                    self._all.remove(replica)
                    await replica.end()

    async def _regularly(self, period: float, phase: float, work: Callable[[], None]) -> None:
        due = period * phase
        while True:
            await asyncio.sleep(max(0.0, due - self._now()))
            work()
            due += period

    def _scrape(self) -> None:
        pods, total = {}, self._retired
        for replica in self._all:
            if replica.ready_since is not None:
                total = added(total, replica.counters())
                if not replica.leaving:
                    pods[replica.number] = replica.ready_since, replica.counters()
        self._history.add(Scrape(self._now(), pods, total))

    def _sync(self) -> None:
        now = self._now()
        view = View(
            now, self._desired, len(self._all),
            tuple(PodView(one.number, one.created, one.ready_since) for one in self._wanted),
            lambda window: self._history.usage(now, window), lambda window: self._history.total(now, window),
            self._history.newest(now),
        )  # fmt: skip
        self._desired, self._memory = self._scaler.decide(view, self._memory)
        self.most = max(self.most, self._desired)
        for _ in range(self._desired - len(self._wanted)):
            self._start()
        last = sorted(self._wanted, key=lambda one: (one.ready_since is not None, -(one.ready_since or 0), -one.number))
        for replica in last[: max(0, len(last) - self._desired)]:
            replica.leaving = True

    async def _send(self, number: int, moment: float, request: bytes) -> Outcome:
        """To the one that holds fewest; of equals each comes first in turn."""
        await asyncio.sleep(max(0.0, moment - self._now() - SPIN_SECONDS))
        while self._now() < moment:
            await asyncio.sleep(0)
        outcome = Outcome(Offer(moment), self._now())
        ready = [replica for replica in self._wanted if replica.ready_since is not None]
        start = number % len(ready)
        min(ready[start:] + ready[:start], key=lambda one: one.held).ask(outcome, request)
        return outcome


async def answers(port: int) -> bool:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return (await reader.readline()).startswith(b"HTTP/1.1 200")
        finally:
            writer.close()
    return False
