"""Model versions: `models/MODEL/1`, `2`, … in the workspace, each made once and never changed."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.ledger import FileLedger, VersionRegistered
from mlsystem_runtime.contract.workspace import Workspace, read_struct, sync, sync_path, write_struct
from mlsystem_runtime.evaluate.evaluation import Evaluation
from mlsystem_runtime.registry.card import CARD, EVALUATION, SPLIT, WEIGHTS, read_card

REGISTRATION, LOCK = "registration.json", ".lock"

Status = Literal["accepted", "rejected"]


class Registration(Struct):
    """Who made the version. `key` is the register step's: the same key never makes a second version."""

    key: str
    run_id: str
    digest: str
    status: Status


def register_version(
    workspace: Workspace, model: str, trained: Path, evaluated: Path, registration: Registration,
) -> int:
    """A version from the outputs of training and evaluation, entered into the ledger; its number.

    Killed at any moment and run again with the same key, it makes one version and one ledger entry.
    """
    home = workspace.path("models", model)
    home.mkdir(parents=True, exist_ok=True)
    with locked(home):
        found = version_with_key(home, registration.key)
        version = _create(home, trained, evaluated, registration) if found is None else found
        _enter(workspace, model, version, registration)
    return version


def versions(home: Path) -> list[int]:
    """The version numbers in `models/MODEL`, ascending."""
    return sorted(int(path.name) for path in home.iterdir() if path.name.isdecimal())


def version_with_key(home: Path, key: str) -> int | None:
    for version in reversed(versions(home)):
        if read_struct(home / str(version) / REGISTRATION, Registration).key == key:
            return version
    return None


def _create(home: Path, trained: Path, evaluated: Path, registration: Registration) -> int:
    """The next free number. Everything is written beside and renamed, so a version is whole or absent."""
    for left in home.glob(".new-*"):  # by a process that was killed: the lock is ours
        shutil.rmtree(left)
    version = max(versions(home), default=0) + 1
    folder = home / f".new-{version}"
    folder.mkdir()
    for source in (trained / WEIGHTS, trained / SPLIT, evaluated / EVALUATION):
        _copy(source, folder / source.name)
    evaluation = read_struct(evaluated / EVALUATION, Evaluation)
    card = read_card(trained)
    write_struct(folder / CARD, replace(card, version=version, metrics=evaluation.metrics, gates=evaluation.gates))
    write_struct(folder / REGISTRATION, registration)
    folder.rename(home / str(version))
    sync_path(home)
    return version


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    with open(target, "rb+") as file:
        sync(file)


def _enter(workspace: Workspace, model: str, version: int, registration: Registration) -> None:
    """Into the ledger, unless it is there; numbers are used again when a model was deleted, so digests count too."""
    ledger = FileLedger(workspace.ledger)
    events = (entry.body for entry in ledger.entries())
    known = {(one.model, one.version): one.digest for one in events if isinstance(one, VersionRegistered)}
    if known.get((model, version)) == registration.digest:
        return
    card = read_card(workspace.version(model, version))
    ledger.append(VersionRegistered(
        model=model, version=version, status=registration.status, run_id=registration.run_id,
        digest=registration.digest, metrics=tuple(one for one in card.metrics if one.slice is None), gates=card.gates,
    ))


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """One writer of a model's versions at a time; the lock goes with the process."""
    with open(home / LOCK, "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
