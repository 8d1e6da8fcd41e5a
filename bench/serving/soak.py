"""`python bench/serving/soak.py [--minutes N] [--page FILE]`: the server under a steady load for a long time.

Its memory and its open files must not grow. Exit code 1 where they do, or where a request was lost. A run of half an
hour or more writes bench/serving/soak.md; a shorter one writes only where it is told to.
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

from run import bench_of_the_repository, section
from support import closed_loop, ours
from support.open_loop import GAVE_UP, LOST, Outcome, Plan, offer
from support.page import Part, Table, measure
from support.processes import open_files, resident_bytes
from support.servers import Running, running

SHARE, MOST = 0.8, 4000.0    # of the measured capacity; requests/s beyond which this generator would be late itself
ROWS = 32                    # of a request, so that the server is loaded before the generator is
CAPACITY_SECONDS, CONNECTIONS, TIMEOUT = 10, 32, 5.0
SETTLED = 0.25               # of the run; until then pools and caches fill
GROWTH_MB, GROWTH_FILES = 8.0, 4.0
MB = 1 << 20
WHOLE_MINUTES, PAGE = 30.0, Path(__file__).resolve().parent / "soak.md"
ENDS, COURSE = ("answer", "requests", "p50 ms", "p99 ms", "longest ms"), ("minute", "memory MB", "open files")
NOTE = """{offered:,} requests of {rows} rows in {minutes:g} minutes, {rate:,.0f} a second whatever became of them:
{share:.0%} of what the server carried just before from connections that wait. 99 of 100 were sent within {late:.1f} ms
of when they were due; latencies count from then. Growth is that of a line through one sample a second of the whole
process tree, once it has settled. Whatever else the machine does meanwhile is in all of it.
"""


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
    parser.add_argument("--minutes", type=float, default=WHOLE_MINUTES)
    parser.add_argument("--page", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = Path(folder, "ours")
        body = {"rows": [ours.ROW] * ROWS}
        with running(ours.ours("ours", project, ours.project(project), body=body)) as started:
            most = capacity(started)
            rate = min(SHARE * most, MOST)
            with sampled(started.pid) as series:
                outcome = offer(plan(started, rate, 60 * args.minutes))
    page = args.page or (PAGE if args.minutes >= WHOLE_MINUTES else None)
    return told(part(outcome, series, rate, rate / most), page)


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


def part(outcome: Outcome, series: Series, rate: float, share: float) -> Part:
    """`rate` in requests/s is this `share` of the capacity."""
    lost = sum(one.count for how, one in outcome.answers.items() if how in (LOST, GAVE_UP))
    note = NOTE.format(
        offered=outcome.offered, rows=ROWS, minutes=outcome.seconds / 60, rate=rate, share=share, late=outcome.late_ms)
    measures = (
        measure("growth of memory", series.growth(series.memory_mb), "MB", f"≤ {GROWTH_MB:g}"),
        measure("growth of open files", series.growth(series.files), "files", f"≤ {GROWTH_FILES:g}"),
        measure("requests without an answer", lost, "requests", "≤ 0"),
    )  # fmt: skip
    ends = tuple(
        (how, float(one.count), one.p50_ms, one.p99_ms, one.max_ms) for how, one in outcome.answers.items())
    return Part("soak", note, measures, (Table(ENDS, ends), Table(COURSE, course(series))))


def course(series: Series) -> tuple[tuple[str | float, ...], ...]:
    """A tenth of the time in each row."""
    step = max(1, len(series.seconds) // 10)
    return tuple(
        (f"{(series.seconds[at] - series.seconds[0]) / 60:.1f}", series.memory_mb[at], series.files[at])
        for at in range(0, len(series.seconds), step)
    )


def told(found: Part, page: Path | None) -> int:
    bench = bench_of_the_repository()
    text = f"# A server under steady load\n\nMade by `make soak-serving`.\n\n{bench.machine()}{section(found, bench)}"
    print(text)
    if page is not None:
        page.write_text(text)
    return 1 if any(map(bench.missed, found.measures)) else 0


if __name__ == "__main__":
    sys.exit(main())
