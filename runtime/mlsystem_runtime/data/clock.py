"""`clock.json` in the workspace: the data's clock, the greatest `available` ever ingested. It never goes back."""

from __future__ import annotations

import fcntl

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.workspace import Workspace, read_struct, write_struct


class ClockFile(Struct):
    """UTC microseconds."""

    clock_us: int


def read_clock(workspace: Workspace) -> int | None:
    """None where nothing was ingested yet."""
    try:
        return read_struct(workspace.path("clock.json"), ClockFile).clock_us
    except FileNotFoundError:
        return None


def advance_clock(workspace: Workspace, clock_us: int) -> int:
    """Move the clock forward to `clock_us` if it stands before it; returns where it stands now."""
    path = workspace.path("clock.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(".clock.lock"), "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stood = read_clock(workspace)
        if stood is not None and stood >= clock_us:
            return stood
        write_struct(path, ClockFile(clock_us))
        return clock_us
