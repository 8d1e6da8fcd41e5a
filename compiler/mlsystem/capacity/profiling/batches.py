"""What a batch takes, out of what became of requests that were sent together.

A server computes at once what arrived while it computed: n requests that are sent together are seldom one batch. Which
of them were one, their header Server-Timing says: all of a batch share the times that features and model took. A server
that always works on something takes as long for all as for its batches one after the other. So the time of each burst
is divided among its batches as a line through all bursts has it, and the largest one's part is a sample of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from mlsystem.capacity.profiling.open_loop import Outcome

LEAST_SAMPLES = 10  # of a cell, but of a request alone


@dataclass(frozen=True)
class Burst:
    """`batches`: how many requests were computed together. `seconds` from sending until the last was answered."""

    batches: tuple[int, ...]
    seconds: float

    @property
    def requests(self) -> int:
        return sum(self.batches)


@dataclass(frozen=True)
class Line:
    """a·n + b seconds for n requests in one batch."""

    a: float
    b: float


def burst_of(outcome: Outcome) -> Burst | None:
    """None where it was not answered well, or the server had something else to do."""
    if not (outcome.good and outcome.alone):
        return None
    together = Counter(timing_of_batch(answer.timing) for answer in outcome.answers)
    return Burst(tuple(sorted(together.values())), outcome.ended - outcome.sent)


def timing_of_batch(timing: bytes) -> bytes:
    """`features` and `model` of `queue, features, model, total`."""
    return b",".join(timing.split(b",")[1:3])


def line_of(bursts: Iterable[Burst]) -> Line:
    """Least squares of a·requests + b·batches through the medians of bursts that were divided alike."""
    alike: dict[tuple[int, int], list[float]] = defaultdict(list)
    for burst in bursts:
        alike[burst.requests, len(burst.batches)].append(burst.seconds)
    points = [(n, k, median(seconds), len(seconds)) for (n, k), seconds in alike.items()]
    nn, nk, kk = (sum(w * x * y for x, y, w in pairs) for pairs in (
        [(n, n, w) for n, _, _, w in points], [(n, k, w) for n, k, _, w in points], [(k, k, w) for _, k, _, w in points]
    ))  # fmt: skip
    nt, kt = sum(w * n * t for n, _, t, w in points), sum(w * k * t for _, k, t, w in points)
    determinant = nn * kk - nk * nk
    if determinant <= 1e-9 * nn * kk:  # all bursts are alike
        return Line(0.0, kt / kk)
    a = max(0.0, (nt * kk - kt * nk) / determinant)
    b = (kt - a * nk) / kk
    return Line(a, b) if b >= 0.0 else Line(nt / nn, 0.0)


def samples_of(bursts: Sequence[Burst]) -> dict[int, list[float]]:
    """Seconds of a batch by its size: of one request, and in each octave of the size that was seen most often."""
    line = line_of(bursts)
    found: dict[int, list[float]] = defaultdict(list)
    for burst in bursts:
        largest = burst.batches[-1]
        if burst.requests == 1 or largest > 1:
            expected = line.a * burst.requests + line.b * len(burst.batches)
            found[largest].append(burst.seconds * (line.a * largest + line.b) / expected)
    chosen: dict[int, int] = {}
    for size in sorted(found):
        octave = (size - 1).bit_length()
        if len(found[size]) >= len(found.get(chosen.get(octave, 0), ())):
            chosen[octave] = size
    return {size: found[size] for size in sorted(chosen.values()) if size == 1 or len(found[size]) >= LEAST_SAMPLES}
