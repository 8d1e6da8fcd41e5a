"""Files that are whole or absent, and survive a crash; and contract values in them."""

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
    return decode_struct(path.read_bytes(), kind, str(path))


def decode_struct(data: bytes, kind: type[T], where: str) -> T:
    """Raises MlsystemError, which names `where` it came from, when the data is not what it should be."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MlsystemError(
            f"{where} cannot be read: {error}", "it was written by another version or damaged"
        ) from error
