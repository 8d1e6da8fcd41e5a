"""What nobody will ask a workspace for again: outputs and runs long past, and what killed attempts left."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.workspace import StepRecord, Workspace, read_struct

KEPT_OUTPUTS = 3
"""Of each step: so that going back to what was applied before costs nothing."""
KEPT_RUNS = 50
RECENT_S = 3600.0
"""What is younger may belong to a run that is under way, of whoever else writes to the workspace."""
ABANDONED_S = 7 * 86400.0
"""How long the checkpoints of a step that was killed wait for it to go on."""


def collect(workspace: Workspace) -> int:
    """Remove what is no longer needed; how many folders that were. Registered versions are no part of it."""
    now = time.time()
    found = [*_past_outputs(workspace, now), *_past_runs(workspace, now), *_dead_attempts(workspace)]
    found += [path for path in workspace.path("scratch").glob("*/*") if now - path.stat().st_mtime > ABANDONED_S]
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return len(found)


def _past_outputs(workspace: Workspace, now: float) -> Iterator[Path]:
    used = last_used(workspace)
    for step in workspace.path("steps").glob("*"):
        outputs = {path: used.get(path, path.stat().st_mtime) for path in step.glob("[!.]*")}
        newest = sorted(outputs, key=outputs.__getitem__, reverse=True)
        yield from (path for path in newest[KEPT_OUTPUTS:] if now - outputs[path] > RECENT_S)


def last_used(workspace: Workspace) -> dict[Path, float]:
    """When a run last found or made each output, in seconds since 1970."""
    used: dict[Path, float] = {}
    for path in workspace.path("runs").glob("*/*.json"):
        try:
            output = workspace.path(read_struct(path, StepRecord).output)
        except (FileNotFoundError, MlsystemError):  # collected meanwhile, or damaged: it uses nothing
            continue
        used[output] = max(used.get(output, 0.0), path.stat().st_mtime)
    return used


def _past_runs(workspace: Workspace, now: float) -> Iterator[Path]:
    """All but the newest, and those with the newest record of a step."""
    newest: dict[str, Path] = {}
    for path in sorted(workspace.path("runs").glob("*/*.json"), key=lambda path: path.stat().st_mtime):
        newest[path.name] = path.parent
    changed = {path: path.stat().st_mtime for path in workspace.path("runs").glob("*")}
    for path in sorted(changed, key=changed.__getitem__, reverse=True)[KEPT_RUNS:]:
        if path not in newest.values() and now - changed[path] > RECENT_S:
            yield path


def _dead_attempts(workspace: Workspace) -> Iterator[Path]:
    """Unpublished outputs `.KEY.PID.HEX` of processes that are gone."""
    for path in workspace.path("steps").glob("*/.*.*.*"):
        pid = path.name.split(".")[2]
        if pid.isdigit() and not alive(int(pid)):
            yield path


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
