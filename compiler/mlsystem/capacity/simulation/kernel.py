"""The loop over requests between two moments at which anything else happens.

At equal times waiting requests are given up first, then batches end, then requests come; batches that end together do
so in the order in which they began.
"""

from __future__ import annotations

import math

import numpy as np

from mlsystem.capacity.simulation.batches import append, begin, unlink
from mlsystem.capacity.simulation.compiled import compiled
from mlsystem.capacity.simulation.draws import uniform
from mlsystem.capacity.simulation.layout import (
    ANSWERED,
    BLACK_HOLE,
    CAME,
    CLASS,
    COARSER,
    FAILED,
    GONE,
    HELD,
    LATENCY,
    LEAST_LATENCY,
    NEXT_TO_EXPIRE,
    NOBODY,
    NUMBER,
    OLDEST,
    PENDING,
    PER_OCTAVE,
    REFUSED,
    TIMED_OUT,
    WAITING,
    WITHIN,
    Floats,
    Rules,
    State,
)
from mlsystem.capacity.simulation.pending import pop, remove
from mlsystem.capacity.simulation.routing import choose, refused


@compiled
def run(s: State, r: Rules, moments: Floats, at: int, until: float) -> int:
    """Everything before `until`; arrivals are `moments[at:]`. Returns the place of the first that is still to come."""
    while True:
        arrival = moments[at] if at < len(moments) else np.inf
        end = s.heap_time[0] if s.counts[PENDING] > 0 else np.inf
        expiry = next_expiry(s, r) if r.timeout < np.inf else np.inf
        now = min(arrival, end, expiry)
        if now >= until:
            break
        if expiry == now:
            expire(s, r, now)
        elif end == now:
            finish(s, r, now)
        else:
            arrive(s, r, now)
            at += 1
    if r.activator != NOBODY:
        give_up(s, r, until)
    forget(s)
    return at


@compiled
def forget(s: State) -> None:
    """Moves on to the oldest request that is still here."""
    mask = len(s.arrived) - 1
    number = s.counts[OLDEST]
    while number < s.counts[NUMBER] and s.status[number & mask] == GONE:
        number += 1
    s.counts[OLDEST] = number


@compiled
def next_expiry(s: State, r: Rules) -> float:
    """All have the same patience, so whoever came first and still waits gives up first."""
    mask = len(s.arrived) - 1
    number = s.counts[NEXT_TO_EXPIRE]
    while number < s.counts[NUMBER] and s.status[number & mask] != WAITING:
        number += 1
    s.counts[NEXT_TO_EXPIRE] = number
    return s.entered[number & mask] + r.timeout if number < s.counts[NUMBER] else np.inf


@compiled
def expire(s: State, r: Rules, now: float) -> None:
    """The oldest that waits: the first of its pod's late ones, or else of its queue."""
    number = s.counts[NEXT_TO_EXPIRE]
    pod = s.pod[number & (len(s.arrived) - 1)]
    touch(s, pod, now)
    unlink(s, pod, number, NOBODY, s.late_head[pod] == number)
    s.held[pod] -= 1
    close(s, r, number, TIMED_OUT, now)


@compiled
def arrive(s: State, r: Rules, now: float) -> None:
    number = s.counts[NUMBER]
    place = number & (len(s.arrived) - 1)
    s.counts[NUMBER] += 1
    s.windows[int(now / r.window), CAME] += 1
    s.arrived[place], s.rows[place] = now, rows_of(r, number)
    send(s, r, number, now)


@compiled
def send(s: State, r: Rules, number: int, now: float) -> None:
    place = number & (len(s.arrived) - 1)
    pod = choose(s, r, number)
    s.entered[place], s.pod[place] = now, pod
    if pod == NOBODY and r.activator != NOBODY:
        hold(s, r, number, now)
        return
    if pod == NOBODY or s.alive[pod] == BLACK_HOLE:
        close(s, r, number, FAILED, now)
        return
    s.routed[pod] += 1
    if refused(s, r, pod, s.rows[place], now):
        close(s, r, number, REFUSED, now)
        return
    touch(s, pod, now)
    s.held[pod] += 1
    enqueue(s, pod, number)
    if s.busy[pod] < r.slots:
        begin(s, r, pod, now)


@compiled
def enqueue(s: State, pod: int, number: int) -> None:
    place = number & (len(s.arrived) - 1)
    s.status[place] = WAITING
    append(s, s.head, s.tail, pod, number)
    s.waiting[pod] += 1
    s.waiting_rows[pod] += s.rows[place]


