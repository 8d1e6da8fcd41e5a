"""An environment by what is remembered of it: what it takes to look at it and to destroy it, whatever the file says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlsystem.apply.events import Watch
from mlsystem.apply.local import CONTRACT, LocalEngine
from mlsystem.apply.remembered import Remembered
from mlsystem.apply.stores import recorded_store
from mlsystem.errors import MlsystemError
from mlsystem.state.manifest import Manifest
from mlsystem.state.store import FOLDER
from mlsystem_runtime.contract.run import FORMAT, MonitorSection, OnlineStore, RunConfig, ServerSection
from mlsystem_runtime.contract.workspace import read_struct


@dataclass(frozen=True)
class Recorded(Remembered):
    """On this machine."""

    engine: LocalEngine

    def applied(self) -> Manifest:
        manifest = super().applied()
        self.check_here()
        return manifest

    def check_here(self) -> None:
        """Raises MlsystemError where the environment runs on another machine."""
        if (place := self.store.elsewhere) is not None:
            raise MlsystemError(
                f"{self.name} runs on {place}, and this is another machine or folder",
                f"run the command there; where that one is gone, let {self.name} begin anew here: "
                f"mlsystem destroy -e {self.name}, then mlsystem apply",
            )

    def lost(self) -> tuple[str, ...]:
        lost = super().lost()
        if (place := self.store.elsewhere) is not None:
            return (f"the state of {self.name} will be forgotten; what runs on {place}, and its data, stays there",)
        return lost

    def destroy(self, watch: Watch) -> None:
        """Stop the processes, forget what was applied, delete the data. Killed on the way, it can be done again, and
        an apply knows that it starts from nothing."""
        with self.store.lease("mlsystem destroy"):
            self.engine.stop_processes(watch)
            self.store.forget()
            self.engine.delete_data(watch)
            self.store.clear()


def recorded_names(spec: Path) -> tuple[str, ...]:
    """The environments of which something is remembered beside the spec."""
    folders = (path for path in (spec.absolute().parent / FOLDER).glob("*") if path.is_dir())
    return tuple(sorted(path.name for path in folders if not recorded_store(spec, path.name).empty))


def recorded_of(spec: Path, name: str, environ: Mapping[str, str]) -> Recorded:
    """The environment `name`, one of `recorded_names`, as its last apply left it.

    Raises MlsystemError where no apply went through, and none came far enough to say where the workspace is.
    """
    folder = spec.absolute().parent
    store = recorded_store(spec, name)
    manifest, port = store.read(), store.port
    config = _nothing("" if manifest is None else manifest.snapshot.name, name)
    workspace = None if manifest is None else manifest.outputs.workspace
    engine = LocalEngine(folder, store.folder, config, 0 if port is None else port.chosen, workspace, environ)
    if manifest is None:
        engine = _with_workspace(engine, name, environ)
    engine.config = _config(engine)
    return Recorded(name, folder, store, engine)


def _with_workspace(engine: LocalEngine, name: str, environ: Mapping[str, str]) -> LocalEngine:
    """What the processes were told, or the default, if there is something."""
    command = engine.supervisor.command("server")
    if "--workspace" in command:
        told = command[command.index("--workspace") + 1]
        return LocalEngine(engine.folder, engine.state, engine.config, engine.port, told, environ)
    if not engine.workspace.root.exists():
        raise MlsystemError(
            f"no apply of {name} has gone through, so only the file says where its workspace is",
            "mend the file, then run the command again: mlsystem validate",
        )
    return engine


def _config(engine: LocalEngine) -> RunConfig:
    """What server and monitor read, or what the steps do, where one of them can be read."""
    for path in (engine.process_config, engine.generated / CONTRACT):
        try:
            return read_struct(path, RunConfig)
        except (FileNotFoundError, MlsystemError):
            continue
    return engine.config


def _nothing(system: str, environment: str) -> RunConfig:
    """The contract of a system without steps and models."""
    store = OnlineStore(type="sqlite")
    return RunConfig(
        format=FORMAT,
        system=system,
        environment=environment,
        clock="wall",
        steps=(),
        server=ServerSection(clock="wall", online_store=store, threads=None, endpoints=()),
        monitor=MonitorSection(clock="wall", online_store=store, models=(), refreshes=(), sources=()),
    )
