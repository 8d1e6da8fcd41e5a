"""The simulation's rules for requests once more, as plainly as they can be said: no ring, no heap.

What comes next is looked for among everything, every time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from mlsystem.capacity.simulation.layout import Rules

LEAST_REQUESTS, RANDOM, POWER_OF_TWO, ROUND_ROBIN = range(4)
MASK = 2**64 - 1
OUTCOMES = {"answered": 2, "refused": 3, "timed out": 4, "failed": 5}


def uniform(key: int, stream: int, number: int) -> float:
    """SplitMix64 in Python's whole numbers."""

    def mixed(bits: int) -> int:
        bits = (bits + 0x9E3779B97F4A7C15) & MASK
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & MASK
        return bits ^ (bits >> 31)

    start = mixed(key ^ ((stream * 0xD1342543DE82EF95) & MASK))
    return (mixed((start + number * 0x9E3779B97F4A7C15) & MASK) >> 11) * 2.0**-53


def service_time(rules: Rules, busy: int, rows: int, number: int) -> float:
    rows = min(rows, rules.lower.shape[1] - 1)
    sample = int(uniform(rules.key, 3, number) * rules.curves.shape[1])
    weight = float(rules.weight[busy, rows])
    low, high = (float(rules.curves[table[busy, rows], sample]) for table in (rules.lower, rules.upper))
    return (1.0 - weight) * low + weight * high


def rows_of(rules: Rules, number: int) -> int:
    if len(rules.class_rows) == 1:
        return int(rules.class_rows[0])
    drawn = uniform(rules.key, 4, number)
    place = next((place for place, end in enumerate(rules.class_ends) if drawn < end), len(rules.class_ends) - 1)
    return int(rules.class_rows[place])


@dataclass
class Request:
    number: int
    arrived: float
    rows: int
    pod: int = -1
    start: float = math.nan
    end: float = math.nan
    outcome: str = ""


@dataclass
class Batch:
    begun: int
    end: float
    expected: float
    requests: list[Request]


@dataclass
class Pod:
    black_hole: bool = False
    waiting: list[Request] = field(default_factory=list)
    late: list[Request] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    busy_seconds: float = 0.0
    held_seconds: float = 0.0
    routed: int = 0
    touched: float = 0.0

    @property
    def held(self) -> int:
        return len(self.waiting) + len(self.late) + sum(len(batch.requests) for batch in self.batches)

    def touch(self, now: float) -> None:
        self.busy_seconds += len(self.batches) * (now - self.touched)
        self.held_seconds += self.held * (now - self.touched)
        self.touched = now


