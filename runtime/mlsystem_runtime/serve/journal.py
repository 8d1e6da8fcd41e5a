"""The write-ahead files of the prediction log and of the feedback: see `contract.records` for what is in them.

Records wait in memory until the server writes them, every second and when it stops; a killed process loses at most
that second. Whoever writes a journal holds a lock on it (flock): one that nobody holds was left by a process that is
gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.counts import HOUR_US
from mlsystem_runtime.contract.records import JOURNAL, Layout, hour_folder, instant

MOST_WAITING = 16_000_000  # bytes in memory, of a second that the disk does not take
MOST_OPEN = 64             # journals that one process writes: one for each version and hour

Waiting = dict[tuple[int, bytes], bytearray]

logger = logging.getLogger(__name__)


class Journals:
    """Those of one folder that this process writes. `add` and `take` belong to the loop that answers requests; the rest
    to another thread, one at a time. `process` is the first part of the files' names, and no other process's.
    """

    def __init__(self, folder: Path, process: str) -> None:
        self.folder = folder
        self.size = 0
        self._process = process
        self._waiting: Waiting = {}
        self._bytes = 0
        self._open: dict[tuple[int, bytes], Journal] = {}
        self._closed: list[Path] = []
        self._files = 0
        self._pruned: str | None = None
        self._encoder = msgspec.json.Encoder()

    def add(self, header: bytes, at_us: int, record: Struct) -> bool:
        """`header` is the encoded `Layout` of the record. False where too much waits already, and it was dropped."""
        if self._bytes >= MOST_WAITING:
            return False
        key = (at_us // HOUR_US, header)
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = bytearray()
        before = len(waiting)
        self._encoder.encode_into(record, waiting, -1)
        waiting += b"\n"
        self._bytes += len(waiting) - before
        return True

    def take(self) -> Waiting:
        """What waits, which waits no longer: the caller writes it."""
        taken, self._waiting, self._bytes = self._waiting, {}, 0
        return taken

    def write(self, waiting: Waiting, durably: bool = False) -> int:
        """Appends to the journals and returns how many records the disk refused; a full disk stops no server.

        `durably`: they survive the end of the machine too, not only that of the process.
        """
        lost = 0
        for key, lines in waiting.items():
            try:
                journal = self._journal(key)
                journal.append(lines)
                if durably:
                    os.fdatasync(journal.file)
                self.size += len(lines)
            except OSError:
                count = lines.count(b"\n")
                logger.exception("%d records of %s are lost", count, self.folder)
                lost += count
        return lost

    def close(self) -> None:
        """What is written from now on belongs to the next journals."""
        for journal in self._open.values():
            self._closed.append(journal.path)
            journal.close()
        self._open.clear()
        self.size = 0

    def closed(self) -> list[Path]:
        """Journals that this process writes no more, and that were not said to be sealed yet."""
        return list(self._closed)

    def sealed(self, path: Path) -> None:
        self._closed.remove(path)

    def left(self) -> None:
        """From now on, those that an earlier process left in this folder are among the closed ones."""
        mine = {journal.path for journal in self._open.values()}
        self._closed = sorted({*self._closed, *self.folder.glob(f"*/*/[!.]*{JOURNAL}")} - mine)

    def prune(self, now_us: int, retain: timedelta) -> None:
        """Removes the days that lie wholly before the time to keep. Looks at most once for each day of the clock."""
        oldest = f"{instant(now_us) - retain:%Y-%m-%d}"
        if oldest == self._pruned or not self.folder.is_dir():
            return
        self._pruned = oldest
        for day in self.folder.iterdir():
            if day.is_dir() and day.name < oldest:
                shutil.rmtree(day, ignore_errors=True)

    def _journal(self, key: tuple[int, bytes]) -> Journal:
        journal = self._open.get(key)
        if journal is not None and journal.exists():
            return journal
        if journal is not None or len(self._open) >= MOST_OPEN:
            self.close()
        hour, header = key
        self._open[key] = made = self._make(hour_folder(self.folder, hour), header)
        return made

    def _make(self, folder: Path, header: bytes) -> Journal:
        while True:
            self._files += 1
            folder.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):  # somebody removed the folder, which was empty until now
                made = Journal.make(folder / f"{self._process}.{self._files}{JOURNAL}", header)
                if made is not None:
                    return made


class Journal:
    """One file, locked while it is open; `size` counts the bytes of whole lines in it."""

    def __init__(self, path: Path, file: int) -> None:
        self.path = path
        self.file = file
        self.size = 0

    @classmethod
    def make(cls, path: Path, header: bytes) -> Journal | None:
        """None where another process took the new file, which was not locked yet, for one that was left behind."""
        journal = cls(path, os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
        try:
            fcntl.flock(journal.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if journal.exists():
                journal.append(header + b"\n")
                return journal
        except BlockingIOError:
            pass
        except OSError:
            journal.close()
            path.unlink(missing_ok=True)
            raise
        journal.close()
        return None

    def append(self, lines: bytes | bytearray) -> None:
        """All or nothing: a part of a line would spoil the next one."""
        rest = memoryview(lines)
        try:
            while rest:
                rest = rest[os.write(self.file, rest) :]
        except OSError:
            os.ftruncate(self.file, self.size)
            raise
        self.size += len(lines)

    def exists(self) -> bool:
        return os.fstat(self.file).st_nlink > 0

    def close(self) -> None:
        """Unlocked by name: a process that was forked meanwhile may hold the file open."""
        with contextlib.suppress(OSError):
            fcntl.flock(self.file, fcntl.LOCK_UN)
        os.close(self.file)


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[bytes | None]:
    """The content of a journal that nobody writes, and that nobody else seals meanwhile; None for any other."""
    with contextlib.ExitStack() as stack:
        content = None
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            file = stack.enter_context(open(path, "rb"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            content = file.read() if os.fstat(file.fileno()).st_nlink else None
        yield content


def header_of(layout: Layout) -> bytes:
    return msgspec.json.encode(layout)
