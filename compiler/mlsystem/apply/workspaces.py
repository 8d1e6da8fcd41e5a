"""What a local workspace holds, and taking a model out of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from mlsystem.errors import MlsystemError
from mlsystem.plan.plan import Inventory
from mlsystem_runtime.contract.ledger import FileLedger, Released, RunFinished, open_proposals
from mlsystem_runtime.contract.release import Release, read_release, write_release
from mlsystem_runtime.contract.releases import ROLLBACK
from mlsystem_runtime.contract.run import IngestStep, RegisterStep, RunConfig
from mlsystem_runtime.contract.workspace import StepRecord, Workspace, read_struct

MODEL_STEPS = ("features", "train", "evaluate", "register")
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def holds(workspace: Workspace, config: RunConfig, stopped: tuple[str, ...]) -> Inventory:
    """Versions by model, and the data that the last complete run of the whole pipeline used."""
    return Inventory(
        versions=versions(workspace),
        stopped=stopped,
        used=used(workspace, config),
        workspace_lost=not workspace.ledger.exists(),
        notes=tuple(_notes(workspace)),
    )


def _notes(workspace: Workspace) -> Iterator[str]:
    """Which release was not made by an apply, and what waits for a person."""
    ledger = FileLedger(workspace.ledger)
    last = {one.model: one for entry in ledger.entries() if isinstance(one := entry.body, Released)}
    for model in read_release(workspace.release).models:
        released = last.get(model)
        if released is not None and released.reason == ROLLBACK:
            version = released.shares[0].version
            yield f"Model {model} was rolled back to version {version} by {released.by}; no plan changes that."
    for proposal in open_proposals(ledger).values():
        yield f"Proposal {proposal.proposal} waits: {proposal.kind} {proposal.model}, because {proposal.reason}."


def versions(workspace: Workspace) -> dict[str, int]:
    models = workspace.path("models")
    if not models.is_dir():
        return {}
    counts = {model.name: sum(one.name.isdigit() for one in model.iterdir()) for model in sorted(models.iterdir())}
    return {model: count for model, count in counts.items() if count}


def used(workspace: Workspace, config: RunConfig) -> dict[str, str]:
    """The content of each source as the last run that registered every model observed it."""
    needed = [step.name for step in config.steps if isinstance(step.payload, RegisterStep)]
    sources = {step.name: step.payload.source.name for step in config.steps if isinstance(step.payload, IngestStep)}
    for run_id in reversed(finished_runs(workspace)):
        if all(workspace.record(run_id, name).exists() for name in needed):
            seen = {source: _content(workspace, run_id, step) for step, source in sources.items()}
            return {source: content for source, content in seen.items() if content is not None}
    return {}


def finished_runs(workspace: Workspace) -> list[str]:
    """Runs that went through, oldest first; a gate that said no counts as through."""
    entries = (entry.body for entry in FileLedger(workspace.ledger).entries())
    return [one.run_id for one in entries if isinstance(one, RunFinished) and one.outcome in ("done", "blocked")]


def _content(workspace: Workspace, run_id: str, step: str) -> str | None:
    try:
        return read_struct(workspace.record(run_id, step), StepRecord).observed.get("content")
    except (FileNotFoundError, MlsystemError):
        return None


def release_answers(workspace: Workspace, config: RunConfig) -> bool:
    """Whether every endpoint has a version to answer with."""
    released = read_release(workspace.release).models
    return all(endpoint.model in released for endpoint in config.server.endpoints)


def delete_model(workspace: Workspace, model: str) -> None:
    """Its release first, so that nobody is sent to what is going away."""
    release = read_release(workspace.release)
    if model in release.models:
        rest = {name: one for name, one in release.models.items() if name != model}
        write_release(workspace.release, Release(serial=release.serial + 1, models=rest))
    for folder in ("models", "predictions", "feedback", "counts"):
        shutil.rmtree(workspace.path(folder, model), ignore_errors=True)
    for step in MODEL_STEPS:
        shutil.rmtree(workspace.path("steps", f"{step}.{model}"), ignore_errors=True)
    workspace.path("monitor", f"{model}.json").unlink(missing_ok=True)


def size_text(folder: Path) -> str:
    """How much a folder holds, for people."""
    size = float(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()))
    unit = 0
    while size >= 1024 and unit < len(UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.0f} {UNITS[unit]}" if unit == 0 else f"{size:.1f} {UNITS[unit]}"
