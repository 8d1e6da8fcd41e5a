"""How a pod takes requests out of its queue: work-conserving, at once and as many as there are."""

from __future__ import annotations

from mlsystem.capacity.simulation.compiled import compiled
from mlsystem.capacity.simulation.draws import uniform
from mlsystem.capacity.simulation.layout import COMPUTING, NOBODY, SERVICE, WAITED, Ints, Rules, State
from mlsystem.capacity.simulation.pending import push
from mlsystem.capacity.simulation.routing import batch_limit


@compiled
def begin(s: State, r: Rules, pod: int, now: float) -> None:
    """A free slot takes what waits: in order, leaving out what does not fit any more; what is late comes last."""
    set_late_aside(s, r, pod, now)
    late = s.head[pod] == NOBODY
    first = s.late_head[pod] if late else s.head[pod]
    if first == NOBODY:
        return
    slot = pod * r.slots + s.free[pod, s.busy[pod]]
    s.busy[pod] += 1
    s.first[slot] = first
    rows = take(s, r, pod, first, late, now)
    s.expected_end[slot] = now + r.a * rows + r.b
    push(s, now + service_time(r, s.busy[pod], rows, first), slot)


@compiled
def take(s: State, r: Rules, pod: int, first: int, late: bool, now: float) -> int:
    """Moves a batch out of the queue into a list of its own that begins with `first`; returns its rows."""
    mask = len(s.arrived) - 1
    most = batch_limit(r, s.entered[first & mask] + r.budget - now)
    rows, last, before, number = 0, NOBODY, NOBODY, first
    while number != NOBODY and (rows < most or last == NOBODY):
        place = number & mask
        following = s.after[place]
        if last == NOBODY or rows + s.rows[place] <= most:
            rows += s.rows[place]
            unlink(s, pod, number, before, late)
            s.after[place] = NOBODY
            if last != NOBODY:
                s.after[last & mask] = number
            last = number
            mark(s, r, number, now)
        else:
            before = number
        number = following
    return rows


@compiled
def mark(s: State, r: Rules, number: int, now: float) -> None:
    place = number & (len(s.arrived) - 1)
    s.status[place] = COMPUTING
    if s.arrived[place] >= r.since:
        s.sums[WAITED] += now - s.arrived[place]
    if number < len(s.log_start):
        s.log_start[number] = now


@compiled
def set_late_aside(s: State, r: Rules, pod: int, now: float) -> None:
    """What is late already would only make late what can still be in time."""
    mask = len(s.arrived) - 1
    while s.head[pod] != NOBODY and s.entered[s.head[pod] & mask] + r.budget <= now:
        number = s.head[pod]
        s.head[pod] = s.after[number & mask]
        s.waiting_rows[pod] -= s.rows[number & mask]
        append(s, s.late_head, s.late_tail, pod, number)


@compiled
def append(s: State, heads: Ints, tails: Ints, pod: int, number: int) -> None:
    """At the end of a pod's queue."""
    mask = len(s.arrived) - 1
    s.after[number & mask] = NOBODY
    if heads[pod] == NOBODY:
        heads[pod] = number
    else:
        s.after[tails[pod] & mask] = number
    tails[pod] = number


@compiled
def unlink(s: State, pod: int, number: int, before: int, late: bool) -> None:
    """Takes a request out of its queue, in which `before` stands in front of it."""
    mask = len(s.arrived) - 1
    following = s.after[number & mask]
    s.waiting[pod] -= 1
    if not late:
        s.waiting_rows[pod] -= s.rows[number & mask]
    if before != NOBODY:
        s.after[before & mask] = following
    elif late:
        s.late_head[pod] = following
    else:
        s.head[pod] = following
    if following == NOBODY and late:
        s.late_tail[pod] = before
    elif following == NOBODY:
        s.tail[pod] = before


@compiled
def service_time(r: Rules, busy: int, rows: int, number: int) -> float:
    """Drawn for the batch's first request."""
    rows = min(rows, r.lower.shape[1] - 1)
    sample = int(uniform(r.key, SERVICE, number) * r.curves.shape[1])
    weight: float = r.weight[busy, rows]
    low: float = r.curves[r.lower[busy, rows], sample]
    high: float = r.curves[r.upper[busy, rows], sample]
    return (1.0 - weight) * low + weight * high
