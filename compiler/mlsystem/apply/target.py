"""What a compiled environment asks of plan and apply."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from mlsystem.compile import Compiled
from mlsystem.plan.observe import Observer
from mlsystem.plan.plan import Desired
from mlsystem.state.manifest import Observation
from mlsystem.state.store import StateStore
from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.run import IngestStep, RunConfig


def desired_of(compiled: Compiled) -> Desired:
    """The closure is the files and the snapshot: what differs in neither needs no apply."""
    return Desired(
        snapshot=compiled.snapshot,
        files=dict(compiled.tree.digests),
        closure=digest([compiled.tree.digest, compiled.snapshot]),
        steps={step.name: step.fingerprint for step in compiled.config.steps},
        unused=compiled.system.unused,
        costs=compiled.costs,
        capacities={model.name: found for model in compiled.system.models if (found := model.serving.capacity)},
        inputs=compiled.inputs,
        origins={one.path: one.origin for one in compiled.tree},
    )


def observed(config: RunConfig, folder: Path, store: StateStore) -> tuple[Observation, ...]:
    """What the data of every source is now; `folder` is that of the spec."""
    steps = (step.payload for step in config.steps)
    sources = [payload.source for payload in steps if isinstance(payload, IngestStep)]
    return Observer(folder, store.folder / "observed.json" if store.folder.exists() else None).observe(sources)


def tool_version() -> str:
    return metadata.version("mlsystem")
