"""A small system that was compiled for real, and engines to apply it with."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mlsystem.apply.apply import Outcome, Target, apply_plan
from mlsystem.apply.engine import Engine
from mlsystem.apply.environment import Environment
from mlsystem.apply.events import AnyEvent
from mlsystem.apply.local import LocalEngine
from mlsystem.apply.target import desired_of
from mlsystem.compile import Compiled
from mlsystem.plan.observe import Observer
from mlsystem.plan.plan import Plan, make_plan
from mlsystem.state.store import FileStore, StateStore
from mlsystem_runtime.contract.run import IngestStep

FAKE = Path(__file__).with_name("fake_runtime.py")


@dataclass
class Project:
    """A folder with data, a compiled system, an engine and a store; `apply` is what the command does."""

    folder: Path
    compiled: Compiled
    engine: Engine
    store: StateStore
    events: list[AnyEvent] = field(default_factory=list)

    @property
    def target(self) -> Target:
        sources = [step.payload.source for step in self.compiled.config.steps if isinstance(step.payload, IngestStep)]
        observer = Observer(self.folder)
        return Target(
            desired=desired_of(self.compiled),
            tree=self.compiled.tree,
            config=self.compiled.config,
            observe=lambda: observer.observe(sources),
            tool="0",
        )

    def plan(self) -> Plan:
        manifest, target = self.store.read(), self.target
        return make_plan(manifest, target.desired, target.observe(), self.engine.inventory(manifest), "0")

    def apply(self, plan: Plan | None = None, retry: bool = False) -> Outcome:
        return apply_plan(plan or self.plan(), self.target, self.engine, self.store, self.events.append, retry=retry)

    def become(self, compiled: Compiled) -> Project:
        if isinstance(self.engine, LocalEngine):
            self.engine.config = compiled.config
        return replace(self, compiled=compiled)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "flights.csv").write_text("flight_id\n1\n")
    (tmp_path / "data" / "weather.csv").write_text("time_hour\n1\n")
    return tmp_path


@pytest.fixture
def small(spec: Any) -> Any:
    """Without a secret and in a workspace below the state."""
    spec["models"]["main"]["monitoring"]["alerts"] = {"to": [{"kind": "log"}]}
    del spec["environments"]["dev"]["workspace"]
    spec["environments"]["dev"]["port"] = str(free_port())
    return spec


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def local(data: Path, small: Any, compiled: Callable[[Any], Compiled]) -> Iterator[Callable[..., LocalEngine]]:
    """Builds local engines whose steps are `fake_runtime.py`; stops what they started."""
    engines: list[LocalEngine] = []

    def build(config: Compiled | None = None, **environ: str) -> LocalEngine:
        made = config or compiled(small)
        port = made.system.local.port
        environment = {**os.environ, **environ}
        runtime = (sys.executable, str(FAKE))
        engine = LocalEngine(data, data / ".mlsystem" / "dev", made.config, port, None, environment, runtime)
        engines.append(engine)
        return engine

    yield build
    for engine in engines:
        engine.supervisor.stop()


@pytest.fixture
def running(project, data, small, compiled, local) -> Environment:
    """The small system, applied and up."""
    made, store = compiled(small), FileStore(data / ".mlsystem" / "dev")
    environment = Environment("dev", data, store, local(made), made)
    project(data, made, environment.engine, store).apply()
    return environment


@pytest.fixture(scope="session")
def project() -> type[Project]:
    return Project
