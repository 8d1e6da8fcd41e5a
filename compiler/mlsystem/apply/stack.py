"""The objects of a system as one unit that an engine keeps: the protocol, and the fake that ships with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mlsystem.apply.events import Says, Watch
from mlsystem.apply.interrupted import Identify, nobody_knows
from mlsystem.errors import MlsystemError
from mlsystem.plan.preview import ObjectChange, Preview
from mlsystem.state.store import MemoryStore, StateStore


class UnavailableError(MlsystemError):
    """There is no engine here: a plan goes without its preview, an apply cannot be done."""


class StackFailedError(MlsystemError):
    """Some objects were changed and some not; the next update goes on."""


class Stack(Protocol):
    """Everything raises UnavailableError where there is no engine, and MlsystemError when it says no."""

    def preview(self, *, refresh: bool = False) -> Preview:
        """What an update would do; changes nothing. `refresh` looks at the cluster instead of the last update."""
        ...

    def update(self, watch: Watch) -> None:
        """Make it so. Whatever an update of a run that is dead left behind, a lock too, is no obstacle."""
        ...

    def exists(self) -> bool:
        """Whether an update of it was ever begun, and it was not destroyed since."""
        ...

    def held(self) -> Mapping[str, str]:
        """What it holds by name, with the id of each."""
        ...

    def destroy(self, watch: Watch, only: frozenset[str] | None = None) -> None:
        """All of it, or of what it holds `only` these, by name, protected or not; what else stands on them must be
        among them. An emptied stack is gone."""
        ...

    def check(self) -> None:
        """Raises when an update could not even begin."""
        ...


@dataclass(frozen=True)
class StackPlace:
    """`program` is the folder of the generated program, `work` one of the engine's own that belongs to the
    environment; `origins` maps (kind, name) of an object to its node, `line` a node to where it was written;
    `identify` says what an interrupted update may have made; `store` keeps what an engine on another machine needs to
    go on.
    """

    project: str
    name: str
    program: Path
    work: Path
    backend: str
    secrets_provider: str | None
    environ: Mapping[str, str]
    origins: Mapping[tuple[str, str], str] = field(default_factory=dict)
    line: Callable[[str], str | None] = lambda node: None  # noqa: ARG005
    identify: Identify = nobody_knows
    store: StateStore = field(default_factory=MemoryStore)

    def place(self, kind: str, name: str) -> str | None:
        """`mlsystem.yaml:12`, where the object comes from a line."""
        return self.line(self.origins.get((kind, name), ""))


@dataclass
class MemoryStack:
    """`wanted` is what the program declares, by kind and name, with any value; `there` what it holds. `failing`
    updates raise."""

    wanted: dict[tuple[str, str], str] = field(default_factory=dict)
    there: dict[tuple[str, str], str] = field(default_factory=dict)
    failing: str | None = None
    unavailable: str | None = None
    done: list[str] = field(default_factory=list)

    def check(self) -> None:
        if self.unavailable is not None:
            raise UnavailableError(self.unavailable)

    def preview(self, *, refresh: bool = False) -> Preview:
        self.check()
        created = [ObjectChange("create", *key) for key in self.wanted if key not in self.there]
        updated = [ObjectChange("update", *key) for key in self.wanted if self.there.get(key, "") != self.wanted[key]]
        deleted = [ObjectChange("delete", *key) for key in self.there if key not in self.wanted]
        changed = [one for one in updated if (one.kind, one.name) in self.there]
        same = len(self.wanted) - len(created) - len(changed)
        return Preview((*created, *changed, *deleted), same, () if refresh else None)

    def update(self, watch: Watch) -> None:
        self.check()
        self.done.append("update")
        if self.failing is not None:
            raise StackFailedError(self.failing)
        watch(Says(f"{len(self.wanted)} objects"))
        self.there = dict(self.wanted)

    def exists(self) -> bool:
        return bool(self.there)

    def held(self) -> Mapping[str, str]:
        return {name: f"id-{name}" for _, name in self.there}

    def destroy(self, watch: Watch, only: frozenset[str] | None = None) -> None:
        del watch
        self.done.append("destroy" if only is None else f"destroy {' '.join(sorted(only))}")
        self.there = {key: one for key, one in self.there.items() if only is not None and key[1] not in only}
