"""`clock.json` in the workspace: the data's clock, the greatest `available` ever ingested. It never goes back."""

from __future__ import annotations

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.workspace import Workspace

CLOCK = "clock.json"


class ClockFile(Struct):
    """UTC microseconds."""

    clock_us: int


def read_clock(workspace: Workspace) -> int | None:
    """None where nothing was ingested yet."""
    try:
        return workspace.read(ClockFile, CLOCK).clock_us
    except FileNotFoundError:
        return None


def advance_clock(workspace: Workspace, clock_us: int) -> int:
    """Move the clock forward to `clock_us` if it stands before it; returns where it stands now."""
    def forward(stood: ClockFile | None) -> ClockFile:
        return ClockFile(clock_us) if stood is None else ClockFile(max(stood.clock_us, clock_us))

    return workspace.update(ClockFile, forward, CLOCK).clock_us
