"""Model versions: `models/MODEL/1`, `2`, … in the workspace, each made once and never changed."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.ledger import AnyEvent, VersionRegistered, open_ledger
from mlsystem_runtime.contract.model import GateResult
from mlsystem_runtime.contract.workspace import Workspace, read_struct, write_struct
from mlsystem_runtime.evaluate.evaluation import Evaluation
from mlsystem_runtime.registry.card import CARD, CODE, EVALUATION, ONNX, RECORDED, SPLIT, WEIGHTS, read_card

REGISTRATION, LOCK = "registration.json", ".lock"

Status = Literal["accepted", "rejected"]


class Registration(Struct):
    """Who made the version. `key` is the register step's: the same key never makes a second version."""

    key: str
    run_id: str
    digest: str
    status: Status


def register_version(
    workspace: Workspace, model: str, trained: Path, evaluated: Path, gates: tuple[GateResult, ...],
    registration: Registration,
) -> int:
    """A version from the outputs of training and evaluation, entered into the ledger; its number.

    Killed at any moment and run again with the same key, or run twice at once, it makes one version and one entry.
    """
    home = workspace.path("models", model)
    home.mkdir(parents=True, exist_ok=True)
    with locked(home):
        version = version_with_key(workspace, model, registration.key)
        while version is None:
            version = _create(workspace, model, trained, evaluated, gates, registration)
        _enter(workspace, model, version, registration)
    return version


def version_with_key(workspace: Workspace, model: str, key: str) -> int | None:
    for version in reversed(workspace.versions(model)):
        folder = workspace.fetch_version(model, version, REGISTRATION)
        if read_struct(folder / REGISTRATION, Registration).key == key:
            return version
    return None


def _create(
    workspace: Workspace, model: str, trained: Path, evaluated: Path, gates: tuple[GateResult, ...],
    registration: Registration,
) -> int | None:
    """The next free number, or what another process made with this key meanwhile; None where to look again.

    Everything is written beside and published, so a version is whole or absent.
    """
    home = workspace.path("models", model)
    for left in home.glob(".new-*"):  # by a process that was killed: the lock is ours
        shutil.rmtree(left)
    version = max(workspace.versions(model), default=0) + 1
    folder = home / f".new-{version}"
    folder.mkdir()
    for source in (trained / WEIGHTS, trained / SPLIT, evaluated / EVALUATION, evaluated / RECORDED):
        shutil.copyfile(source, folder / source.name)
    if (evaluated / ONNX).exists():
        shutil.copyfile(evaluated / ONNX, folder / ONNX)
    if (trained / CODE).is_dir():
        shutil.copytree(trained / CODE, folder / CODE)
    evaluation = read_struct(evaluated / EVALUATION, Evaluation)
    card = read_card(trained)
    write_struct(folder / CARD, replace(card, version=version, metrics=evaluation.metrics, gates=gates))
    write_struct(folder / REGISTRATION, registration)
    if workspace.storage.publish(folder, f"models/{model}/{version}"):
        return version
    return version_with_key(workspace, model, registration.key)


def _enter(workspace: Workspace, model: str, version: int, registration: Registration) -> None:
    """Into the ledger, unless it is there; numbers are used again when a model was deleted, so digests count too."""
    card = read_card(workspace.fetch_version(model, version, CARD))
    event = VersionRegistered(
        model=model, version=version, status=registration.status, run_id=registration.run_id,
        digest=registration.digest, metrics=tuple(one for one in card.metrics if one.slice is None), gates=card.gates,
    )

    def known(events: Sequence[AnyEvent]) -> bool:
        entered = (one for one in events if isinstance(one, VersionRegistered) and one.model == model)
        return {one.version: one.digest for one in entered}.get(version) == registration.digest

    open_ledger(workspace).append_new(event, known)


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """One writer of a model's versions at a time; the lock goes with the process."""
    with open(home / LOCK, "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
