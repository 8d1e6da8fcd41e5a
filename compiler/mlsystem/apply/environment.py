"""One environment at hand: compiled, observed, with its state and its engine. What commands start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mlsystem.apply.apply import Outcome, apply_plan
from mlsystem.apply.carry import note_of
from mlsystem.apply.events import Watch
from mlsystem.apply.local import LocalEngine
from mlsystem.apply.recorded import Recorded
from mlsystem.apply.remembered import Declared
from mlsystem.apply.stores import declared_store
from mlsystem.apply.target import desired_of, tool_version
from mlsystem.compile import Compiled
from mlsystem.errors import MlsystemError
from mlsystem.plan.plan import Inventory, Plan, make_plan
from mlsystem.plan.upgrade import Base
from mlsystem.state.manifest import declared_port
from mlsystem.state.store import Look, StateStore
from mlsystem_runtime.contract.release_store import ReleaseStore
from mlsystem_runtime.contract.workspace import Workspace


@dataclass(frozen=True)
class Environment(Recorded, Declared):
    """On this machine."""

    @property
    def workspace(self) -> Workspace:
        return self.engine.workspace

    @property
    def releases(self) -> ReleaseStore:
        return self.engine.releases

    def plan(self, *, base: Base | None = None) -> Plan:
        seen = self.store.look()
        inventory = self.seen_from_here(seen)
        if not seen.notes and (note := note_of(self.store.journal.read())) is not None:
            inventory = replace(inventory, notes=(*inventory.notes, note))
        desired = desired_of(self.compiled)
        return make_plan(seen.manifest, desired, self.observe(), inventory, tool_version(), base=base)

    def seen_from_here(self, seen: Look) -> Inventory:
        """What runs on another machine is not looked at, and not judged."""
        if (place := self.store.elsewhere) is not None:
            notes = (*seen.notes, f"{self.name} runs on {place}: what it holds there is not seen from here.")
            return Inventory(notes=notes)
        inventory = self.engine.inventory(seen.manifest)
        return replace(inventory, notes=(*seen.notes, *inventory.notes))

    def apply(self, plan: Plan, watch: Watch, *, retry: bool = False) -> Outcome:
        self.check_here()
        return apply_plan(plan, self.target, self.engine, self.store, watch, retry=retry)


def environment_of(compiled: Compiled, spec: Path, environ: Mapping[str, str], port: int | None = None) -> Environment:
    """`port` replaces the declared one, and stays until the file declares another.

    Raises MlsystemError where it does not run on one machine: a cluster's is `cluster_environment_of`.
    """
    if compiled.cluster is not None:
        name = compiled.system.environment
        raise MlsystemError(
            f"{name} runs in a cluster, and this is for one machine", "name an environment with `target: local`: -e ENV"
        )
    folder, name = spec.absolute().parent, compiled.system.environment
    store = declared_store(compiled, spec)
    local = compiled.system.local
    chosen = port or _chosen_port(store, compiled) or local.port
    engine = LocalEngine(folder, store.folder, compiled.config, chosen, local.workspace, environ)
    return Environment(name, folder, store, engine, compiled)


def _chosen_port(store: StateStore, compiled: Compiled) -> int | None:
    """The port of the last apply, if the file still declares what it declared then."""
    port = store.port
    return port.chosen if port is not None and port.declared == declared_port(compiled.snapshot) else None
