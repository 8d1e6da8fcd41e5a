"""Where things are in a workspace: one place for all that the runtime writes.

steps/NAME/KEY/         the published output of a step, never changed after it is renamed into place
runs/RUN_ID/NAME.json   which output answered for a step in a run
models/MODEL/VERSION/   model.safetensors, model.json, evaluation.json
clock.json              the greatest instant ever ingested
order.json              the last number given to a step that started
ledger.jsonl            runs, versions, releases, proposals; append-only
release.json            which versions answer, with which share; replaced atomically
online/                 the embedded online store
predictions/MODEL/      sampled prediction log, DATE/HOUR/PID.jsonl
counts/MODEL/           drift counts written by servers
monitor/MODEL.json      the monitor's state
mlflow.db               the embedded tracking store
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from mlsystem_runtime.contract.base import Struct, pretty_json
from mlsystem_runtime.contract.errors import MlsystemError

T = TypeVar("T")


class Workspace:
    """A local folder; other schemes are refused until an object store is supported."""

    def __init__(self, uri: str) -> None:
        if "://" in uri and not uri.startswith("file://"):
            raise MlsystemError(f"workspace '{uri}' is not a local folder", "only local folders are supported yet")
        self.root = Path(uri.removeprefix("file://")).absolute()

    def path(self, *parts: str) -> Path:
        return self.root.joinpath(*parts)

    @property
    def ledger(self) -> Path:
        return self.path("ledger.jsonl")

    @property
    def release(self) -> Path:
        return self.path("release.json")

    @property
    def online(self) -> Path:
        return self.path("online", "store.sqlite")

    def version(self, model: str, version: int) -> Path:
        return self.path("models", model, str(version))

    def record(self, run_id: str, step: str) -> Path:
        return self.path("runs", run_id, f"{step}.json")


class StepRecord(Struct):
    """What a step left behind in a run. `output` is relative to the workspace.

    `status`: `done` ran now, `unchanged` was answered by an earlier output with the same key, `blocked` ran, and a
    gate says no. `observed` is what the step saw of the outside world. In a run, `order` is greater the later it
    started, before it saw anything.
    """

    step: str
    key: str
    status: str
    output: str
    digests: dict[str, str]
    facts: dict[str, Any]
    summary: str
    seconds: float
    observed: dict[str, str] = {}
    order: int = 0


def write_atomically(path: Path, data: bytes | str) -> None:
    """Readers see the old file or the new one, never a part; survives a crash right after it returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with open(temporary, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            sync(file)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_path(path.parent)


def sync(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def sync_path(path: Path) -> None:
    """What was written to a file, or the entries of a folder, survive a crash from now on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_struct(path: Path, value: Struct) -> None:
    write_atomically(path, pretty_json(value))


def read_struct(path: Path, kind: type[T]) -> T:
    """Raises FileNotFoundError, or MlsystemError when the file is not what it should be."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise MlsystemError(
            f"{path} cannot be read: {error}", "it was written by another version or damaged"
        ) from error
