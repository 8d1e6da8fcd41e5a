"""What of a bucket is at hand in a local folder, and what of it goes again.

Of each step and of each model KEPT folders stay, those used last. Others go when a process that lives long calls
`trim`, unless somebody reads them: whoever was given a folder holds a lease on it, a shared lock of FOLDER/.lease,
until its process ends or trims. What is gone is brought again when it is asked for.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

from mlsystem_runtime.contract.attempts import attempt_name, dead_attempts

KEPT = 3
LEASE = ".lease"
HOMES = ("steps", "models")
"""Folders are two below these: steps/NAME/KEY, models/MODEL/VERSION."""


class Mirror:
    """Several processes may share one, and threads one of these."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._leases: dict[str, int] = {}
        self._changing = threading.Lock()
        weakref.finalize(self, _release, self._leases)

    def lease(self, folder: str, *wanted: str) -> None:
        """This process uses the folder from now on; it is made where there is none.

        Where nobody else does, all in it but what is `wanted` goes, and what killed downloads left in that.
        """
        path = self.root / folder / LEASE
        with self._changing:
            held = self._leases.get(folder)
            if held is None or not _is_at(held, path):
                self._leases[folder] = _shared(path, wanted)
                if held is not None:
                    os.close(held)
            os.utime(self._leases[folder])

    def trim(self) -> int:
        """This process reads nothing any more of what it leased. How many folders went; what the disk refuses stays."""
        with self._changing:
            _release(self._leases)
        return sum(self._trim(home) for name in HOMES for home in _folders(self.root / name))

    def _trim(self, home: Path) -> int:
        found = {path: _used(path) for path in _folders(home)}
        hidden = {path: at for path, at in found.items() if path.name.startswith(".")}
        for path in dead_attempts(hidden, time.time()):
            shutil.rmtree(path, ignore_errors=True)
        newest = sorted(found.keys() - hidden.keys(), key=found.__getitem__, reverse=True)
        return sum(_drop(path) for path in newest[KEPT:])


def _shared(path: Path, wanted: tuple[str, ...]) -> int:
    """A descriptor with a shared lock of the file at `path`; again where it went before it was locked."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue
        with contextlib.suppress(OSError):  # somebody has a lease, or what is left cannot be removed
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, path):
                _clean(path.parent, {LEASE, *wanted})
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        if _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)


def _clean(folder: Path, wanted: set[str]) -> None:
    for path in folder.iterdir():
        if path.name not in wanted:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for left in folder.glob("*/**/.*"):
        left.unlink(missing_ok=True)


def _drop(folder: Path) -> bool:
    """Whether nobody held it, and it is gone."""
    with contextlib.suppress(OSError), _alone(folder / LEASE):
        gone = folder.with_name(attempt_name(folder.name))  # at once: nobody finds a folder that is half gone
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        return True
    return False


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Raises BlockingIOError where somebody has a lease."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_at(descriptor, path):
            raise BlockingIOError(f"{path} is another's")
        yield
    finally:
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _folders(path: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return [one for one in path.iterdir() if one.is_dir()]
    return []


def _used(folder: Path) -> float:
    for path in (folder / LEASE, folder):
        with contextlib.suppress(OSError):
            return path.stat().st_mtime
    return 0.0


def _release(leases: dict[str, int]) -> None:
    while leases:
        os.close(leases.popitem()[1])
