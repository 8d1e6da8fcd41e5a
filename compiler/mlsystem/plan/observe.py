"""What the data is now: the content hash of every local source, and how much an environment holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from mlsystem.errors import MlsystemError
from mlsystem.state.manifest import Observation
from mlsystem_runtime.contract.base import Struct, canonical_json
from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.workspace import write_atomically


class Seen(Struct):
    """A file's content hash, valid while size, modification time and inode are the same."""

    size: int
    mtime_ns: int
    inode: int
    digest: str


class Observer:
    """Hashes local files. What was hashed before is remembered in `cache`, so an unchanged file costs one `stat`."""

    def __init__(self, folder: Path, cache: Path | None = None) -> None:
        self.folder = folder
        self._cache = cache
        self._seen = _read(cache)
        self._fresh: dict[str, Seen] = {}

    def observe(self, sources: Iterable[Source]) -> tuple[Observation, ...]:
        """One observation per source, by name. Raises MlsystemError where a local file is missing."""
        found = tuple(
            Observation(source=source.name, uri=source.uri, digest=self._digest(source))
            for source in sorted(sources, key=lambda source: source.name)
        )
        if self._cache is not None and self._fresh != self._seen:
            write_atomically(self._cache, canonical_json(self._fresh))
        return found

    def _digest(self, source: Source) -> str | None:
        """SHA-256 over the SHA-256 of each file, in order: what an ingest step observes too."""
        if "://" in source.uri and not source.uri.startswith("file://"):
            return None
        path = self.folder / source.uri.removeprefix("file://")
        try:
            files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
            return hashlib.sha256(b"".join(bytes.fromhex(self._file(file)) for file in files)).hexdigest()
        except OSError as error:
            raise MlsystemError(
                f"source '{source.name}' reads {path}, which cannot be read: {error.strerror}",
                f"put the file there, or change sources.{source.name}.uri",
            ) from error

    def _file(self, path: Path) -> str:
        status, name = path.stat(), str(path.absolute())
        known = self._seen.get(name)
        if known is None or (known.size, known.mtime_ns, known.inode) != (
            status.st_size,
            status.st_mtime_ns,
            status.st_ino,
        ):
            known = Seen(size=status.st_size, mtime_ns=status.st_mtime_ns, inode=status.st_ino, digest=_hash(path))
        self._fresh[name] = known
        return known.digest


def _hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(cache: Path | None) -> dict[str, Seen]:
    """A damaged cache is an empty one: it only saves time."""
    if cache is None or not cache.exists():
        return {}
    try:
        return msgspec.json.decode(cache.read_bytes(), type=dict[str, Seen])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
