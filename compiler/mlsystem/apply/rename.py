"""A node goes on under another name: what a workspace holds for it is carried over."""

from __future__ import annotations

import msgspec

from mlsystem.system.snapshot import Kind
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.release import Release, read_release, write_release
from mlsystem_runtime.contract.workspace import StepRecord, Workspace, read_struct, write_struct

STEPS: dict[Kind, tuple[str, ...]] = {
    Kind.SOURCE: ("ingest",),
    Kind.GROUP: ("materialize",),
    Kind.DATASET: ("features",),
    Kind.MODEL: ("train",),
    Kind.EVALUATION: ("evaluate", "register"),
}


def rename_in_workspace(workspace: Workspace, kind: Kind, old: str, new: str) -> None:
    """Moves what belongs to `kind.old`. Doing it again, or after half of it was done, ends the same way."""
    for step in STEPS.get(kind, ()):
        _move_step(workspace, f"{step}.{old}", f"{step}.{new}")
    if kind is Kind.MODEL:
        _move_model(workspace, old, new)


def _move_step(workspace: Workspace, old: str, new: str) -> None:
    _move(workspace, ("steps", old), ("steps", new))
    for path in workspace.path("steps", new).glob("*/result.json"):
        record = read_struct(path, StepRecord)
        if record.step != new:
            output = str(path.parent.relative_to(workspace.root))
            write_struct(path, msgspec.structs.replace(record, step=new, output=output))


def _move_model(workspace: Workspace, old: str, new: str) -> None:
    for folder in ("models", "predictions", "counts"):
        _move(workspace, (folder, old), (folder, new))
    _move(workspace, ("monitor", f"{old}.json"), ("monitor", f"{new}.json"))
    for path in workspace.path("models", new).glob("*/model.json"):
        card = read_struct(path, ModelCard)
        if card.model != new:
            write_struct(path, msgspec.structs.replace(card, model=new))
    release = read_release(workspace.release)
    if old in release.models:
        models = {new if name == old else name: one for name, one in release.models.items()}
        write_release(workspace.release, Release(serial=release.serial + 1, models=models))


def _move(workspace: Workspace, old: tuple[str, str], new: tuple[str, str]) -> None:
    source, target = workspace.path(*old), workspace.path(*new)
    if source.exists() and not target.exists():
        source.rename(target)
