"""What a process and all that it started cost, from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Process:
    """One line of /proc: `ticks` are of this process and of its children that have ended and were waited for."""

    pid: int
    parent: int
    session: int
    ticks: int
    resident_bytes: int


def running() -> dict[int, Process]:
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            process = read(int(folder.name))
            if process is not None:
                found[process.pid] = process
    return found


def read(pid: int) -> Process | None:
    """None where it has ended meanwhile."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Process(pid, int(fields[1]), int(fields[3]), sum(map(int, fields[11:15])), int(fields[21]) * PAGE)


def tree(root: int) -> list[Process]:
    """`root`, all that descends from it, and the orphans of its session."""
    found = running()
    members = {root} | {one.pid for one in found.values() if one.session == root}
    while True:
        grown = members | {one.pid for one in found.values() if one.parent in members}
        if grown == members:
            return [found[pid] for pid in members if pid in found]
        members = grown


def cpu_seconds(root: int) -> float:
    """User and system time of the whole tree, with that of its members that have ended."""
    return sum(one.ticks for one in tree(root)) / TICKS


def resident_bytes(root: int) -> int:
    """Pages that several processes share count for each."""
    return sum(one.resident_bytes for one in tree(root))


def open_files(root: int) -> int:
    count = 0
    for one in tree(root):
        try:
            count += sum(1 for _ in Path(f"/proc/{one.pid}/fd").iterdir())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return count