class PlainEngine:
    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.pods: dict[int, Pod] = {}
        self.routable: list[int] = []
        self.requests: list[Request] = []
        self._begun = 0

    def run(self, moments: Iterable[float], until: float) -> None:
        """All before `until`; every one of `moments` is before it."""
        coming = list(moments)
        while True:
            expiring = min(self._waiting(), key=lambda one: one.number, default=None)
            ending = min(
                ((batch.end, batch.begun, place) for place, pod in self.pods.items() for batch in pod.batches),
                default=(math.inf, 0, -1),
            )
            expiry = math.inf if expiring is None else expiring.arrived + self.rules.timeout
            now = min(expiry, ending[0], coming[0] if coming else math.inf)
            if now >= until:
                return
            if expiring is not None and expiry == now:
                self._expire(expiring, now)
            elif ending[0] == now:
                self._finish(ending[2], ending[1], now)
            else:
                self._arrive(coming.pop(0))

    def open(self, place: int, now: float) -> None:
        self.pods[place] = Pod(touched=now)

    def kill(self, place: int, now: float, black_hole: bool) -> None:
        pod = self.pods[place]
        pod.touch(now)
        batches = [one for batch in pod.batches for one in batch.requests]
        for request in (*batches, *pod.late, *pod.waiting):
            self._close(request, "failed", now)
        pod.batches, pod.late, pod.waiting, pod.black_hole = [], [], [], black_hole

    def _waiting(self) -> list[Request]:
        return [request for pod in self.pods.values() for request in (*pod.late, *pod.waiting)]

    def _arrive(self, now: float) -> None:
        number = len(self.requests)
        request = Request(number, now, rows_of(self.rules, number))
        self.requests.append(request)
        request.pod = self._choose(number)
        pod = self.pods.get(request.pod)
        if pod is None or pod.black_hole:
            return self._close(request, "failed", now)
        pod.routed += 1
        if self._refuses(pod, request, now):
            return self._close(request, "refused", now)
        pod.touch(now)
        pod.waiting.append(request)
        if len(pod.batches) < self.rules.slots:
            self._begin(pod, now)
        return None

    def _choose(self, number: int) -> int:
        ready, key = self.routable, self.rules.key
        if len(ready) <= 1:
            return ready[0] if ready else -1
        match self.rules.routing:
            case 3:
                return ready[number % len(ready)]
            case 0:
                start = number % len(ready)
                return min((*ready[start:], *ready[:start]), key=lambda place: self.pods[place].held)
        first = int(uniform(key, 1, number) * len(ready))
        if self.rules.routing == RANDOM:
            return ready[first]
        others = ready[:first] + ready[first + 1 :]
        second = others[int(uniform(key, 2, number) * len(others))]
        return min(ready[first], second, key=lambda place: self.pods[place].held)

    def _refuses(self, pod: Pod, request: Request, now: float) -> bool:
        rules = self.rules
        if len(pod.batches) < rules.slots:
            return False
        if len(pod.waiting) + len(pod.late) >= rules.queue_limit:
            return True
        busy = min(max(0.0, batch.expected - now) for batch in pod.batches)
        if math.isinf(rules.budget) or (not pod.waiting and not pod.late and busy == 0.0):
            return False
        rows = sum(one.rows for one in pod.waiting) + request.rows
        needed = (rules.a + rules.b) * rows
        if needed >= rules.budget * 0.05:
            needed = rules.a * rows + rules.b * math.ceil(rows / self._most(rules.budget))
        return busy + needed / rules.slots > rules.budget * 0.85

    def _most(self, left: float) -> int:
        rules = self.rules
        if math.isinf(rules.budget):
            return rules.largest_batch
        most = min(rules.largest_batch, rules.worthwhile)
        if left > 0.0 and rules.a > 0.0:
            most = max(1, min(most, math.floor((0.5 * left - rules.b) / rules.a)))
        return most

    def _begin(self, pod: Pod, now: float) -> None:
        while pod.waiting and pod.waiting[0].arrived + self.rules.budget <= now:
            pod.late.append(pod.waiting.pop(0))
        queue = pod.waiting or pod.late
        if not queue:
            return
        most, taken = self._most(queue[0].arrived + self.rules.budget - now), queue[:1]
        for request in queue[1:]:
            if sum(one.rows for one in taken) + request.rows <= most:
                taken.append(request)
        for request in taken:
            queue.remove(request)
            request.start = now
        rows = sum(one.rows for one in taken)
        seconds = service_time(self.rules, len(pod.batches) + 1, rows, taken[0].number)
        pod.batches.append(Batch(self._begun, now + seconds, now + self.rules.a * rows + self.rules.b, taken))
        self._begun += 1

    def _finish(self, place: int, begun: int, now: float) -> None:
        pod = self.pods[place]
        pod.touch(now)
        batch = next(batch for batch in pod.batches if batch.begun == begun)
        pod.batches.remove(batch)
        for request in batch.requests:
            self._close(request, "answered", now)
        self._begin(pod, now)

    def _expire(self, request: Request, now: float) -> None:
        pod = self.pods[request.pod]
        pod.touch(now)
        (pod.late if request in pod.late else pod.waiting).remove(request)
        self._close(request, "timed out", now)

    def _close(self, request: Request, outcome: str, now: float) -> None:
        request.outcome, request.end = outcome, now
