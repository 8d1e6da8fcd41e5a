"""Where the state of an environment is kept: a protocol, a folder beside the spec, and the fake that ships with it."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlsystem.errors import MlsystemError
from mlsystem.state.journal import FileJournal, Journal, MemoryJournal
from mlsystem.state.lease import LOCK, FileLease, Lease, MemoryLease
from mlsystem.state.manifest import MIGRATIONS, Manifest, Migration, Port, decode_manifest, encode_manifest
from mlsystem_runtime.contract.workspace import read_struct, write_atomically, write_struct

FOLDER = ".mlsystem"
PORT = "port.json"


@dataclass(frozen=True)
class Look:
    """A manifest to compare with. `notes` say where it may be old."""

    manifest: Manifest | None
    notes: tuple[str, ...] = ()


class StateStore(Protocol):
    """The state of one environment. What may be shared between machines is what these methods read and write; `folder`
    is this machine's own: what can be made again, and the processes and data of one that runs here."""

    @property
    def folder(self) -> Path: ...

    @property
    def journal(self) -> Journal: ...

    @property
    def port(self) -> Port | None:
        """Of the last apply."""
        ...

    @property
    def empty(self) -> bool:
        """Whether nothing is remembered of this environment, not even a begun apply."""
        ...

    @property
    def elsewhere(self) -> str | None:
        """From where (user@host:folder) the environment was applied, if not from this folder; as it was last read."""
        ...

    @property
    def patience_s(self) -> float:
        """How long what this apply has begun may take to end, once it is told to: after that another may begin."""
        ...

    def read(self) -> Manifest | None:
        """The manifest, None where nothing was applied yet."""
        ...

    def look(self) -> Look:
        """The manifest, or this machine's copy of it where the state is out of reach."""
        ...

    def commit(self, manifest: Manifest) -> None:
        """Replace the manifest. Raises MlsystemError unless its serial follows the stored one's."""
        ...

    def lease(self, purpose: str) -> Lease:
        """The right to change this environment, taken with `with`; raises MlsystemError naming who holds it."""
        ...

    def remember(self, name: str, data: bytes) -> None:
        """Keep something small beside the manifest, for whoever applies next: a relative path, and what is there."""
        ...

    def recall(self, name: str) -> bytes | None: ...

    def forget(self) -> None:
        """Nothing is applied any more."""
        ...

    def clear(self) -> None:
        """Forget the environment, with all that is remembered of it."""
        ...


class FileStore:
    """`.mlsystem/ENV/` beside the spec. Writes are atomic; git ignores the folder."""

    def __init__(self, folder: Path, migrations: Mapping[int, Migration] = MIGRATIONS) -> None:
        self.folder = folder
        self._migrations = migrations

    @property
    def path(self) -> Path:
        return self.folder / "manifest.json"

    @property
    def journal(self) -> Journal:
        return FileJournal(self.folder / "journal.jsonl")

    def read(self) -> Manifest | None:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        manifest, migrated = decode_manifest(data, str(self.path), self._migrations)
        if migrated:
            backup = self.folder / f"manifest.{manifest.serial}.backup.json"
            if not backup.exists():
                write_atomically(backup, data)
        return manifest

    def commit(self, manifest: Manifest) -> None:
        check_serial(self.read(), manifest)
        prepare(self.folder)
        write_struct(self.folder / PORT, manifest.port)
        write_atomically(self.path, encode_manifest(manifest))

    def look(self) -> Look:
        return Look(self.read())

    @property
    def elsewhere(self) -> str | None:
        return None

    @property
    def patience_s(self) -> float:
        """Whoever is next has the same folder, and waits for it."""
        return math.inf

    @property
    def port(self) -> Port | None:
        """It is kept a second time: a manifest that is lost does not move the server."""
        manifest = self.read()
        if manifest is not None:
            return manifest.port
        try:
            return read_struct(self.folder / PORT, Port)
        except (FileNotFoundError, MlsystemError):
            return None

    @property
    def empty(self) -> bool:
        return not self.folder.exists() or all(path.name == LOCK for path in self.folder.iterdir())

    def lease(self, purpose: str) -> Lease:
        prepare(self.folder)
        return FileLease(self.folder / LOCK, purpose)

    def remember(self, name: str, data: bytes) -> None:
        write_atomically(self.folder / name, data)

    def recall(self, name: str) -> bytes | None:
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def forget(self) -> None:
        self.journal.close()
        (self.folder / PORT).unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Everything but the lock, which whoever clears is holding."""
        for path in self.folder.iterdir():
            if path.name == LOCK:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


class MemoryStore:
    """The same without a disk."""

    def __init__(self, folder: Path = Path(FOLDER, "memory")) -> None:
        self.folder = folder
        self.manifest: Manifest | None = None
        self.held: str | None = None
        self.kept: dict[str, bytes] = {}
        self._journal = MemoryJournal()

    elsewhere: str | None = None
    patience_s: float = math.inf

    @property
    def port(self) -> Port | None:
        return None if self.manifest is None else self.manifest.port

    @property
    def empty(self) -> bool:
        return self.manifest is None and self._journal.read() is None and not self.kept

    def look(self) -> Look:
        return Look(self.read())

    def remember(self, name: str, data: bytes) -> None:
        self.kept[name] = data

    def recall(self, name: str) -> bytes | None:
        return self.kept.get(name)

    @property
    def journal(self) -> Journal:
        return self._journal

    def read(self) -> Manifest | None:
        return self.manifest

    def commit(self, manifest: Manifest) -> None:
        check_serial(self.manifest, manifest)
        self.manifest = manifest

    def lease(self, purpose: str) -> Lease:
        return MemoryLease(self, purpose)

    def forget(self) -> None:
        self.manifest = None
        self._journal.close()

    def clear(self) -> None:
        self.forget()
        self.kept = {}


def check_serial(stored: Manifest | None, manifest: Manifest) -> None:
    expected = 1 if stored is None else stored.serial + 1
    if manifest.serial != expected or (stored is not None and stored.lineage != manifest.lineage):
        raise MlsystemError(
            f"the state moved to serial {expected - 1} while serial {manifest.serial} was being written",
            "run `mlsystem apply` again",
        )


def prepare(folder: Path) -> None:
    """Make the folder, and keep git away from all of `.mlsystem`."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder.parent / ".gitignore"
    if not ignore.exists():
        write_atomically(ignore, "*\n")
