"""What a server writes down while it answers: journals every second, segments of them within a minute or 8 MB."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from mlsystem_runtime.serve.journal import Journals
from mlsystem_runtime.serve.shipping import Shipper

SEAL_SECONDS = 60.0
SEAL_BYTES = 8_000_000

Dropped = Callable[[str, str, int], None]

logger = logging.getLogger(__name__)


class Book:
    """The journals of one folder, and who may touch them. `durably` is that of `Journals.write`."""

    def __init__(self, model: str, journals: Journals, retain_us: int, durably: bool = False) -> None:
        self.model = model
        self.journals = journals
        self.retain = timedelta(microseconds=retain_us)
        self.lock = asyncio.Lock()
        self._durably = durably
        self._next: asyncio.Task[int] | None = None

    async def written(self) -> int:
        """Returns when what was added before the call is on the disk: how many of those records, or of others that were
        written together with them, the disk refused."""
        if self._next is None:
            self._next = asyncio.create_task(self._write())
        return await asyncio.shield(self._next)  # others wait for it too

    async def _write(self) -> int:
        async with self.lock:
            self._next = None
            waiting = self.journals.take()
            return await asyncio.to_thread(self.journals.write, waiting, self._durably) if waiting else 0


class Recorder:
    """For all models of a server. `dropped` is told of which model records are lost, why, and how many."""

    def __init__(self, books: Sequence[Book], shipper: Shipper | None, dropped: Dropped) -> None:
        self.books = tuple(books)
        self.shipper = shipper
        self._dropped = dropped
        self._sealing = asyncio.Lock()
        self._seal_at = time.monotonic()  # at once: an earlier process may have left something
        self._looked = False

    async def flush(self, now_us: int | None) -> None:
        """What waits is written, on another thread; requests go on meanwhile. Old days go."""
        for book in self.books:
            self._lost(book.model, "disk", await book.written())
            if now_us is not None:
                await asyncio.to_thread(book.journals.prune, now_us, book.retain)

    def due(self) -> bool:
        return time.monotonic() >= self._seal_at or sum(book.journals.size for book in self.books) >= SEAL_BYTES

    async def seal(self, now_us: int | None) -> None:
        """What is written becomes segments, and where the workspace is a bucket it goes there with the counts."""
        async with self._sealing:
            self._seal_at = time.monotonic() + SEAL_SECONDS
            for book in self.books:
                async with book.lock:
                    await asyncio.to_thread(self._close, book.journals)
                self._lost(book.model, "torn", await asyncio.to_thread(seal_closed, book.journals))
            self._looked = True
            if self.shipper is not None:
                self._lost(self.books[0].model, "room", await asyncio.to_thread(self.shipper.ship))
                if now_us is not None:
                    await asyncio.to_thread(self.shipper.prune, now_us)

    def _close(self, journals: Journals) -> None:
        journals.close()
        if not self._looked:
            journals.left()

    def _lost(self, model: str, reason: str, records: int) -> None:
        if records:
            self._dropped(model, reason, records)


def seal_closed(journals: Journals) -> int:
    """Makes segments of all journals that are written no more; how many records were torn. What a full disk refuses is
    tried again the next time."""
    torn = 0
    for path in journals.closed():
        try:
            torn += torn_of(path)
        except OSError as error:
            logger.warning("%s becomes no segment for now: %s", path, error)
            return torn
        journals.sealed(path)
    return torn


def torn_of(path: Path) -> int:
    from mlsystem_runtime.serve.segments import seal  # after the start: Arrow is heavy

    sealed = seal(path)
    return 0 if sealed is None else sealed.torn
