"""The share of this machine that a measured server gets: what its container would have.

A quota of a control group is exact. Where none can be written, the server is kept to whole processors.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from mlsystem.errors import MlsystemError

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
PERIOD_US = 100_000


@dataclass(frozen=True)
class Share:
    """`processors` are those that the server may run on, `others` are left to who measures it (all where none is left).
    `group` is the control group whose quota holds it."""

    cpu: float
    processors: frozenset[int]
    others: frozenset[int]
    group: Path | None

    @property
    def limit(self) -> Literal["quota", "affinity"]:
        return "affinity" if self.group is None else "quota"

    @property
    def given(self) -> float:
        return float(len(self.processors)) if self.group is None else self.cpu

    def confine(self, pid: int) -> None:
        """A process that was started just now, and all that it starts."""
        os.sched_setaffinity(pid, self.processors)
        if self.group is not None:
            (self.group / "cgroup.procs").write_text(f"{pid}")


@contextlib.contextmanager
def share_of(cpu: float) -> Iterator[Share]:
    """`cpu` processors for servers, and meanwhile the others for this process.

    Raises MlsystemError where this machine has fewer.
    """
    before = frozenset(os.sched_getaffinity(0))
    processors, others = divided(before, cpu)
    membership = MEMBERSHIP.read_text() if MEMBERSHIP.exists() else ""
    group = quota_group(CGROUPS, membership, cpu, f"mlsystem-profile-{os.getpid()}")
    try:
        os.sched_setaffinity(0, others)
        yield Share(cpu, processors, others, group)
    finally:
        os.sched_setaffinity(0, before)
        if group is not None:
            with contextlib.suppress(OSError):  # something of it still ends
                group.rmdir()


def divided(processors: frozenset[int], cpu: float) -> tuple[frozenset[int], frozenset[int]]:
    """(those of the server, those of the generator)."""
    needed = math.ceil(cpu)
    if needed > len(processors):
        raise MlsystemError(
            f"`serving.hardware.cpu` is {cpu:g}, and this machine has {len(processors)} processors",
            "measure on a machine that has them, or declare `serving.profile`",
        )
    chosen = frozenset(sorted(processors)[-needed:])
    return chosen, processors - chosen or processors


def quota_group(cgroups: Path, membership: str, cpu: float, name: str) -> Path | None:
    """A new control group with that quota, below this process's own or further up; None where none can be made."""
    for parent, quota in candidates(cgroups, membership, cpu):
        group = parent / name
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            for file, text in quota.items():
                (group / file).write_text(text)
        except OSError:  # the controller is not at work there
            with contextlib.suppress(OSError):
                group.rmdir()
        else:
            return group
    return None


def candidates(cgroups: Path, membership: str, cpu: float) -> Iterator[tuple[Path, dict[str, str]]]:
    """Folders of version 2 or 1, the own group first, and what makes a quota there."""
    quota = round(cpu * PERIOD_US)
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            for folder in upwards(cgroups, path):
                yield folder, {"cpu.max": f"{quota} {PERIOD_US}"}
        elif "cpu" in controllers.split(","):
            for mount in dict.fromkeys((controllers, "cpu")):
                for folder in upwards(cgroups / mount, path):
                    yield folder, {"cpu.cfs_period_us": f"{PERIOD_US}", "cpu.cfs_quota_us": f"{quota}"}


def upwards(mount: Path, path: str) -> Iterator[Path]:
    parts = PurePosixPath(path).parts[1:]
    for depth in range(len(parts), -1, -1):
        folder = mount.joinpath(*parts[:depth])
        if ".." not in parts and folder.is_dir():
            yield folder
