"""What Linux knows of the server's processes, added up: names and meaning as in every Prometheus client."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlsystem_runtime.serve.exposition import Described, Family, Sample
from mlsystem_runtime.serve.slots import Fleet

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
CPU = Family("process_cpu_seconds_total", "User and system CPU seconds of all processes of the server", "counter")
RESIDENT = Family("process_resident_memory_bytes", "Resident memory, shared pages once for each process", "gauge")
VIRTUAL = Family("process_virtual_memory_bytes", "Virtual memory of all processes of the server", "gauge")
STARTED = Family("process_start_time_seconds", "When the server started, since 1970", "gauge")
OPEN = Family("process_open_fds", "Open file descriptors of all processes of the server", "gauge")
MOST_OPEN = Family("process_max_fds", "Most open file descriptors of one process", "gauge")


@dataclass(frozen=True)
class Usage:
    """Of one process. `cpu_s` has its ended children in it, so that a sum over parent and workers never goes back."""

    cpu_s: float
    virtual: int
    resident: int
    started_s: float
    descriptors: int


def described(fleet: Fleet) -> Iterator[Described]:
    """Nothing where /proc is not readable."""
    processes = [] if fleet.parent is None else [fleet.parent]
    found = list(usages([*processes, *(slot.pid for slot in fleet.running)]))
    if found:
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        yield one(VIRTUAL, sum(usage.virtual for usage in found))
        yield one(RESIDENT, sum(usage.resident for usage in found))
        yield one(STARTED, min(usage.started_s for usage in found))
        yield one(CPU, sum(usage.cpu_s for usage in found))
        yield one(OPEN, sum(usage.descriptors for usage in found))
        yield one(MOST_OPEN, most)


def one(family: Family, value: float) -> Described:
    return family, [Sample((), (value,))]


def usages(processes: Iterable[int]) -> Iterator[Usage]:
    """Of those that still run."""
    for pid in processes:
        with contextlib.suppress(OSError):
            yield usage_of(PROC / f"{pid}")


def usage_of(process: Path) -> Usage:
    """`man 5 proc`: the name in parentheses may hold anything; the field after it is number 3, the state."""
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    user, system, user_of_children, system_of_children = map(int, fields[11:15])
    started, virtual, resident = map(int, fields[19:22])
    return Usage(
        cpu_s=(user + system + user_of_children + system_of_children) / TICKS,
        virtual=virtual, resident=resident * PAGE, started_s=boot_s() + started / TICKS,
        descriptors=len(list((process / "fd").iterdir())),
    )


def boot_s() -> float:
    """Seconds since 1970."""
    with open(PROC / "stat") as file:
        return next(float(line.split()[1]) for line in file if line.startswith("btime "))
