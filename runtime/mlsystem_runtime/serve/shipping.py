"""What a server of a fleet logs and counts, on its way from its own disk to the bucket.

Lines are on the disk within a second, and in the bucket within SHIP_SECONDS or SHIP_BYTES: a process that is killed
loses at most a second (the next one on this disk ships the rest), a machine that is lost at most a minute. Each part of
the log is an object of its own, predictions/MODEL/DATE/HOUR/POD/PART.jsonl; counts keep the names that they have.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from mlsystem_runtime.contract.attempts import alive
from mlsystem_runtime.contract.bucket import Bucket
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.serve.prediction_log import instant

SHIP_SECONDS = 60.0
SHIP_BYTES = 8_000_000
PRUNE_SECONDS = 3600.0
MOST_WAITING = 512_000_000   # bytes on this disk while the bucket is out of reach; then the oldest go
IDLE_SECONDS = 3600.0        # then a file of counts that is in the bucket is needed here no more
PART = ".part"

logger = logging.getLogger(__name__)


class Shipper:
    """For one server process. `cut` while nobody writes the log; `ship` at any time, on one thread at a time."""

    def __init__(self, workspace: Workspace, bucket: Bucket, retain: Mapping[str, timedelta]) -> None:
        self._workspace = workspace
        self._bucket = bucket
        self._retain = retain
        self._pod = pod_name()
        self._shipped: dict[Path, tuple[int, int]] = {}
        self._ship_at = time.monotonic() + SHIP_SECONDS
        self._prune_at = 0.0

    def due(self) -> bool:
        return time.monotonic() >= self._ship_at or sum(size_of(path) for path in self._logs()) >= SHIP_BYTES

    def cut(self) -> None:
        """What is logged from now on belongs to the next part."""
        self._ship_at = time.monotonic() + SHIP_SECONDS
        with contextlib.suppress(OSError):  # then it belongs to the part after the next
            for path in self._logs():
                path.rename(path.with_name(f"{time.time_ns()}-{path.stem}{PART}"))
        for model in self._retain:
            for folder in self._workspace.path("predictions", model).glob("*/*"):
                with contextlib.suppress(OSError):  # not empty
                    folder.rmdir()

    def ship(self) -> int:
        """Parts and counts that the bucket has not yet, oldest first; how many lines were dropped for lack of room.

        What cannot be shipped now is tried again the next time.
        """
        try:
            for path in (*self._parts(), *self._counts()):
                with contextlib.suppress(FileNotFoundError):  # another server of this disk was faster
                    self._ship_one(path)
        except (MlsystemError, OSError) as error:
            logger.warning("what was logged and counted waits on this disk: %s", error)
            return self._make_room()
        return 0

    def prune(self, now_us: int) -> None:
        """Removes the days of the log that lie wholly before the time to keep; looks once an hour."""
        if time.monotonic() < self._prune_at:
            return
        self._prune_at = time.monotonic() + PRUNE_SECONDS
        try:
            for model, retain in self._retain.items():
                oldest = f"{instant(now_us) - retain:%Y-%m-%d}"
                for day in self._bucket.folders(f"predictions/{model}"):
                    if day < oldest:
                        self._bucket.delete(one.name for one in self._bucket.listing(f"predictions/{model}/{day}/"))
        except MlsystemError as error:
            logger.warning("old days of the prediction log stay for now: %s", error)

    def _ship_one(self, path: Path) -> None:
        if path.suffix == PART:
            self._bucket.upload(path, self._name(path))
            path.unlink()
        else:
            self._ship_counts(path)

    def _ship_counts(self, path: Path) -> None:
        status = path.stat()
        seen = (status.st_mtime_ns, status.st_size)
        if self._shipped.get(path) != seen:
            self._bucket.upload(path, str(path.relative_to(self._workspace.root)))
            self._shipped[path] = seen
        elif time.time() - status.st_mtime > IDLE_SECONDS:
            path.unlink()  # written whole again, should its hour come back
            del self._shipped[path]

    def _name(self, part: Path) -> str:
        folder = part.parent.relative_to(self._workspace.root)
        return f"{folder}/{self._pod}/{part.stem}.jsonl"

    def _make_room(self) -> int:
        parts = list(self._parts())
        waiting, dropped = sum(size_of(path) for path in parts), 0
        for path in parts:
            if waiting <= MOST_WAITING:
                break
            waiting -= size_of(path)
            with contextlib.suppress(FileNotFoundError):  # another server of this disk was faster
                dropped += path.read_bytes().count(b"\n")
                path.unlink()
        return dropped

    def _logs(self) -> Iterator[Path]:
        """Files that lines are appended to by this process, or were by one of this disk that is gone."""
        for model in self._retain:
            for path in self._workspace.path("predictions", model).glob("*/*/*.jsonl"):
                if path.stem.isdigit() and (int(path.stem) == os.getpid() or not alive(int(path.stem))):
                    yield path

    def _parts(self) -> list[Path]:
        found = (self._workspace.path("predictions", model).glob(f"*/*/*{PART}") for model in self._retain)
        return sorted((path for paths in found for path in paths), key=lambda path: path.name)

    def _counts(self) -> list[Path]:
        found = (self._workspace.path("counts", model).glob("[!.]*.json") for model in self._retain)
        return sorted(path for paths in found for path in paths)


def size_of(path: Path) -> int:
    """0 where it is gone."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def pod_name() -> str:
    """The host's name, which in a cluster is the pod's, as part of an object's name."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()) or "server"
