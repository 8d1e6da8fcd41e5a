"""Counts on disk → windows of time → verdicts. All times are on the environment's clock.

A month's allowance of false alarms is shared out by union bound, so it holds however columns and looks depend on each
other: each window gets its part, one half of it for the closing verdict, the rest for looks at the window in progress
each time its rows have doubled. Looking more often would find chance.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.contract.counts import HOUR_US, DriftCounts, SliCounts
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.expressions import compile_expression
from mlsystem_runtime.contract.features import FeatureContract, RequestGroup
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.monitor_state import MonitorState, WindowState
from mlsystem_runtime.contract.run import Drift, MonitoredModel
from mlsystem_runtime.contract.workspace import Workspace, read_struct
from mlsystem_runtime.monitor.drift import Watch, judge
from mlsystem_runtime.registry.card import CARD
from mlsystem_runtime.serve.cells import Grid, grid_of, merged

MONTH_US = 30 * 24 * HOUR_US
FIRST_LOOK = 200          # rows; then 400, 800 …
MOST_LEVEL = 0.5          # of a window, however many false alarms are allowed
AHEAD_US = 32 * 24 * HOUR_US  # requests that run further ahead of the clock are not judged: they would end every window
KEPT_WINDOWS = 2          # of counts behind the last judged one

T = TypeVar("T", bound=Struct)
logger = logging.getLogger(__name__)


class CountFiles:
    """The files below counts/MODEL. A file is read again only when it has changed."""

    def __init__(self, workspace: Workspace, model: str) -> None:
        self._storage = workspace.storage
        self._name = f"counts/{model}"
        self.folder = workspace.path("counts", model)
        self._read: dict[Path, tuple[tuple[int, int], Struct | None]] = {}

    def refresh(self) -> None:
        """What servers elsewhere have kept is here from now on."""
        self._storage.restore(self._name)

    def drift(self) -> dict[Path, DriftCounts]:
        return self._all(DriftCounts, [path for path in self._paths() if not path.name.endswith(".sli.json")])

    def sli(self) -> dict[Path, SliCounts]:
        return self._all(SliCounts, [path for path in self._paths() if path.name.endswith(".sli.json")])

    def forget(self, path: Path) -> None:
        """Deletes a file whose hour no window needs any more."""
        self._storage.discard(f"{self._name}/{path.name}")
        self._read.pop(path, None)

    def _paths(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.glob("*.json") if not path.name.startswith("."))

    def _all(self, kind: type[T], paths: Iterable[Path]) -> dict[Path, T]:
        found = {path: self._one(kind, path) for path in paths}
        return {path: counts for path, counts in found.items() if isinstance(counts, kind)}

    def _one(self, kind: type[T], path: Path) -> Struct | None:
        try:
            status = path.stat()
            seen = (status.st_mtime_ns, status.st_size)
            if path not in self._read or self._read[path][0] != seen:
                self._read[path] = (seen, msgspec.json.decode(path.read_bytes(), type=kind))
        except (OSError, msgspec.MsgspecError):
            logger.warning("%s cannot be read and is left out", path)
            return None
        return self._read[path][1]


@dataclass(frozen=True)
class Judged:
    """What looking at the counts gave: the next state, and every window that turned out to drift, just now."""

    state: MonitorState
    drifted: tuple[WindowState, ...]


@dataclass(frozen=True)
class Frozen:
    """What training left for the monitor: the grid, and which inputs are of the calendar."""

    grid: Grid
    calendar: frozenset[str]


class Grids:
    """The frozen grid of each version of a model, from its card; None where it cannot be read."""

    def __init__(self, workspace: Workspace, model: str) -> None:
        self._workspace = workspace
        self._model = model
        self._grids: dict[int, Frozen] = {}

    def __call__(self, version: int) -> Frozen | None:
        if version not in self._grids:
            try:
                card = read_struct(self._workspace.fetch_version(self._model, version, CARD) / CARD, ModelCard)
            except (OSError, MlsystemError) as error:
                logger.warning("version %d of '%s' is not judged: %s", version, self._model, error)
                return None
            self._grids[version] = Frozen(grid_of(card.reference), calendar(card.contract))
        return self._grids[version]


def calendar(contract: FeatureContract) -> frozenset[str]:
    """Inputs computed from instants alone. They say when it is, not how the world is: all of a day is one weekday. So
    they are tested only where the spec lists them."""
    found = set()
    for use in contract.uses:
        group = contract.group(use.group)
        if isinstance(group, RequestGroup):
            fields = {field.name: field for field in group.fields}
            instants = {name for name, field in fields.items() if field.type is ColumnType.TIMESTAMP}
            read = {one.name: compile_expression(one.expression, fields).inputs for one in group.compute}
            found |= {f"{use.alias}.{name}" for name in use.columns if read[name] and read[name] <= instants}
    return frozenset(found)


GridOf = Callable[[int], Frozen | None]


def width_of(drift: Drift) -> int:
    """Whole hours, the grain of the counts; at least one."""
    return max(1, -(-drift.window_us // HOUR_US)) * HOUR_US


def level_of(drift: Drift) -> float:
    """The probability of a false alarm that one window may have."""
    return min(MOST_LEVEL, drift.false_alarms_per_month * width_of(drift) / MONTH_US)


def judge_windows(
    model: MonitoredModel, drift: Drift, files: Sequence[DriftCounts], grids: GridOf, clock_us: int,
    state: MonitorState,
) -> Judged:
    """Judges every window that has become complete, in order, then looks at the one in progress if a look is due.

    Time is the clock, or where requests have run ahead of it (`at` on the data's clock) the newest counted hour, up to
    AHEAD_US.
    """
    width, drifted = width_of(drift), []
    files = [counts for counts in files if counts.hour_us < clock_us + AHEAD_US]
    now_us = max([clock_us, *(counts.hour_us for counts in files)])
    for start in sorted({counts.hour_us // width * width for counts in files}):
        rows = [counts for counts in files if counts.hour_us // width * width == start]
        if start + width > now_us:
            window = look(model, drift, rows, grids, start, state.window)
            if window is not None:
                drifted += [window] if window.verdict == "drift" and not _drifts(state.window, start) else []
                state = msgspec.structs.replace(state, window=window)
        elif state.judged_until_us is None or start >= state.judged_until_us:
            window = close(model, drift, rows, grids, start, state.window)
            if window is not None:
                drifted += [window] if window.verdict == "drift" and not _drifts(state.window, start) else []
                state = closed(state, window)
    return Judged(state, tuple(drifted))


def _drifts(window: WindowState | None, start: int) -> bool:
    return window is not None and window.start_us == start and window.verdict == "drift"


def closed(state: MonitorState, window: WindowState) -> MonitorState:
    """A window without enough rows is over, and says nothing about the state that the last telling one left."""
    enough = window.verdict != "too_little_data"
    return msgspec.structs.replace(
        state, judged_until_us=window.end_us, last=window if enough else state.last,
        window=None if state.window is None or state.window.start_us <= window.start_us else state.window,
        windows_judged=state.windows_judged + enough,
        windows_drifted=state.windows_drifted + (window.verdict == "drift"),
    )


def close(
    model: MonitoredModel, drift: Drift, files: Sequence[DriftCounts], grids: GridOf, start: int,
    earlier: WindowState | None,
) -> WindowState | None:
    """The verdict on a complete window; drift that a look has found in it stays found."""
    window = _window(model, drift, files, grids, start, level_of(drift) / 2.0)
    if window is None:
        return None
    found = earlier if _drifts(earlier, start) else None
    looks = earlier.looks if earlier is not None and earlier.start_us == start else 0
    kept = window if found is None else msgspec.structs.replace(window, verdict="drift", tests=found.tests)
    return msgspec.structs.replace(kept, complete=True, looks=looks)


def look(
    model: MonitoredModel, drift: Drift, files: Sequence[DriftCounts], grids: GridOf, start: int,
    earlier: WindowState | None,
) -> WindowState | None:
    """The window in progress. Between looks only its number of rows moves."""
    version, rows = most_rows(files)
    known = earlier is not None and (earlier.start_us, earlier.version) == (start, version)
    done = earlier.looks if earlier is not None and known else 0
    due = (rows // FIRST_LOOK).bit_length()
    if due > done:
        window = _window(model, drift, files, grids, start, level_of(drift) / 2.0 ** (due + 1))
        if window is not None and earlier is not None and known and earlier.verdict == "drift":
            window = msgspec.structs.replace(window, verdict="drift", tests=earlier.tests)
        return None if window is None else msgspec.structs.replace(window, looks=due)
    if earlier is not None and known:
        return msgspec.structs.replace(earlier, rows=rows)
    return WindowState(
        version=version, start_us=start, end_us=start + width_of(drift), rows=rows, complete=False, looks=0,
        verdict="too_little_data", tests=(),
    )


def _window(
    model: MonitoredModel, drift: Drift, files: Sequence[DriftCounts], grids: GridOf, start: int, level: float,
) -> WindowState | None:
    """Judges the version that answered most rows, at `level`. None where its grid is gone."""
    version, rows = most_rows(files)
    frozen = grids(version)
    if frozen is None:
        return None
    every = (column.name for column in frozen.grid.inputs if column.name not in frozen.calendar)
    columns = frozenset(every if drift.features is None else drift.features)
    watch = Watch(columns, drift.predictions, missing=model.missing)
    tally = merged(frozen.grid, (counts for counts in files if counts.version == version))
    verdict, tests = judge(tally, watch, level)
    return WindowState(
        version=version, start_us=start, end_us=start + width_of(drift), rows=rows, complete=False, looks=0,
        verdict=verdict, tests=tests,
    )


def most_rows(files: Sequence[DriftCounts]) -> tuple[int, int]:
    """The version that answered most rows, the newer on a tie, and how many."""
    rows: Counter[int] = Counter()
    for counts in files:
        rows[counts.version] += counts.rows
    return max(rows.items(), key=lambda item: (item[1], item[0]))


def prune_level(files: CountFiles) -> None:
    """Deletes what processes served before the window of their SLO; every server that ever was has left a file."""
    for path, counts in files.sli().items():
        if max(counts.hours, default=0) < time.time_ns() // 1000 - counts.window_us - HOUR_US:
            files.forget(path)


def prune(files: CountFiles, drift: Drift, state: MonitorState) -> None:
    """Deletes counts of hours that lie KEPT_WINDOWS behind the last judged window."""
    if state.judged_until_us is None:
        return
    oldest = state.judged_until_us - KEPT_WINDOWS * width_of(drift)
    for path, counts in files.drift().items():
        if counts.hour_us < oldest:
            files.forget(path)
