"""One apply at a time. In a folder the lease is an operating-system lock: it ends with its holder."""

from __future__ import annotations

import fcntl
import getpass
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol

import msgspec

from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.base import Struct

LOCK = "lease.lock"


class Holder(Struct):
    """Who (user@host) holds a lease, since when, and what for."""

    who: str
    pid: int
    since: str
    purpose: str

    @classmethod
    def me(cls, purpose: str) -> Holder:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(who=person(), pid=os.getpid(), since=since, purpose=purpose)


class Lease(Protocol):
    def __enter__(self) -> Lease: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class FileLease:
    """An exclusive lock on a file that says who holds it."""

    def __init__(self, path: Path, purpose: str) -> None:
        self.path = path
        self.purpose = purpose
        self._file: IO[bytes] | None = None

    def __enter__(self) -> FileLease:
        file = open(self.path, "ab+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            written = file.read()
            file.close()
            raise _taken(written) from None
        file.truncate(0)
        file.write(msgspec.json.encode(Holder.me(self.purpose)))
        file.flush()
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None, "a lease is left once"
        self._file.truncate(0)
        self._file.close()
        self._file = None


class MemoryHolder(Protocol):
    held: str | None


class MemoryLease:
    """The same without a disk."""

    def __init__(self, store: MemoryHolder, purpose: str) -> None:
        self.store = store
        self.purpose = purpose

    def __enter__(self) -> MemoryLease:
        if self.store.held is not None:
            raise MlsystemError(f"this environment is being changed by `{self.store.held}`", "wait until it is done")
        self.store.held = self.purpose
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.held = None


def _taken(written: bytes) -> MlsystemError:
    try:
        holder = msgspec.json.decode(written, type=Holder)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return MlsystemError("this environment is being changed by another process", "wait until it is done")
    return MlsystemError(
        f"this environment is being changed by `{holder.purpose}`: "
        f"{holder.who}, pid {holder.pid}, since {holder.since}",
        f"wait until it is done; to break it, run there: kill {holder.pid} "
        "(the next apply goes on where that one stopped)",
    )


def person() -> str:
    """user@host, of whoever runs this."""
    return f"{_user()}@{socket.gethostname()}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
