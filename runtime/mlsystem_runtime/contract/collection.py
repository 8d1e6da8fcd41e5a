"""What nobody will ask a workspace for again: outputs and runs long past, and what killed attempts left.

The rules, which hold for a bucket as well, and the collection of a local folder.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Hashable, Iterable, Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

from mlsystem_runtime.contract.attempts import dead_attempts
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import Entry, FileLedger, RunFinished, RunStarted
from mlsystem_runtime.contract.workspace import StepRecord, Workspace, read_struct

KEPT_OUTPUTS = 3
"""Of each step: so that going back to what was applied before costs nothing."""
KEPT_RUNS = 50
RECENT_S = 3600.0
"""What is younger may belong to whoever else writes to the workspace. What a run under way has used is as young."""
ABANDONED_S = 7 * 86400.0
"""How long the checkpoints of a step that was killed wait for it to go on."""

K = TypeVar("K", bound=Hashable)


def under_way(entries: Iterable[Entry], now: float) -> set[str]:
    """Runs that began and have not ended. One that was killed counts as long as its checkpoints wait."""
    began: dict[str, float] = {}
    for entry in entries:
        match entry.body:
            case RunStarted(run_id=run):
                began[run] = entry.at_us / 1e6
            case RunFinished(run_id=run):
                began.pop(run, None)
    return began.keys() - abandoned(began, now)


def latest(changes: Iterable[tuple[K, float]]) -> dict[K, float]:
    """When each was changed last. All instants here are in seconds since 1970."""
    return dict(sorted(changes, key=itemgetter(1)))


def past_outputs(made: Mapping[K, float], used: Mapping[K, float], now: float) -> list[K]:
    """Of one step: all but those made or used last."""
    return _surplus(latest([*made.items(), *((one, used[one]) for one in made if one in used)]), KEPT_OUTPUTS, now)


def past_runs(changed: Mapping[K, float], records: Iterable[tuple[K, str, float]], now: float) -> list[K]:
    """All but the newest, and those with the newest record of a step. `records` are (run, step, when)."""
    needed = {step: run for run, step, _ in sorted(records, key=itemgetter(2))}.values()
    return [run for run in _surplus(changed, KEPT_RUNS, now) if run not in needed]


def abandoned(changed: Mapping[K, float], now: float) -> list[K]:
    return [one for one, at in changed.items() if now - at > ABANDONED_S]


def _surplus(changed: Mapping[K, float], kept: int, now: float) -> list[K]:
    newest = sorted(changed, key=changed.__getitem__, reverse=True)
    return [one for one in newest[kept:] if now - changed[one] > RECENT_S]


def collect(workspace: Workspace) -> int:
    """Remove what is no longer needed; how many folders that were. Registered versions are no part of it.

    Others may remove the same meanwhile: the monitor does, of its refreshes.
    """
    now = time.time()
    runs, steps, scratch = (_changed_in(workspace.path(name)) for name in ("runs", "steps", "scratch"))
    records = {path: at for run in runs for path, at in _changed_in(run).items() if path.suffix == ".json"}
    active = under_way(FileLedger(workspace.ledger).entries(), now)
    runs = {path: now if path.name in active else at for path, at in runs.items()}
    records = {path: now if path.parent.name in active else at for path, at in records.items()}
    used = latest(_uses(workspace, records))
    found = past_runs(runs, ((path.parent, path.name, at) for path, at in records.items()), now)
    for step in steps:
        entries = _changed_in(step)
        outputs = {path: at for path, at in entries.items() if not path.name.startswith(".")}
        found += past_outputs(outputs, used, now)
        found += dead_attempts(entries, now)
    for step in scratch:
        found += abandoned(_changed_in(step), now)
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return len(found)


def _changed_in(folder: Path) -> dict[Path, float]:
    """When each entry of a folder was changed; what somebody removes meanwhile is none of them."""
    changed: dict[Path, float] = {}
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for path in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                changed[path] = path.stat().st_mtime
    return changed


def _uses(workspace: Workspace, records: Mapping[Path, float]) -> Iterator[tuple[Path, float]]:
    """Which outputs runs found or made, and when."""
    for path, at in records.items():
        with contextlib.suppress(FileNotFoundError, MlsystemError):  # gone meanwhile, or damaged: it uses nothing
            yield workspace.path(read_struct(path, StepRecord).output), at
