"""What a configuration has to bear: windows of the traffic, and in some of them something that goes wrong.

Each is simulated for itself, and the objective has to hold within each: a month would hide a bad quarter of an hour,
but not from the callers of that quarter. A failure happens once in an hour of the peak; its first and last minutes are
those of the peak without it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlsystem.capacity.inputs import Demand
from mlsystem.capacity.simulation.setting import Failure, PodLoss, RollingUpdate
from mlsystem.capacity.traffic import MINUTE, Trace, busiest, diurnal, flash_crowd, steepest

WARMING, LEAST_WARMING = 5 * MINUTE, MINUTE  # before what counts: the fleet finds its size
LONGEST, SHORTEST = 15 * MINUTE, 3 * MINUTE
MOST_REQUESTS = 100_000  # of one scenario: a hundred of them, 20 replications of five, are ten million
PEAK_TO_MEAN = 3.0
RISE = 60
UNNOTICED = 2.0  # seconds for which requests are still sent to a pod whose process has died
SURGE = 0.25
HOUR = 60 * MINUTE
DAY_SEED = 1
PEAK, CROWD = "peak", "flash crowd"


@dataclass(frozen=True)
class Scenario:
    """`trace` begins `since` seconds before what counts, in the middle of which a pod is lost (`loss`), or all are
    replaced (`update`), a quarter of them at a time."""

    name: str
    says: str
    trace: Trace
    since: int
    loss: bool = False
    update: bool = False

    @property
    def seconds(self) -> int:
        """Of what counts."""
        return self.trace.seconds - self.since

    @property
    def share(self) -> float:
        """Of what is counted; the rest is like the peak."""
        return self.seconds / HOUR if self.loss or self.update else 1.0

    @property
    def mean(self) -> float:
        """Requests a second of what counts."""
        return float(self.trace.rates[self.since :].mean())

    @property
    def middle(self) -> float:
        return self.since + self.seconds / 2

    def failures(self, replicas: int) -> tuple[Failure, ...]:
        """With so many replicas before."""
        lost = (PodLoss(self.middle, 1, UNNOTICED),) if self.loss else ()
        updated = (RollingUpdate(self.middle, math.ceil(SURGE * replicas)),) if self.update else ()
        return (*lost, *updated)


def day_of(demand: Demand, recorded: Trace | None) -> Trace:
    """All the traffic: what was recorded, else a day between the mean and the peak that are written."""
    if recorded is not None:
        return recorded
    mean, peak = rates_of(demand)
    return diurnal(mean, peak, seed=DAY_SEED, noise=0.05)


def rates_of(demand: Demand) -> tuple[float, float]:
    """(mean, peak), at least one of which is known: the other is as far away as in a usual day."""
    mean, peak = demand.mean_rps, demand.peak_rps
    assert mean or peak, "without any there is nothing to derive from"
    return mean or (peak or 0.0) / PEAK_TO_MEAN, peak or (mean or 0.0) * PEAK_TO_MEAN


def scenarios(demand: Demand, recorded: Trace | None, lead: int) -> tuple[Scenario, ...]:
    """`lead`: the seconds from more traffic to a replica that is ready for it."""
    day = day_of(demand, recorded)
    peak = raised(day, demand.peak_rps)
    top = around(peak, busiest(peak, MINUTE)[0].start)
    busy = f"the busiest {minutes(top)} minutes, up to {peak_rate(top.trace):.4g} rps"
    return (
        usual(day),
        Scenario(PEAK, busy, top.trace, top.since),
        crowd(demand) if recorded is None else rise(day, lead),
        Scenario("one pod lost", f"{busy}; a replica dies", top.trace, top.since, loss=True),
        Scenario("rolling update", f"{busy}; every replica is replaced", top.trace, top.since, update=True),
    )


def usual(day: Trace) -> Scenario:
    """Where traffic is what it is on average."""
    length = min(length_for(day.mean), day.seconds)
    before = np.concatenate([[0.0], np.cumsum(day.rates)])
    means = (before[length:] - before[:-length]) / length
    found = window(day, int(np.argmin(np.abs(means - day.mean))), length)
    says = f"{minutes(found)} minutes of about the mean, {day.mean:.4g} rps"
    return Scenario("expected", says, found.trace, found.since)


def crowd(demand: Demand) -> Scenario:
    """From the mean to the peak within a minute, as no day of the mean and the peak alone would show it."""
    mean, peak = rates_of(demand)
    length = length_for(peak)
    warming = warming_for(length)
    trace = flash_crowd(mean, peak, warming + length, at=warming + MINUTE // 2, rise=RISE, hold=length // 2)
    says = f"within {RISE} s from {mean:.4g} to {peak:.4g} rps"
    return Scenario(CROWD, says, trace, warming)


def rise(day: Trace, lead: int) -> Scenario:
    """The steepest that was recorded."""
    window = steepest(day, lead, 2 * lead)[0]
    found = around(day, window.start, length_for(day.peak))
    before, after = ends_of_rise(found.trace, lead)
    says = f"the steepest rise, within {lead} s from {before:.4g} to {after:.4g} rps"
    return Scenario(CROWD, says, found.trace, found.since)


def ends_of_rise(trace: Trace, lead: int) -> tuple[float, float]:
    """Requests a second before and after the `lead` seconds in which they grow most, means of ten seconds."""
    means = np.convolve(trace.rates, np.ones(10) / 10, "valid") if trace.seconds > 10 else trace.rates
    if len(means) <= lead:
        return float(means[0]), float(means[-1])
    first = int(np.argmax(means[lead:] - means[:-lead]))
    return float(means[first]), float(means[first + lead])


def raised(day: Trace, peak: float | None) -> Trace:
    """As recorded, or so much more that its busiest minute has the peak that is written."""
    recorded = peak_rate(day)
    return day if peak is None or peak <= recorded else Trace(day.rates * (peak / recorded), day.start)


def around(trace: Trace, second: int, length: int = 0) -> Scenario:
    """A window in whose first third `second` is."""
    length = length or length_for(peak_rate(trace))
    return window(trace, second - trace.start - length // 3, length)


def window(trace: Trace, first: int, length: int) -> Scenario:
    """What counts begins about second `first` of the trace, and whole minutes after the warming."""
    first = min(max(first, 0), max(trace.seconds - length, 0))
    since = min(warming_for(length), first // MINUTE * MINUTE)
    return Scenario("", "", trace.cut(first - since, first + length), since)


def length_for(rate: float) -> int:
    """Seconds of what counts, in which at that rate there are not too many requests."""
    return min(LONGEST, max(SHORTEST, int(0.75 * MOST_REQUESTS / max(rate, 1e-9))))


def warming_for(length: int) -> int:
    """Whole minutes."""
    return min(WARMING, max(LEAST_WARMING, length // 3 // MINUTE * MINUTE))


def peak_rate(trace: Trace) -> float:
    """Of the busiest minute."""
    return busiest(trace, MINUTE)[0].mean


def minutes(scenario: Scenario) -> int:
    return round(scenario.seconds / MINUTE)
