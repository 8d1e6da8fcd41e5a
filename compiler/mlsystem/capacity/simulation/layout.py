"""How requests, pods and batches lie in memory while they are simulated, and the words for places in it.

A request is known by its number, from 0 in order of arrival; what is kept of it stands in rings at `number & mask`. A
pod is known by its place, a slot by `place of the pod * slots + slot within it`. Times are seconds.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bytes: TypeAlias = NDArray[np.int8]

NOBODY: Final = -1
GONE, WAITING, COMPUTING, HELD = 0, 1, 2, 3
LEAST_REQUESTS, RANDOM, POWER_OF_TWO, ROUND_ROBIN = 0, 1, 2, 3
FIRST_CHOICE, SECOND_CHOICE, SERVICE, CLASS, COLD_START, VICTIM, PHASE = 1, 2, 3, 4, 5, 6, 7
ALIVE, BLACK_HOLE = 1, 2

NUMBER, OLDEST, NEXT_TO_EXPIRE, BATCHES, PENDING, ROUTABLE = 0, 1, 2, 3, 4, 5
"""Places in `State.counts`: the next request's number, the oldest that is kept, and how many of each there are."""

CAME, WITHIN, ANSWERED, REFUSED, TIMED_OUT, FAILED = 0, 1, 2, 3, 4, 5
"""Columns of `State.windows`; all but the first two are what may become of a request."""

LATENCY, WAITED = 0, 1
"""Places in `State.sums`."""

PER_OCTAVE, OCTAVES, LEAST_LATENCY = 64, 32, 1e-6
"""Of the histogram: bins 1.1% wide, from a microsecond to an hour."""

COARSER: Final = 4
"""So many of its bins are one of the histogram of a window."""


Counters: TypeAlias = tuple[float, float, float]
"""Of a pod since it was opened: (slot-seconds computed, request-seconds held, requests received)."""


class Rules(NamedTuple):
    """What does not change while a simulation runs; what is unbounded is inf, or the largest int.

    `curves[i]` are service times in ascending order; where k slots of a pod compute and a batch has n rows it is drawn
    from (1 - w) * curves[lower[k, n]] + w * curves[upper[k, n]], w = weight[k, n]. `a`, `b`: what the server believes
    a batch to take. `budget`: within it the server wants to answer, inf where it lets everybody in. `activator` is the
    place of what holds requests while no pod takes any, NOBODY where nothing does.
    """

    slots: int
    largest_batch: int
    worthwhile: int
    routing: int
    queue_limit: int
    timeout: float
    budget: float
    activator: int
    patience: float
    most_held: int
    a: float
    b: float
    threshold: float
    since: float
    window: float
    key: int
    curves: Floats
    lower: Ints
    upper: Ints
    weight: Floats
    class_ends: Floats
    class_rows: Ints


class State(NamedTuple):
    """Rings by request (`entered` is when its pod got it); arrays by pod; by slot; a heap of batches by their end; what
    is counted; a log for tests.

    `latencies`: a histogram for each window, or none at all where nobody asks.
    """

    arrived: Floats
    entered: Floats
    rows: Ints
    after: Ints
    status: Bytes
    pod: Ints

    alive: Bytes
    busy: Ints
    held: Ints
    waiting: Ints
    waiting_rows: Ints
    head: Ints
    tail: Ints
    late_head: Ints
    late_tail: Ints
    routed: Ints
    busy_seconds: Floats
    held_seconds: Floats
    touched: Floats
    free: Ints
    routable: Ints

    first: Ints
    expected_end: Floats

    heap_time: Floats
    heap_batch: Ints
    heap_slot: Ints

    counts: Ints
    sums: Floats
    histogram: Ints
    windows: Ints
    latencies: Ints
    log_start: Floats
    log_end: Floats
    log_pod: Ints
    log_outcome: Bytes
