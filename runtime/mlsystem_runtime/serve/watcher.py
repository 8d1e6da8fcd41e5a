"""Follows the release file without a restart: loads new versions beside the old ones, warms them, then swaps.

The last state that worked stays in place while the file or a version is damaged.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.release import ModelRelease, Release, read_release
from mlsystem_runtime.serve.metrics import Metrics
from mlsystem_runtime.serve.versions import Board, LoadedVersion, LoadVersion, Released

POLL_SECONDS = 0.1
RETRY_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Watcher:
    """Fills `board` for `models` from the release file at `path`; other models in the file are not this server's."""

    def __init__(self, path: Path, models: tuple[str, ...], load: LoadVersion, board: Board, metrics: Metrics) -> None:
        self.path = path
        self.models = models
        self.board = board
        self._load = load
        self._metrics = metrics
        self._seen: tuple[int, int, int] | None = None
        self._retry_at: float | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(POLL_SECONDS)

    async def look(self) -> None:
        """One poll: follows the file if it has changed, or if following it failed a while ago."""
        seen = _signature(self.path)
        due = self._retry_at is not None and time.monotonic() >= self._retry_at
        if seen == self._seen and not due:
            return
        self._seen = seen
        followed = await self._follow()
        self._retry_at = None if followed else time.monotonic() + RETRY_SECONDS

    async def _follow(self) -> bool:
        try:
            release = await asyncio.to_thread(read_release, self.path)
        except (MlsystemError, OSError):
            logger.exception("the release file is damaged; what was released before it goes on answering")
            self._metrics.release_failures.inc()
            return False
        return await self._apply(release)

    async def _apply(self, release: Release) -> bool:
        followed = [await self._switch(name, release.models.get(name)) for name in self.models]
        if all(followed):
            self.board.serial = release.serial
            self._metrics.release_serial.set(release.serial)
        return all(followed)

    async def _switch(self, model: str, release: ModelRelease | None) -> bool:
        if release is None:
            return self.board.models.get(model) is None  # a release that vanished is damage, not a decision
        current = self.board.models.get(model)
        if current is not None and current.release == release:
            return True
        known = current.versions if current is not None else {}
        wanted = {share.version for share in release.shares}
        try:
            added = sorted(wanted - known.keys())
            fresh = {number: await asyncio.to_thread(self._ready, model, number) for number in added}
        except Exception:  # whatever is wrong with a version, the one that works goes on
            logger.exception("a version of '%s' cannot be loaded; what was released before it goes on answering", model)
            self._metrics.release_failures.inc()
            return False
        before = {share.version for share in current.release.shares} if current is not None else set()
        kept = {number: version for number, version in known.items() if number in before | wanted}
        self.board.models[model] = Released(release, {**kept, **fresh})
        shares = ", ".join(f"version {one.version} ({one.share:.0%})" for one in release.shares)
        logger.info("'%s' is answered by %s", model, shares)
        return True

    def _ready(self, model: str, number: int) -> LoadedVersion:
        version = self._load(model, number)
        version.warm()
        return version


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
