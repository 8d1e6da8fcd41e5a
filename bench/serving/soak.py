"""`python bench/serving/soak.py [--minutes N]`: the server under a steady load for a long time.

Its memory and its open files must not grow. Exit code 1 where they do, or where a request was lost.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support import closed_loop, ours
from support.open_loop import LOST, Outcome, Plan, offer
from support.processes import open_files, resident_bytes
from support.servers import Running, running

SHARE, MOST = 0.8, 4000.0    # of the measured capacity; requests/s beyond which this generator would be late itself
CAPACITY_SECONDS, CONNECTIONS, TIMEOUT = 10, 32, 5.0
SETTLED = 0.25               # of the run; until then pools and caches fill
GROWTH_MB, GROWTH_FILES = 8.0, 4.0
MB = 1 << 20


@dataclass
class Series:
    """One sample a second of the whole process tree."""

    seconds: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    files: list[float] = field(default_factory=list)

    def growth(self, values: list[float]) -> float:
        """By the line through the samples, from when the server has settled to the end."""
        first = int(SETTLED * len(values))
        times, rest = self.seconds[first:], values[first:]
        return statistics.linear_regression(times, rest).slope * (times[-1] - times[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = Path(folder, "ours")
        with running(ours.ours("ours", project, ours.project(project))) as started:
            rate = min(SHARE * capacity(started), MOST)
            with sampled(started.pid) as series:
                outcome = offer(plan(started, rate, 60 * minutes))
    return told(outcome, series, rate)


def capacity(started: Running) -> float:
    closed_loop.load(started, CONNECTIONS, 3)
    found = closed_loop.cost(started, CONNECTIONS, CAPACITY_SECONDS).requests_per_second
    print(f"capacity: {found:,.0f} requests/s from {CONNECTIONS} connections")
    return found


def plan(started: Running, rate: float, seconds: float) -> Plan:
    server = started.server
    return Plan(started.port, server.path, server.body.decode(), rate, seconds, TIMEOUT, server.headers)


@contextmanager
def sampled(pid: int) -> Iterator[Series]:
    series, ended = Series(), threading.Event()

    def sample() -> None:
        while not ended.wait(1.0):
            series.seconds.append(time.monotonic())
            series.memory_mb.append(resident_bytes(pid) / MB)
            series.files.append(float(open_files(pid)))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield series
    finally:
        ended.set()
        thread.join()


def told(outcome: Outcome, series: Series, rate: float) -> int:
    memory, files = series.growth(series.memory_mb), series.growth(series.files)
    print(f"offered: {outcome.offered:,} requests in {outcome.seconds:,.0f} s, {rate:,.0f} a second;"
          f" 99 of 100 were sent within {outcome.late_ms:.1f} ms of when they were due")
    for how, one in outcome.answers.items():
        print(f"{how}: {one.count:,}, p50 {one.p50_ms:.1f} ms, p99 {one.p99_ms:.1f} ms, longest {one.max_ms:.0f} ms")
    for name, values, growth, unit in (
        ("memory", series.memory_mb, memory, " MB"), ("open files", series.files, files, ""),
    ):
        tenths = values[:: max(1, len(values) // 10)]
        print(f"{name}: {' '.join(f'{one:.0f}' for one in tenths)}{unit}; grew by {growth:+.1f}{unit} once settled")
    lost = outcome.answers[LOST].count if LOST in outcome.answers else 0
    flat = memory <= GROWTH_MB and files <= GROWTH_FILES
    print("flat" if flat else "not flat", "" if not lost else f"{lost} requests lost")
    return 0 if flat and not lost else 1


if __name__ == "__main__":
    sys.exit(main())
