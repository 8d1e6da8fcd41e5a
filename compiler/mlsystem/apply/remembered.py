"""What environments have in common, on one machine and in a cluster: what is remembered of them, and what is meant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlsystem.apply.apply import Target
from mlsystem.apply.target import desired_of, observed, tool_version
from mlsystem.compile import Compiled
from mlsystem.errors import MlsystemError
from mlsystem.state.manifest import Manifest, Observation
from mlsystem.state.store import StateStore


class Losing(Protocol):
    def lost(self) -> Iterable[str]:
        """What a destruction takes and what it leaves, in words."""
        ...


@dataclass(frozen=True)
class Remembered:
    """`folder` is that of the spec; what is remembered of the environment is below `.mlsystem/NAME` in it."""

    name: str
    folder: Path
    store: StateStore
    engine: Losing

    def applied(self) -> Manifest:
        """What was last applied. Raises MlsystemError where nothing was."""
        manifest = self.store.read()
        if manifest is None:
            raise MlsystemError(f"nothing has been applied to {self.name} yet", f"mlsystem apply -e {self.name}")
        return manifest

    def lost(self) -> tuple[str, ...]:
        """What `destroy` would take, in words. Raises MlsystemError where there is nothing."""
        if self.store.empty:
            raise MlsystemError(f"there is nothing of {self.name} to destroy", "mlsystem apply would make it")
        return tuple(self.engine.lost())


@dataclass(frozen=True)
class Declared(Remembered):
    """What is meant, beside what is remembered."""

    compiled: Compiled

    @property
    def target(self) -> Target:
        compiled = self.compiled
        return Target(desired_of(compiled), compiled.tree, compiled.config, self.observe, tool_version())

    def observe(self) -> tuple[Observation, ...]:
        """What the data of every source is now."""
        return observed(self.compiled.config, self.folder, self.store)
