"""The pods of one Deployment: created, ready, leaving, dead; and what its controller does to have as many as wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from mlsystem.capacity.simulation.draws import uniform
from mlsystem.capacity.simulation.engine import Engine
from mlsystem.capacity.simulation.layout import COLD_START, NOBODY, VICTIM, Counters
from mlsystem.capacity.simulation.metrics import NOTHING
from mlsystem.capacity.simulation.setting import NodeDrain, Pods, RollingUpdate


@dataclass(frozen=True, slots=True)
class Pod:
    """`place` is where the engine has it. A dead one that nobody noticed yet is still sent requests, and counted."""

    number: int
    place: int
    zone: int
    generation: int
    created: float
    ready_since: float | None = None
    leaving: bool = False
    dead: bool = False

    @property
    def ready(self) -> bool:
        return self.ready_since is not None and not self.leaving and not self.dead


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are from `time` on; `existing` ones cost money."""

    time: float
    desired: int
    ready: int
    existing: int


class Fleet:
    """`will_be_ready(pod, when)` is told of every pod that is started."""

    def __init__(self, engine: Engine, pods: Pods, since: float, will_be_ready: Callable[[Pod, float], None]) -> None:
        self.pods: dict[int, Pod] = {}
        self.desired = pods.initial
        self.replica_seconds = 0.0
        self.counts: list[Count] = []
        self._engine, self._setting, self._since, self._will_be_ready = engine, pods, since, will_be_ready
        self._closed_zones: set[int] = set()
        self._started = self._losses = self._generation = 0
        self._update = RollingUpdate(0.0)
        self._drain = NodeDrain(0.0)
        self._evicted: list[int] = []
        self._retired: Counters = NOTHING
        for _ in range(pods.initial):
            self.ready(self._start(0.0).number, 0.0)
        self.settle(0.0)

    @property
    def wanted(self) -> list[Pod]:
        """All that do not leave, in the order of their creation."""
        return [pod for pod in self.pods.values() if not pod.leaving]

    def want(self, replicas: int, now: float) -> None:
        """Mostly the same as before, and then nothing is to be done unless a pod may have left."""
        if replicas != self.desired or any(pod.leaving for pod in self.pods.values()):
            self.desired = replicas
            self.settle(now)

    def ready(self, number: int, now: float) -> None:
        """Nothing happens where the pod is gone already, or leaves."""
        pod = self.pods.get(number)
        if pod is not None and not pod.leaving and not pod.dead:
            self.pods[number] = replace(pod, ready_since=now)

    def lose(self, count: int, now: float, unnoticed: bool) -> list[Pod]:
        """So many ready pods die, any of them; returns which."""
        alive = [pod for pod in self.pods.values() if pod.ready]
        lost: list[Pod] = []
        while alive and len(lost) < count:
            self._losses += 1
            lost.append(alive.pop(int(uniform(self._engine.rules.key, VICTIM, self._losses) * len(alive))))
        self.die(lost, now, unnoticed)
        return lost

    def lose_zone(self, zone: int, now: float, unnoticed: bool) -> list[Pod]:
        self._closed_zones.add(zone)
        lost = [pod for pod in self.pods.values() if pod.zone == zone and not pod.dead]
        self.die(lost, now, unnoticed)
        return lost

    def open_zone(self, zone: int) -> None:
        self._closed_zones.discard(zone)

    def die(self, pods: Iterable[Pod], now: float, unnoticed: bool) -> None:
        for pod in pods:
            hole = unnoticed and pod.ready
            self._engine.kill(pod.place, now, hole)
            if hole:
                self.pods[pod.number] = replace(pod, dead=True)
                self._charge(pod, now)
            else:
                self._remove(pod, now)

    def notice(self, pods: Iterable[Pod], now: float) -> None:
        """Pods that died are not sent requests any more, and are replaced."""
        for pod in pods:
            if pod.number in self.pods:
                self._remove(self.pods[pod.number], now)

    def drain(self, drain: NodeDrain) -> None:
        self._drain = drain
        self._evicted = [pod.number for pod in self.pods.values() if pod.ready][: drain.pods]

    def update(self, update: RollingUpdate) -> None:
        self._update = update
        self._generation += 1

    def settle(self, now: float) -> None:
        """Goes as far towards what is desired as may be now. To be called after every change."""
        self._sweep(now)
        self._evict(now)
        self._shrink(now)
        self._grow(now)
        routed = [pod for pod in self.pods.values() if pod.ready or pod.dead]
        self._engine.route([pod.place for pod in routed])
        self._engine.hand_over(now)
        ready = sum(pod.ready for pod in routed)
        count = Count(now, self.desired, ready, sum(not pod.dead for pod in self.pods.values()))
        if self.counts and self.counts[-1].time == now:
            del self.counts[-1]
        if not self.counts or replace(self.counts[-1], time=now) != count:
            self.counts.append(count)

    def end(self, now: float) -> None:
        """Charges what there is still."""
        self._sweep(now)
        for pod in self.pods.values():
            self._charge(pod, now)

    def counters(self, now: float) -> tuple[dict[int, tuple[float, Counters]], Counters]:
        """Of pods that are ready, by number with the moment since when; and the sum over all that ever were, with what
        an activator holds."""
        found, total, counters = {}, self._retired, self._engine.counters(now)
        if (activator := self._engine.rules.activator) != NOBODY:
            total = added(total, counters[activator])
        for pod in self.pods.values():
            if pod.ready_since is not None and not pod.dead:
                total = added(total, counters[pod.place])
                if not pod.leaving:
                    found[pod.number] = pod.ready_since, counters[pod.place]
        return found, total

    def _start(self, now: float) -> Pod:
        zones = [zone for zone in range(self._setting.zones) if zone not in self._closed_zones] or [0]
        crowds = [sum(pod.zone == zone for pod in self.wanted) for zone in zones]
        zone = zones[crowds.index(min(crowds))]
        pod = Pod(self._started, self._engine.open(now), zone, self._generation, now)
        drawn = uniform(self._engine.rules.key, COLD_START, pod.number) * len(self._setting.cold_starts)
        self.pods[pod.number] = pod
        self._started += 1
        if now > 0.0 or self._started > self._setting.initial:
            self._will_be_ready(pod, now + self._setting.cold_starts[int(drawn)])
        return pod

    def _sweep(self, now: float) -> None:
        """What leaves is gone once it has answered all that it held."""
        for pod in [pod for pod in self.pods.values() if pod.leaving and not self._engine.held(pod.place)]:
            self._remove(pod, min(now, self._engine.left_at(pod.place)))

    def _evict(self, now: float) -> None:
        while self._evicted:
            pod = self.pods.get(self._evicted[0])
            if pod is not None and pod.ready:
                if self._ready() - 1 < self.desired - self._drain.unavailable:
                    return
                self._leave(pod, now)
            del self._evicted[0]

    def _grow(self, now: float) -> None:
        pods = self.wanted
        new = sum(pod.generation == self._generation for pod in pods)
        most = self.desired + (self._update.surge if new < len(pods) else 0)
        for _ in range(min(self.desired - new, most - len(pods))):
            self._start(now)

    def _shrink(self, now: float) -> None:
        """Old pods go as new ones are ready. Otherwise those that are not ready go first, then the latest ones."""
        old = [pod for pod in self.wanted if pod.generation < self._generation and not pod.dead]
        new = [pod for pod in self.wanted if pod.generation == self._generation and not pod.dead]
        spare = self._ready() - (self.desired - self._update.unavailable)
        for pod in old:
            if not pod.ready or spare > 0:
                self._leave(pod, now)
                spare -= pod.ready
        new.sort(key=lambda pod: (pod.ready, -(pod.ready_since or 0.0), -pod.number))
        for pod in new[: max(0, len(new) - self.desired)]:
            self._leave(pod, now)

    def _ready(self) -> int:
        return sum(pod.ready for pod in self.pods.values())

    def _leave(self, pod: Pod, now: float) -> None:
        if self._engine.held(pod.place):
            self.pods[pod.number] = replace(pod, leaving=True)
        else:
            self._remove(pod, now)

    def _remove(self, pod: Pod, now: float) -> None:
        self._retired = added(self._retired, self._engine.counters(now)[pod.place])
        self._engine.close(pod.place)
        if not pod.dead:
            self._charge(pod, now)
        del self.pods[pod.number]

    def _charge(self, pod: Pod, now: float) -> None:
        if not pod.dead:
            self.replica_seconds += max(0.0, now - max(pod.created, self._since))


def added(one: Counters, other: Counters) -> Counters:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]
