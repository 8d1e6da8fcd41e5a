"""Where a workspace keeps what outlives its processes: one protocol, here for a local folder.

Names are relative to the workspace, parts joined by `/`. A document is small and replaced whole. A published folder is
made once, whole or not at all, and never changed. The rest (checkpoints, logs, counts) are files that their writer
keeps and their reader restores.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from mlsystem_runtime.contract.files import sync_path, write_atomically

Update = Callable[[bytes | None], bytes | None]
"""From a document as it stands (None: absent) to what it becomes (None: stays)."""


class Storage(Protocol):
    """What is written here is found by every process of the system, on whichever machine.

    All raise MlsystemError, or OSError of a local disk, when the place cannot be reached.
    """

    @property
    def uri(self) -> str:
        """What `--workspace` gives to another process."""
        ...

    def read(self, name: str) -> bytes:
        """A document. Raises FileNotFoundError where there is none."""
        ...

    def write(self, name: str, data: bytes) -> None: ...

    def update(self, name: str, change: Update) -> None:
        """`change` may be called again: nobody writes between what it was given and what becomes of it."""
        ...

    def documents(self, folder: str) -> list[str]:
        """The names of the JSON documents directly in a folder, sorted."""
        ...

    def newest(self, folder: str, name: str) -> list[str]:
        """Of the documents FOLDER/*/NAME the one changed last; several where the clock cannot tell them apart."""
        ...

    def folders(self, name: str) -> list[str]:
        """The names of the folders directly below, sorted; hidden ones left out."""
        ...

    def published(self, name: str) -> list[str]:
        """As `folders`, of those that are published."""
        ...

    def publish(self, made: Path, folder: str) -> bool:
        """All files of `made` or none, also when power fails. False, and `made` stays, where another was first."""
        ...

    def fetch(self, folder: str, *names: str) -> Path:
        """A local folder with the files of a published one: all, or only `names`. Nobody may write there.

        Raises FileNotFoundError where nothing is published; for a local folder that is left to whoever reads it.
        """
        ...

    def discard(self, name: str) -> None:
        """Remove a document, or a folder and all in it; nothing happens where there is none."""
        ...

    def keep(self, name: str) -> None:
        """The local file of that name survives this machine from now on, as it is."""
        ...

    def restore(self, name: str) -> None:
        """The local file of that name, or all files below that folder, are as they were kept last."""
        ...

    def trim(self) -> int:
        """For processes that live long: nothing that `fetch` gave is read any more. How many local copies went."""
        ...


class LocalStorage:
    """A folder is its own mirror: there is nothing to bring or to keep."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def uri(self) -> str:
        return str(self.root)

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        write_atomically(self.root / name, data)

    def update(self, name: str, change: Update) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path.with_name(f".{path.stem}.lock"), "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            new = change(path.read_bytes() if path.exists() else None)
            if new is not None:
                write_atomically(path, new)

    def documents(self, folder: str) -> list[str]:
        return sorted(path.name for path in self.root.joinpath(folder).glob("[!.]*.json"))

    def newest(self, folder: str, name: str) -> list[str]:
        home, changed = self.root / folder, dict[Path, int]()
        for run in home.iterdir() if home.is_dir() else ():
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # others remove old runs meanwhile
                changed[run / name] = (run / name).stat().st_mtime_ns
        return [str(max(changed, key=changed.__getitem__).relative_to(self.root))] if changed else []

    def folders(self, name: str) -> list[str]:
        home = self.root / name
        paths = home.iterdir() if home.is_dir() else iter(())
        return sorted(path.name for path in paths if not path.name.startswith(".") and path.is_dir())

    def published(self, name: str) -> list[str]:
        return self.folders(name)

    def publish(self, made: Path, folder: str) -> bool:
        for path in (*made.rglob("*"), made):
            sync_path(path)
        target = self.root / folder
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            made.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            return False
        sync_path(target.parent)
        return True

    def fetch(self, folder: str, *_names: str) -> Path:
        return self.root / folder

    def discard(self, name: str) -> None:
        path = self.root / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def keep(self, _name: str) -> None:
        pass

    def restore(self, _name: str) -> None:
        pass

    def trim(self) -> int:
        return 0
