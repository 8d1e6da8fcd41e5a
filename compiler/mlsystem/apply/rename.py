"""A node goes on under another name: what a workspace holds for it is carried over."""

from __future__ import annotations

from pathlib import Path

import msgspec

from mlsystem.plan.carried import renamed_step
from mlsystem.system.snapshot import Kind
from mlsystem_runtime.contract.ledger import AnyEvent, FileLedger, Released, VersionRegistered, open_proposals
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.release import Release, read_release, write_release
from mlsystem_runtime.contract.workspace import StepRecord, Workspace, read_struct, write_struct


def rename_in_workspace(workspace: Workspace, kind: Kind, old: str, new: str) -> None:
    """Moves what belongs to `kind.old`. Doing it again, or after half of it was done, ends the same way."""
    renames = {f"{kind}.{old}": new}
    for folder in sorted(workspace.path("steps").glob("*")):
        _move_step(workspace, folder.name, renamed_step(folder.name, renames))
    for record in sorted(workspace.path("runs").glob("*/*.json")):
        _move_record(record, renamed_step(record.stem, renames))
    if kind is Kind.MODEL:
        _move_model(workspace, old, new)


def _move_step(workspace: Workspace, old: str, new: str) -> None:
    _move(workspace, ("steps", old), ("steps", new))
    for path in workspace.path("steps", new).glob("*/result.json"):
        _write_record(path, path, new)


def _move_record(path: Path, new: str) -> None:
    if path.stem != new:
        _write_record(path, path.with_name(f"{new}.json"), new)
        path.unlink()


def _write_record(source: Path, target: Path, step: str) -> None:
    """What a run's record, or a step's output, says of itself."""
    record = read_struct(source, StepRecord)
    output = f"steps/{step}/{record.key}"
    if (record.step, record.output) != (step, output) or source != target:
        write_struct(target, msgspec.structs.replace(record, step=step, output=output))


def _move_model(workspace: Workspace, old: str, new: str) -> None:
    for folder in ("models", "predictions", "feedback", "counts"):
        _move(workspace, (folder, old), (folder, new))
    _move(workspace, ("monitor", f"{old}.json"), ("monitor", f"{new}.json"))
    cards = (*workspace.path("models", new).glob("*/model.json"), *workspace.path("steps").glob("train.*/*/model.json"))
    for path in cards:
        card = read_struct(path, ModelCard)
        if card.model == old:
            write_struct(path, msgspec.structs.replace(card, model=new))
    release = read_release(workspace.release)
    if old in release.models:
        models = {new if name == old else name: one for name, one in release.models.items()}
        write_release(workspace.release, Release(serial=release.serial + 1, models=models))
    _enter_again(FileLedger(workspace.ledger), old, new)


def _enter_again(ledger: FileLedger, old: str, new: str) -> None:
    """The history of versions and releases, and what waits for a person, under the new name: a ledger only grows."""
    bodies = [entry.body for entry in ledger.entries()]
    entered = len(_history(bodies, new))
    waiting = [one for one in open_proposals(ledger).values() if one.model == old]
    for event in (*_history(bodies, old)[entered:], *waiting):
        ledger.append(msgspec.structs.replace(event, model=new))


def _history(bodies: list[AnyEvent], model: str) -> list[VersionRegistered | Released]:
    return [one for one in bodies if isinstance(one, VersionRegistered | Released) and one.model == model]


def _move(workspace: Workspace, old: tuple[str, str], new: tuple[str, str]) -> None:
    if old != new:
        _merge(workspace.path(*old), workspace.path(*new))


def _merge(source: Path, target: Path) -> None:
    """What a process that knows the other name has written meanwhile stays; a file that both have stays where it is."""
    if source.exists() and not target.exists():
        source.rename(target)
    elif source.is_dir() and target.is_dir():
        for path in sorted(source.iterdir()):
            _merge(path, target / path.name)
        if not any(source.iterdir()):
            source.rmdir()
