"""The repository as it was before a change."""

from __future__ import annotations

import contextlib
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def folder_before(folder: Path, commit: str) -> Iterator[Path | None]:
    """`folder` as it was at `commit`, in a place of its own; None where there was none, or that is not at hand."""
    prefix = _git(folder, "rev-parse", "--show-prefix")
    root = _git(folder, "rev-parse", "--show-toplevel")
    archive = None if root is None else _git(Path(root.decode().strip()), "archive", "--format=tar", commit)
    if prefix is None or archive is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="mlsystem-before-") as place:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(place, filter=inside)
        found = Path(place, prefix.decode().strip())
        yield found if found.is_dir() else None


def inside(member: tarfile.TarInfo, place: str) -> tarfile.TarInfo | None:
    """Not a link that leads out of the repository, which may have one: nothing of a spec is behind it."""
    try:
        return tarfile.data_filter(member, place)
    except tarfile.FilterError:
        return None


def _git(folder: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
