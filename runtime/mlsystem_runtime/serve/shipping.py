"""What a server of a fleet logs and counts, on its way from its own disk to the bucket.

Records are on the disk within a second, and in the bucket within a minute: a process that is killed loses at most a
second (the next one on this disk ships the rest), a machine that is lost at most a minute. A segment is an object of
its own, predictions/MODEL/DATE/HOUR/POD/NAME.parquet; counts keep the names that they have.
"""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from mlsystem_runtime.contract.bucket import Bucket
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.records import FEEDBACK, PREDICTIONS, SEGMENT, instant
from mlsystem_runtime.contract.workspace import Workspace

PRUNE_SECONDS = 3600.0
MOST_WAITING = 512_000_000   # bytes on this disk while the bucket is out of reach; then the oldest go
IDLE_SECONDS = 3600.0        # then a file of counts that is in the bucket is needed here no more

logger = logging.getLogger(__name__)


class Shipper:
    """For one server process; on one thread at a time."""

    def __init__(self, workspace: Workspace, bucket: Bucket, retain: Mapping[str, timedelta]) -> None:
        self._workspace = workspace
        self._bucket = bucket
        self._retain = retain
        self._pod = pod_name()
        self._shipped: dict[Path, tuple[int, int]] = {}
        self._prune_at = 0.0

    def ship(self) -> int:
        """Ships segments and counts that the bucket has not yet, oldest first; how many records were dropped, for lack
        of room. What cannot be shipped now is tried again the next time.
        """
        try:
            for path in (*self._segments(), *self._counts()):
                with contextlib.suppress(FileNotFoundError):  # another server of this disk was faster
                    self._ship_one(path)
            self._tidy()
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
                for folder in (f"{PREDICTIONS}/{model}", f"{FEEDBACK}/{model}"):
                    for day in self._bucket.folders(folder):
                        if day < oldest:
                            self._bucket.delete(one.name for one in self._bucket.listing(f"{folder}/{day}/"))
        except MlsystemError as error:
            logger.warning("old days of the prediction log stay for now: %s", error)

    def _ship_one(self, path: Path) -> None:
        if path.suffix == SEGMENT:
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

    def _name(self, segment: Path) -> str:
        folder = segment.parent.relative_to(self._workspace.root)
        return f"{folder}/{self._pod}/{segment.name}"

    def _make_room(self) -> int:
        segments = list(self._segments())
        waiting, dropped = sum(map(size_of, segments)), 0
        for path in segments:
            if waiting <= MOST_WAITING:
                break
            waiting -= size_of(path)
            with contextlib.suppress(FileNotFoundError):  # another server of this disk was faster
                dropped += rows_of(path)
                path.unlink()
        return dropped

    def _tidy(self) -> None:
        """Removes the folders of hours and days whose segments are in the bucket."""
        for folder in self._folders():
            for below in (*folder.glob("*/*"), *folder.glob("*")):
                with contextlib.suppress(OSError):  # not empty
                    below.rmdir()

    def _segments(self) -> list[Path]:
        found = (path for folder in self._folders() for path in folder.glob(f"*/*/[!.]*{SEGMENT}"))
        return sorted(found, key=lambda path: (changed_ns(path), path.name))

    def _folders(self) -> Iterator[Path]:
        for kind in (PREDICTIONS, FEEDBACK):
            yield from (self._workspace.path(kind, model) for model in self._retain)

    def _counts(self) -> list[Path]:
        found = (self._workspace.path("counts", model).glob("[!.]*.json") for model in self._retain)
        return sorted(path for paths in found for path in paths)


def size_of(path: Path) -> int:
    """0 where it is gone."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def changed_ns(path: Path) -> int:
    """0 where it is gone."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime_ns
    return 0


def rows_of(segment: Path) -> int:
    import pyarrow.parquet as pq  # after the start, for its weight

    return int(pq.read_metadata(segment).num_rows)


def pod_name() -> str:
    """The host's name, which in a cluster is the pod's, as part of an object's name."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()) or "server"
