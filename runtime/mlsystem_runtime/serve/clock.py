"""The environment's clock: wall time, or the data's (the greatest `available` ingested, as `clock.json` says)."""

from __future__ import annotations

import logging
import time
from typing import Protocol

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.run import Clock
from mlsystem_runtime.contract.workspace import Workspace, read_struct
from mlsystem_runtime.data.clock import CLOCK, ClockFile

REFRESH_SECONDS = 5.0

logger = logging.getLogger(__name__)


class EnvironmentClock(Protocol):
    def now_us(self) -> int | None:
        """UTC microseconds; None where nothing was ingested yet. At once."""
        ...

    def refresh(self) -> None:
        """Looks again at what says the time, which may take a while: for another thread."""
        ...


class WallClock:
    def now_us(self) -> int | None:
        return time.time_ns() // 1000

    def refresh(self) -> None:
        pass


class DataClock:
    """Reads `clock.json` again only when it has changed; never goes back, and stays when the file is damaged."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._seen: tuple[int, int] | None = None
        self._now_us: int | None = None
        self._refresh_at = 0.0

    def now_us(self) -> int | None:
        try:
            status = self._workspace.path(CLOCK).stat()
        except FileNotFoundError:
            return self._now_us
        seen = (status.st_mtime_ns, status.st_ino)
        if seen != self._seen:
            self._seen = seen
            self._read()
        return self._now_us

    def refresh(self) -> None:
        """From a bucket every REFRESH_SECONDS; a local file needs nothing."""
        if time.monotonic() < self._refresh_at:
            return
        self._refresh_at = time.monotonic() + REFRESH_SECONDS
        try:
            self._workspace.storage.restore(CLOCK)
        except (OSError, MlsystemError) as error:  # a disk that is full, a bucket out of reach
            logger.warning("the data's clock stands still for now: %s", error)

    def _read(self) -> None:
        try:
            read = read_struct(self._workspace.path(CLOCK), ClockFile).clock_us
        except (OSError, MlsystemError):
            return
        self._now_us = max(read, self._now_us or read)


def environment_clock(kind: Clock, workspace: Workspace) -> EnvironmentClock:
    return WallClock() if kind == "wall" else DataClock(workspace)
