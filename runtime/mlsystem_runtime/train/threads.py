"""How many threads a step may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUP_CPU = Path("/sys/fs/cgroup/cpu.max")  # control group version 2


def thread_count(declared: int | None) -> int:
    """What the spec declares, else the processors that this process may run on, held to the container's CPU limit."""
    if declared is not None:
        return declared
    return max(1, min(len(os.sched_getaffinity(0)), _limit(CGROUP_CPU)))


def _limit(path: Path) -> int:
    """The limit in whole processors, at least one; more than any machine has where there is none."""
    try:
        quota, period = path.read_text().split()
    except (FileNotFoundError, PermissionError):
        return 2**16
    return 2**16 if quota == "max" else max(1, math.floor(int(quota) / int(period)))
