"""Follows the release without a restart: loads new versions beside the old ones, warms them, then swaps.

The last state that worked stays in place while the release cannot be read, or a version is damaged.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import replace

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.release import ModelRelease, Release
from mlsystem_runtime.contract.release_store import ReleaseStore
from mlsystem_runtime.serve.metrics import Metrics
from mlsystem_runtime.serve.versions import Board, LoadedVersion, LoadVersion, Released

RETRY_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 15.0    # also where no change was reported: a watch can die in silence

logger = logging.getLogger(__name__)


class Watcher:
    """Fills `board` for `models` from `releases`; other models of the release are not this server's. Of `trying`, a
    shadow version is loaded too."""

    def __init__(
        self, releases: ReleaseStore, models: tuple[str, ...], load: LoadVersion, board: Board, metrics: Metrics,
        trying: frozenset[str] = frozenset(),
    ) -> None:
        self.releases = releases
        self.models = models
        self.board = board
        self._trying = trying
        self._load = load
        self._metrics = metrics
        self._seen: str | None = None
        self._retry_at: float | None = None

    async def run(self) -> None:
        """Until cancelled."""
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def notice() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(changed.set)

        with self.releases.watch(notice):
            while True:
                changed.clear()
                await self.look()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):  # wait_for of 3.11 can swallow the end of this task
                        await changed.wait()

    async def look(self) -> None:
        """Follows the release if it has changed, or if following it failed a while ago."""
        due = self._retry_at is not None and time.monotonic() >= self._retry_at
        try:
            held = await asyncio.to_thread(self.releases.read)
        except (MlsystemError, OSError):
            logger.exception("the release cannot be read; what was released before it goes on answering")
            self._metrics.release_failures.inc()
            self._retry_at = time.monotonic() + RETRY_SECONDS
            return
        if held.token == self._seen and not due:
            return
        self._seen = held.token
        followed = await self._apply(held.release)
        self._retry_at = None if followed else time.monotonic() + RETRY_SECONDS

    def _pause(self) -> float:
        """Seconds until the next look, where nothing is reported."""
        return LOOK_AGAIN_SECONDS if self._retry_at is None else max(0.0, self._retry_at - time.monotonic())

    async def _apply(self, release: Release) -> bool:
        followed = [await self._switch(name, release.models.get(name), release.serial) for name in self.models]
        if all(followed):
            self.board.serial = release.serial
            self._metrics.release_serial.set(release.serial)
        return all(followed)

    async def _switch(self, model: str, release: ModelRelease | None, serial: int) -> bool:
        if release is None:
            return self.board.models.get(model) is None  # a release that vanished is damage, not a decision
        current = self.board.models.get(model)
        if current is not None and current.release == release:
            self.board.models[model] = replace(current, serial=serial)
            return True
        known = dict(current.versions) if current is not None else {}
        if current is not None and current.shadow is not None:
            known[current.shadow.number] = current.shadow
        wanted = {share.version for share in release.shares}
        try:
            added = sorted(wanted - known.keys())
            fresh = {number: await asyncio.to_thread(self._ready, model, number) for number in added}
            shadow = await self._shadow(model, release, current)
        except Exception:  # whatever is wrong with a version, the one that works goes on
            logger.exception("a version of '%s' cannot be loaded; what was released before it goes on answering", model)
            self._metrics.release_failures.inc()
            return False
        before = {share.version for share in current.release.shares} if current is not None else set()
        kept = {number: version for number, version in known.items() if number in before | wanted}
        self.board.models[model] = Released(release, {**kept, **fresh}, serial, shadow)
        shares = ", ".join(f"version {one.version} ({one.share:.0%})" for one in release.shares)
        logger.info("'%s' is answered by %s", model, shares)
        return True

    async def _shadow(self, model: str, release: ModelRelease, current: Released | None) -> LoadedVersion | None:
        """None also where it cannot be loaded: a shadow stops nothing."""
        if release.shadow is None or model not in self._trying:
            return None
        if current is not None and current.shadow is not None and current.shadow.number == release.shadow:
            return current.shadow
        try:
            return await asyncio.to_thread(self._ready, model, release.shadow)
        except Exception:
            logger.exception("version %d of '%s' cannot be tried", release.shadow, model)
            return None

    def _ready(self, model: str, number: int) -> LoadedVersion:
        version = self._load(model, number)
        version.warm()
        return version
