"""The means that Knative's autoscaler looks at, and the memory of its scale-down delay.

Source: knative.dev/serving 0.51.0, pkg/autoscaler/aggregation/bucketing.go, aggregation/max, metrics/collector.go and
metrics/sample_size.go. A bucket is one second; times are seconds since any whole second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

BUCKET: Final = 1
LEAST_DECAY: Final = 0.2
WEIGHT: Final = 0.9999
TICK: Final = 2


@dataclass(frozen=True, slots=True)
class Buckets:
    """What was recorded in a window of whole seconds: `values` by second modulo the window, between the seconds `first`
    and `last`, None before the first. `total` is their running sum."""

    window: int
    values: tuple[float, ...] = ()
    first: int | None = None
    last: int | None = None
    total: float = 0.0

    def record(self, now: float, value: float) -> Buckets:
        """Adds a value to its second; seconds that were skipped are zero, and what is older than the window is lost."""
        second = math.floor(now)
        if self.first is None or self.last is None or second - self.last >= self.window:
            values = [0.0] * self.window
            values[second % self.window] = value
            return Buckets(self.window, tuple(values), second, second, value)
        if second + self.window <= self.last:
            return self
        values, total = list(self.values), self.total
        for skipped in range(self.last + 1, second + 1):
            total -= values[skipped % self.window]
            values[skipped % self.window] = 0.0
        values[second % self.window] += value
        return Buckets(self.window, tuple(values), min(self.first, second), max(self.last, second), total + value)

    def empty(self, now: float) -> bool:
        """Whether nothing was recorded in the window before `now`."""
        return self.last is None or math.floor(now) - self.last > self.window

    def mean(self, now: float) -> float:
        """Over the seconds since the first record and up to the last, at most a window before `now`; to six digits."""
        if self.first is None or self.last is None:
            return 0.0
        late = math.floor(now) - self.last
        if late >= self.window:
            return 0.0
        outdated = sum(self.values[second % self.window] for second in range(self.last + 1, self.last + 1 + late))
        seconds = min(self.last - self.first + 1, self.window - max(late, 0))
        return rounded((self.total - outdated) / seconds)

    def weighted_mean(self, now: float) -> float:
        """Each second back counts less by a factor that leaves the window 0.9999 of all weight, or by a fifth."""
        if self.last is None or self.empty(now):
            return 0.0
        decay = max(1 - math.pow(1 - WEIGHT, 1 / self.window), LEAST_DECAY)
        late = max(math.floor(now) - self.last, 0)
        weight, mean = decay * math.pow(1 - decay, late), 0.0
        for back in range(self.window - late):
            mean += self.values[(self.last - back) % self.window] * weight
            weight *= 1 - decay
        return mean


def rounded(value: float) -> float:
    """To six digits, halves away from zero, as `math.Round` of Go does."""
    scaled = value * 1e6
    whole = math.trunc(scaled)
    return (whole + math.copysign(1, scaled) if abs(scaled - whole) >= 0.5 else whole) / 1e6


def sample_size(pods: int) -> int:
    """How many pods are asked for their metrics at a scrape, which then stand for all: enough for a margin of 5 at a
    confidence of 95% if their variance is 100."""
    if pods <= 3:
        return max(pods, 0)
    unbounded = 1.96 * 1.96 * 100.0 / (5.0 * 5.0)
    return math.ceil(pods * unbounded / (pods + unbounded - 1))


def panic_window(stable: float, percentage: float) -> float:
    """Whole seconds, at least one."""
    return float(max(BUCKET, math.floor(stable * percentage / 100.0 + 0.5)))


Maxima: TypeAlias = tuple[tuple[int, int], ...]


def delayed(entries: Maxima, delay: float, now: float, replicas: int) -> Maxima:
    """The maxima of the delay with this one, by tick: falling, so that the first is the highest. One tick has
    one."""
    ticks, tick = math.ceil(delay / TICK), math.floor(now) // TICK
    kept = [(at, most) for at, most in entries if most > replicas and tick - at < ticks]
    if kept and kept[-1][0] == tick:
        return tuple(kept)
    return (*kept, (tick, replicas))