@compiled
def hold(s: State, r: Rules, number: int, now: float) -> None:
    """No pod takes any: the request waits for one outside of them."""
    give_up(s, r, now)
    if s.held[r.activator] >= r.most_held:
        close(s, r, number, REFUSED, now)
        return
    touch(s, r.activator, now)
    s.held[r.activator] += 1
    s.routed[r.activator] += 1
    s.status[number & (len(s.arrived) - 1)] = HELD
    append(s, s.head, s.tail, r.activator, number)


@compiled
def give_up(s: State, r: Rules, until: float) -> None:
    """Those that were held as long as they had patience, before `until`."""
    mask = len(s.arrived) - 1
    number = s.head[r.activator]
    while number != NOBODY and s.arrived[number & mask] + r.patience < until:
        ended = s.arrived[number & mask] + r.patience
        touch(s, r.activator, ended)
        s.held[r.activator] -= 1
        s.head[r.activator] = s.after[number & mask]
        close(s, r, number, TIMED_OUT, ended)
        number = s.head[r.activator]


@compiled
def hand_over(s: State, r: Rules, now: float) -> None:
    """All that are held, in order, to pods that are ready; each counts once as received."""
    touch(s, r.activator, now)
    number = s.head[r.activator]
    if number != NOBODY:
        s.counts[NEXT_TO_EXPIRE] = min(s.counts[NEXT_TO_EXPIRE], number)
    clear(s, r.activator)
    while number != NOBODY:
        following = s.after[number & (len(s.arrived) - 1)]
        s.routed[r.activator] -= 1
        send(s, r, number, now)
        number = following


@compiled
def rows_of(r: Rules, number: int) -> int:
    last = len(r.class_rows) - 1
    place = 0
    if last > 0:
        drawn = uniform(r.key, CLASS, number)
        while place < last and drawn >= r.class_ends[place]:
            place += 1
    rows: int = r.class_rows[place]
    return rows


@compiled
def finish(s: State, r: Rules, now: float) -> None:
    """The batch that ends first is answered, and its slot takes the next one."""
    slot = pop(s)
    pod = slot // r.slots
    touch(s, pod, now)
    s.held[pod] -= close_all(s, r, s.first[slot], ANSWERED, now)
    s.busy[pod] -= 1
    s.free[pod, s.busy[pod]] = slot - pod * r.slots
    begin(s, r, pod, now)


@compiled
def close_all(s: State, r: Rules, number: int, outcome: int, now: float) -> int:
    """A list of requests that begins with `number`; returns how many they were."""
    mask = len(s.arrived) - 1
    count = 0
    while number != NOBODY:
        following = s.after[number & mask]
        close(s, r, number, outcome, now)
        number = following
        count += 1
    return count


@compiled
def close(s: State, r: Rules, number: int, outcome: int, now: float) -> None:
    """A request leaves, one way or another; it counts for the window in which it came."""
    place = number & (len(s.arrived) - 1)
    latency = now - s.arrived[place]
    window = int(s.arrived[place] / r.window)
    s.status[place] = GONE
    s.windows[window, outcome] += 1
    if number < len(s.log_end):
        s.log_end[number], s.log_pod[number], s.log_outcome[number] = now, s.pod[place], outcome
    if outcome == ANSWERED:
        s.windows[window, WITHIN] += latency <= r.threshold
        if s.arrived[place] >= r.since:
            octave = math.log2(max(latency, LEAST_LATENCY) / LEAST_LATENCY)
            column = min(int(octave * PER_OCTAVE), len(s.histogram) - 1)
            s.histogram[column] += 1
            if window < len(s.latencies):
                s.latencies[window, column // COARSER] += 1
            s.sums[LATENCY] += latency


@compiled
def touch(s: State, pod: int, now: float) -> None:
    """Brings the pod's counters up to date, before what they count changes."""
    passed = now - s.touched[pod]
    s.busy_seconds[pod] += s.busy[pod] * passed
    s.held_seconds[pod] += s.held[pod] * passed
    s.touched[pod] = now


@compiled
def kill(s: State, r: Rules, pod: int, now: float) -> None:
    """All that the pod holds fails, and nothing of it ends later."""
    touch(s, pod, now)
    low, high = pod * r.slots, (pod + 1) * r.slots
    for place in range(s.counts[PENDING]):
        if low <= s.heap_slot[place] < high:
            close_all(s, r, s.first[s.heap_slot[place]], FAILED, now)
    remove(s, low, high)
    close_all(s, r, s.late_head[pod], FAILED, now)
    close_all(s, r, s.head[pod], FAILED, now)
    clear(s, pod)


@compiled
def clear(s: State, pod: int) -> None:
    """A pod with nothing in it."""
    s.busy[pod] = s.held[pod] = s.waiting[pod] = s.waiting_rows[pod] = 0
    s.head[pod] = s.tail[pod] = s.late_head[pod] = s.late_tail[pod] = NOBODY
    for slot in range(s.free.shape[1]):
        s.free[pod, slot] = slot
