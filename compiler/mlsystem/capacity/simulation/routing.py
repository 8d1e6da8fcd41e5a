"""Which pod a request goes to, and whether that one lets it in."""

from __future__ import annotations

import math

import numpy as np

from mlsystem.capacity.simulation.compiled import compiled
from mlsystem.capacity.simulation.draws import uniform
from mlsystem.capacity.simulation.layout import (
    FIRST_CHOICE,
    LEAST_REQUESTS,
    NOBODY,
    RANDOM,
    ROUND_ROBIN,
    ROUTABLE,
    SECOND_CHOICE,
    Rules,
    State,
)

MARGIN, LARGEST_SHARE, LEAST_SHARE = 0.15, 0.5, 0.05  # of the runtime's serve/admission.py; a test compares them


@compiled
def choose(s: State, r: Rules, number: int) -> int:
    """NOBODY where no pod takes any. The search for the fewest begins at another one each time."""
    ready = s.counts[ROUTABLE]
    if ready <= 1:
        only: int = s.routable[0] if ready == 1 else NOBODY
        return only
    if r.routing == ROUND_ROBIN:
        next_one: int = s.routable[number % ready]
        return next_one
    if r.routing == LEAST_REQUESTS:
        return fewest(s, number % ready, ready)
    first = int(uniform(r.key, FIRST_CHOICE, number) * ready)
    one: int = s.routable[first]
    if r.routing == RANDOM:
        return one
    second = int(uniform(r.key, SECOND_CHOICE, number) * (ready - 1))
    other: int = s.routable[second + (second >= first)]
    return other if s.held[other] < s.held[one] else one


@compiled
def fewest(s: State, start: int, ready: int) -> int:
    best: int = s.routable[start]
    for place in range(start + 1, start + ready):
        if s.held[best] == 0:
            break
        pod = s.routable[place if place < ready else place - ready]
        if s.held[pod] < s.held[best]:
            best = pod
    return best


@compiled
def refused(s: State, r: Rules, pod: int, rows: int, now: float) -> bool:
    """A full queue; or, as the server does it, an answer that would take more than 85% of the budget."""
    if s.busy[pod] < r.slots:
        return False
    if s.waiting[pod] >= r.queue_limit:
        return True
    if r.budget == np.inf:
        return False
    busy = np.inf
    for slot in range(pod * r.slots, (pod + 1) * r.slots):
        busy = min(busy, max(0.0, s.expected_end[slot] - now))
    if s.waiting[pod] == 0 and busy <= 0.0:
        return False
    return busy + seconds_of(r, s.waiting_rows[pod] + rows) / r.slots > r.budget * (1.0 - MARGIN)


@compiled
def seconds_of(r: Rules, rows: int) -> float:
    """To compute so many rows, in the batches that they will come in."""
    alone = (r.a + r.b) * rows
    if alone < r.budget * LEAST_SHARE:
        return alone
    return r.a * rows + r.b * -(-rows // batch_limit(r, r.budget))


@compiled
def batch_limit(r: Rules, left: float) -> int:
    """The rows of the largest batch for requests that have `left` seconds; those that are late have all the time."""
    most = r.largest_batch
    if r.budget == np.inf:
        return most
    most = min(most, r.worthwhile)
    if left <= 0.0 or r.a <= 0.0:
        return most
    return max(1, min(most, math.floor(min((LARGEST_SHARE * left - r.b) / r.a, 1e9))))
