"""Where things are in a workspace: one place for all that the runtime writes.

steps/NAME/KEY/         the published output of a step, never changed after it is published
runs/RUN_ID/NAME.json   which output answered for a step in a run
models/MODEL/VERSION/   model.safetensors, model.json, evaluation.json
clock.json              the greatest instant ever ingested
order.json              the last number given to a step that started
ledger.jsonl            runs, versions, releases, proposals; append-only (in a bucket: ledger/SERIAL.json)
refreshes.json          how the refreshes of the online store ended, where schedules of a cluster run them
release.json            which versions answer, with which share; replaced atomically
online/                 the embedded online store
predictions/MODEL/      sampled prediction log, DATE/HOUR/NAME.parquet (in a bucket: DATE/HOUR/POD/NAME.parquet)
feedback/MODEL/         what came of predictions, in files as those
counts/MODEL/           drift counts written by servers
monitor/MODEL.json      the monitor's state
scratch/NAME/KEY/       checkpoints of a step that is not finished
mlflow.db               the embedded tracking store
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from mlsystem_runtime.contract.base import Struct, digest, pretty_json
from mlsystem_runtime.contract.bucket import SCHEME, Bucket, UnreachableError
from mlsystem_runtime.contract.bucket_storage import BucketStorage
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.files import decode_struct, read_struct, sync, sync_path, write_atomically, write_struct
from mlsystem_runtime.contract.names import MIRROR
from mlsystem_runtime.contract.storage import LocalStorage, Storage

__all__ = ["StepRecord", "Workspace", "read_struct", "sync", "sync_path", "write_atomically", "write_struct"]

S = TypeVar("S", bound=Struct)


class Workspace:
    """A local folder, or `s3://BUCKET/PREFIX`. Below `root` are the files themselves, or those of them that are here.

    `bucket` is None for a local folder. `storage` outlives this machine; a path below `root` need not.
    """

    def __init__(self, uri: str) -> None:
        self.bucket: Bucket | None = None
        self.storage: Storage
        if uri.startswith(SCHEME):
            self.bucket = Bucket(uri)
            self.root = mirror_of(self.bucket)
            self.storage = BucketStorage(self.bucket, self.root)
        elif "://" in uri and not uri.startswith("file://"):
            raise MlsystemError(f"workspace '{uri}' is neither a folder nor a bucket", "write a path, or s3://BUCKET/…")
        else:
            self.root = Path(uri.removeprefix("file://")).absolute()
            self.storage = LocalStorage(self.root)

    def path(self, *parts: str) -> Path:
        return self.root.joinpath(*parts)

    def read(self, kind: type[S], *parts: str) -> S:
        """A document. Raises FileNotFoundError, or MlsystemError when it is not what it should be."""
        name = "/".join(parts)
        return decode_struct(self.storage.read(name), kind, f"{self.storage.uri}/{name}")

    def write(self, value: Struct, *parts: str) -> None:
        self.storage.write("/".join(parts), pretty_json(value).encode())

    def update(self, kind: type[S], change: Callable[[S | None], S], *parts: str) -> S:
        """What a document has become by `change`, which may be called again; nobody else writes in between."""
        name, made = "/".join(parts), None

        def changed(data: bytes | None) -> bytes | None:
            nonlocal made
            held = None if data is None else decode_struct(data, kind, f"{self.storage.uri}/{name}")
            made = change(held)
            return None if made == held else pretty_json(made).encode()

        self.storage.update(name, changed)
        assert made is not None
        return made

    def version(self, model: str, version: int) -> Path:
        """Where a version is in a local folder. `fetch_version` knows where it is, and brings it, in any workspace."""
        return self.path("models", model, str(version))

    def fetch_version(self, model: str, version: int, *names: str) -> Path:
        """A local folder with the files of a version: all, or only `names`."""
        try:
            return self.storage.fetch(f"models/{model}/{version}", *names)
        except FileNotFoundError:
            raise MlsystemError(
                f"model '{model}' has no version {version}", "mlsystem status lists the versions") from None

    def versions(self, model: str) -> list[int]:
        """The numbers of the registered versions, ascending."""
        return sorted(int(name) for name in self.storage.published(f"models/{model}") if name.isdecimal())

    @property
    def ledger(self) -> Path:
        return self.path("ledger.jsonl")

    @property
    def release(self) -> Path:
        return self.path("release.json")

    @property
    def online(self) -> Path:
        return self.path("online", "store.sqlite")

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


def latest_record(workspace: Workspace, step: str) -> StepRecord | None:
    """What the step left behind in the newest run that it was part of."""
    try:
        names = workspace.storage.newest("runs", f"{step}.json")
        records = [workspace.read(StepRecord, name) for name in names]
    except UnreachableError:
        raise
    except (OSError, MlsystemError):  # removed, or written by another version; the next run brings a new one
        return None
    return max(records, key=lambda record: record.order, default=None)


def mirror_of(bucket: Bucket) -> Path:
    """The folder that MLSYSTEM_MIRROR names, else one of this user's in the place for temporary files."""
    if os.environ.get(MIRROR):
        return Path(os.environ[MIRROR]).absolute()
    folder = Path(tempfile.gettempdir(), f"mlsystem-{os.getuid()}-{digest(bucket.uri)[:16]}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise MlsystemError(f"{folder} belongs to another user", f"name a folder of your own: {MIRROR}")
    return folder
