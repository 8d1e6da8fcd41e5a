"""One environment at hand: compiled, observed, with its state and its engine. What commands start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from mlsystem.apply.apply import Target
from mlsystem.apply.carry import note_of
from mlsystem.apply.local import LocalEngine
from mlsystem.apply.recorded import Recorded
from mlsystem.apply.target import desired_of
from mlsystem.compile import Compiled
from mlsystem.plan.observe import Observer
from mlsystem.plan.plan import Plan, make_plan
from mlsystem.state.manifest import Observation, declared_port
from mlsystem.state.store import FOLDER, FileStore
from mlsystem_runtime.contract.run import IngestStep


@dataclass(frozen=True)
class Environment(Recorded):
    """What is meant, beside what is remembered."""

    compiled: Compiled

    @property
    def target(self) -> Target:
        compiled = self.compiled
        return Target(desired_of(compiled), compiled.tree, compiled.config, self.observe, tool_version())

    def observe(self) -> tuple[Observation, ...]:
        """What the data of every source is now."""
        steps = (step.payload for step in self.compiled.config.steps)
        sources = [payload.source for payload in steps if isinstance(payload, IngestStep)]
        cache = self.store.folder / "observed.json" if self.store.folder.exists() else None
        return Observer(self.folder, cache).observe(sources)

    def plan(self) -> Plan:
        manifest = self.store.read()
        inventory = self.engine.inventory(manifest)
        if (note := note_of(self.store.journal.read())) is not None:
            inventory = replace(inventory, notes=(*inventory.notes, note))
        return make_plan(manifest, desired_of(self.compiled), self.observe(), inventory, tool_version())


def environment_of(compiled: Compiled, spec: Path, environ: Mapping[str, str], port: int | None = None) -> Environment:
    """`port` replaces the declared one, and stays until the file declares another."""
    folder, name = spec.absolute().parent, compiled.system.environment
    store = FileStore(folder / FOLDER / name)
    local = compiled.system.local
    chosen = port or _chosen_port(store, compiled) or local.port
    engine = LocalEngine(folder, store.folder, compiled.config, chosen, local.workspace, environ)
    return Environment(name, folder, store, engine, compiled)


def _chosen_port(store: FileStore, compiled: Compiled) -> int | None:
    """The port of the last apply, if the file still declares what it declared then."""
    port = store.port
    return port.chosen if port is not None and port.declared == declared_port(compiled.snapshot) else None


def tool_version() -> str:
    return metadata.version("mlsystem")
