"""Which files a source consists of, what is in them, and how they are opened."""

from __future__ import annotations

import gzip
import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.errors import MlsystemError

BLOCK = 1 << 20


def files_of(source: Source) -> tuple[Path, ...]:
    """The files of `source` in the order in which their rows count; a folder only for parquet, sorted by path."""
    path = local_path(source)
    if not path.exists():
        raise MlsystemError(
            f"source '{source.name}': {source.uri} does not exist (looked in {Path.cwd()})",
            "paths are relative to the folder of mlsystem.yaml",
        )
    if path.is_file():
        return (path,)
    found = tuple(sorted(path.rglob("*.parquet"))) if source.format == "parquet" else ()
    if not found:
        raise MlsystemError(
            f"source '{source.name}': {source.uri} is a folder without parquet files",
            f"a folder can only hold *.parquet files; this source has type {source.format}",
        )
    return found


def local_path(source: Source) -> Path:
    scheme, separator, rest = source.uri.partition("://")
    if not separator:
        return Path(source.uri)
    if scheme == "file":
        return Path(rest)
    raise MlsystemError(
        f"source '{source.name}': {scheme}:// is not supported yet",
        "use s3://BUCKET/PATH, or copy the file to a local path and name that as `uri`",
    )


def content_digest(files: Sequence[Path]) -> str:
    """SHA-256 over the name-free content of the files, in order."""
    total = hashlib.sha256()
    for file in files:
        with open(file, "rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()


def open_content(source: Source, file: Path) -> IO[bytes]:
    """The decompressed bytes: `.gz` is unpacked, `.zip` must hold exactly one file."""
    if file.suffix == ".gz":
        return cast(IO[bytes], gzip.open(file, "rb"))
    if file.suffix != ".zip":
        return open(file, "rb")
    archive = zipfile.ZipFile(file)
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if len(names) != 1:
        raise MlsystemError(
            f"source '{source.name}': {file} holds {len(names)} files", "unpack it, or make an archive of the one file"
        )
    return archive.open(names[0])
