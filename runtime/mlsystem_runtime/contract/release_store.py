"""Where the release is kept: in the workspace on one machine, in a ConfigMap in a cluster. One protocol for both.

Whoever changes a release reads it with its token, and writes what it has made of it with that token: a change that
came in between is not lost.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from mlsystem_runtime.contract.base import pretty_json
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.files import decode_struct
from mlsystem_runtime.contract.release import EMPTY, Release
from mlsystem_runtime.contract.workspace import Workspace

DOCUMENT = "release.json"
HINT = "delete it and say what is to answer: mlsystem rollback --to VERSION (the server goes on meanwhile)"
LOOK_SECONDS = 0.1       # how often a local file is looked at
ASK_SECONDS = 1.0        # how often a bucket is asked


@dataclass(frozen=True)
class HeldRelease:
    """A release as it was read. `token` names that state; it is empty where there is none."""

    release: Release
    token: str


class ReleaseStore(Protocol):
    """All raise MlsystemError, or OSError of a local disk, when the place cannot be reached."""

    def read(self) -> HeldRelease:
        """What is in force; empty where nothing was released yet. Raises MlsystemError for damage."""
        ...

    def write(self, release: Release, expected: str) -> bool:
        """False, and nothing written, where what is held is not what the token `expected` names."""
        ...

    def watch(self, changed: Callable[[], None]) -> AbstractContextManager[None]:
        """Meanwhile `changed` is called soon after every change, from another thread, and sometimes for nothing."""
        ...


class FileReleaseStore:
    """`release.json` of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._storage = workspace.storage
        self._every = LOOK_SECONDS if workspace.bucket is None else ASK_SECONDS

    def read(self) -> HeldRelease:
        data = self._data()
        return HeldRelease(decode_release(data, f"{self._storage.uri}/{DOCUMENT}"), token_of(data))

    def write(self, release: Release, expected: str) -> bool:
        written = False

        def change(data: bytes | None) -> bytes | None:
            nonlocal written
            written = token_of(data) == expected
            return pretty_json(release).encode() if written else None

        self._storage.update(DOCUMENT, change)
        return written

    @contextmanager
    def watch(self, changed: Callable[[], None]) -> Iterator[None]:
        stopping = threading.Event()

        def look() -> None:
            seen = None
            while not stopping.wait(self._every):
                try:
                    found = self._data()
                except (OSError, MlsystemError):  # whoever reads it is told
                    continue
                if found != seen:
                    seen = found
                    changed()

        with background(look, stopping.set):
            yield

    def _data(self) -> bytes | None:
        try:
            return self._storage.read(DOCUMENT)
        except FileNotFoundError:
            return None


def decode_release(data: bytes | None, where: str) -> Release:
    try:
        return EMPTY if data is None else decode_struct(data, Release, where)
    except MlsystemError as error:
        raise MlsystemError(error.message, HINT) from error


def token_of(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()


@contextmanager
def background(work: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    """`work` runs on a thread until `stop` is called; a process does not wait for it to end."""
    thread = threading.Thread(target=work, name="release", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join(timeout=1)
