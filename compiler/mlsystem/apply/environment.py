"""One environment at hand: compiled, observed, with its state and its engine. What commands start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from mlsystem.apply.apply import Target
from mlsystem.apply.carry import note_of
from mlsystem.apply.events import Watch
from mlsystem.apply.local import LocalEngine
from mlsystem.apply.target import desired_of
from mlsystem.compile import Compiled
from mlsystem.errors import MlsystemError
from mlsystem.plan.observe import Observer
from mlsystem.plan.plan import Plan, make_plan
from mlsystem.state.manifest import Manifest, Observation, declared_port
from mlsystem.state.store import FOLDER, FileStore
from mlsystem_runtime.contract.run import IngestStep


@dataclass(frozen=True)
class Environment:
    """`folder` is that of the spec; what is remembered of the environment is below `.mlsystem/NAME` in it."""

    name: str
    folder: Path
    compiled: Compiled
    store: FileStore
    engine: LocalEngine

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

    def lost(self) -> tuple[str, ...]:
        """What `destroy` would take, in words. Raises MlsystemError where there is nothing."""
        if self.store.empty:
            raise MlsystemError(f"there is nothing of {self.name} to destroy", "mlsystem apply would make it")
        return self.engine.lost()

    def destroy(self, watch: Watch) -> None:
        """Stop the processes, forget what was applied, delete the data. Killed on the way, it can be done again, and
        an apply knows that it starts from nothing."""
        with self.store.lease("mlsystem destroy"):
            self.engine.stop_processes(watch)
            self.store.forget()
            self.engine.delete_data(watch)
            self.store.clear()

    def applied(self) -> Manifest:
        """What was last applied. Raises MlsystemError where nothing was."""
        manifest = self.store.read()
        if manifest is None:
            raise MlsystemError(f"nothing has been applied to {self.name} yet", f"mlsystem apply -e {self.name}")
        return manifest


def environment_of(compiled: Compiled, spec: Path, environ: Mapping[str, str], port: int | None = None) -> Environment:
    """`port` replaces the declared one, and stays until the file declares another."""
    folder, name = spec.absolute().parent, compiled.system.environment
    store = FileStore(folder / FOLDER / name)
    local = compiled.system.local
    chosen = port or _chosen_port(store, compiled) or local.port
    engine = LocalEngine(folder, store.folder, compiled.config, chosen, local.workspace, environ)
    return Environment(name, folder, compiled, store, engine)


def _chosen_port(store: FileStore, compiled: Compiled) -> int | None:
    """The port of the last apply, if the file still declares what it declared then."""
    port = store.port
    return port.chosen if port is not None and port.declared == declared_port(compiled.snapshot) else None


def tool_version() -> str:
    return metadata.version("mlsystem")
