"""`capacity.lock.json`, beside the spec: a certificate for each endpoint of each environment. It is committed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from mlsystem.capacity.certificate import Certificate
from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.base import Struct, pretty_json
from mlsystem_runtime.contract.workspace import write_atomically

LOCK: Final = "capacity.lock.json"
SOLVE_AGAIN: Final = "restore it from version control, or delete it and solve again: mlsystem capacity solve -e ENV"


class LockFile(Struct):
    version: Literal[1] = 1
    endpoints: Mapping[str, Certificate] = {}


def key(environment: str, model: str) -> str:
    return f"{environment}/{model}"


def read(folder: Path) -> dict[str, Certificate]:
    """By `key`; nothing where there is no file. Raises MlsystemError for one that this version does not understand."""
    path = folder / LOCK
    if not path.is_file():
        return {}
    try:
        return dict(msgspec.json.decode(path.read_bytes(), type=LockFile).endpoints)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MlsystemError(f"{LOCK} is not one of this version: {error}", SOLVE_AGAIN) from error


def write(folder: Path, certificates: Mapping[str, Certificate]) -> bool:
    """Whether the file is another one than before; the same certificates are always the same bytes."""
    path, text = folder / LOCK, pretty_json(LockFile(endpoints=certificates))
    if path.is_file() and path.read_text() == text:
        return False
    write_atomically(path, text.encode())
    return True
