"""How many threads a process may use."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def thread_count(declared: int | None) -> int:
    """What the spec declares, else the processors that this process may run on, held to the container's CPU limit."""
    if declared is not None:
        return declared
    return limited_threads() or len(os.sched_getaffinity(0))


def limited_threads() -> int | None:
    """As many as the container's CPU limit keeps busy, and this process may run on; None where nothing limits it."""
    limit = cpu_limit(CGROUPS, MEMBERSHIP.read_text() if MEMBERSHIP.exists() else "")
    return None if limit is None else max(1, min(len(os.sched_getaffinity(0)), math.floor(limit)))


def cpu_limit(cgroups: Path, membership: str) -> float | None:
    """Processors that a container may use, None where nothing limits it: the least along the way from its control group
    to the top. `cgroups` is where version 1, 2 or both are mounted, `membership` the text of /proc/self/cgroup.

    A process in a namespace of its own sees its group as the top one; without one its path may lie outside the mount.
    """
    limits = []
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            limits += [_version_2(folder) for folder in _upwards(cgroups, path)]
        elif "cpu" in controllers.split(","):
            limits += [_version_1(folder) for name in {controllers, "cpu"} for folder in _upwards(cgroups / name, path)]
    return min((limit for limit in limits if limit is not None), default=None)


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    yield mount
    parts = PurePosixPath(path).parts[1:]
    if ".." not in parts:
        yield from (mount.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1))


def _version_2(folder: Path) -> float | None:
    with contextlib.suppress(OSError):
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    return None


def _version_1(folder: Path) -> float | None:
    with contextlib.suppress(OSError):
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        return None if quota <= 0 else quota / int((folder / "cpu.cfs_period_us").read_text())
    return None
