"""The sampled prediction log: JSON lines below predictions/MODEL/DATE/HOUR/, on the environment's clock.

Lines wait in memory until the server writes them, every second and when it stops; a killed process loses at most that
second.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.release import bucket

SALT = "prediction-log"
MAX_WAITING = 20_000

Lines = dict[Path, list[bytes]]

logger = logging.getLogger(__name__)


class Prediction(Struct):
    """One row of one request. `at_us` is its query time; `request` is typed, `inputs` is what the model was given."""

    at_us: int
    request_id: str
    row: int
    model: str
    version: int
    request: Mapping[str, Any]
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]


class PredictionLog:
    """For one model. `folder` is predictions/MODEL; a share of `sample` of all request ids is logged."""

    def __init__(self, folder: Path, sample: float, retain_us: int) -> None:
        self.folder = folder
        self.sample = sample
        self.retain = timedelta(microseconds=retain_us)
        self._waiting: Lines = {}
        self._count = 0
        self._pruned: str | None = None

    def samples(self, request_id: str) -> bool:
        return bucket(SALT, request_id) < self.sample

    def add(self, prediction: Prediction) -> bool:
        """False when too much waits already (the disk does not keep up) and the record was dropped."""
        if self._count >= MAX_WAITING:
            return False
        self._waiting.setdefault(self.file(prediction.at_us), []).append(msgspec.json.encode(prediction))
        self._count += 1
        return True

    def file(self, at_us: int) -> Path:
        at = instant(at_us)
        return self.folder / f"{at:%Y-%m-%d}" / f"{at:%H}" / f"{os.getpid()}.jsonl"

    def take(self) -> Lines:
        """What waits, which waits no longer: the caller writes it with `write`, on another thread if it likes."""
        taken, self._waiting, self._count = self._waiting, {}, 0
        return taken

    def prune(self, now_us: int) -> None:
        """Removes the days that lie wholly before the time to keep. Looks at most once for each day of the clock."""
        oldest = f"{instant(now_us) - self.retain:%Y-%m-%d}"
        if oldest == self._pruned or not self.folder.is_dir():
            return
        self._pruned = oldest
        for day in self.folder.iterdir():
            if day.is_dir() and day.name < oldest:
                shutil.rmtree(day, ignore_errors=True)


def write(lines: Lines) -> int:
    """Appends lines to their files and returns how many could not be written; a full disk stops no server."""
    lost = 0
    for path, waiting in lines.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            append(path, b"\n".join(waiting) + b"\n")
        except OSError:
            logger.exception("%d records of the prediction log are lost", len(waiting))
            lost += len(waiting)
    return lost


def append(path: Path, data: bytes) -> None:
    """All or nothing: a part of a line would spoil the next one."""
    with open(path, "ab", buffering=0) as file:
        end, rest = file.tell(), memoryview(data)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            file.truncate(end)
            raise


def instant(at_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)

