"""A plan as stages in order. They are data: an engine does them, and whoever wants to can list them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlsystem.plan.change import NodeChanged, NodeRemoved, NodeRenamed, node_changes
from mlsystem.plan.consequence import Consequence
from mlsystem.plan.plan import Plan
from mlsystem.system.snapshot import Kind


@dataclass(frozen=True)
class CarryOver:
    """What was made for `kind.old` belongs to `kind.new` from now on."""

    kind: Kind
    old: str
    new: str


@dataclass(frozen=True)
class WriteFiles:
    """The generated files replace those of the last apply."""


@dataclass(frozen=True)
class RunSteps:
    """Every step of the pipeline is asked, in order; most find that nothing changed."""


@dataclass(frozen=True)
class StartProcesses:
    """Server and monitor run with the new files; one whose section is the same is left alone."""


@dataclass(frozen=True)
class DeleteModel:
    """A model that is no longer written: its versions, its release, its logs."""

    model: str


@dataclass(frozen=True)
class DeleteWorkspace:
    """The workspace moved: the old one goes."""


Stage = CarryOver | WriteFiles | RunSteps | StartProcesses | DeleteModel | DeleteWorkspace


def stages(plan: Plan) -> tuple[Stage, ...]:
    """Nothing is deleted before its successor is up."""
    return tuple(_stages(plan))


def _stages(plan: Plan) -> Iterator[Stage]:
    changes = node_changes(plan.changes)
    for change in changes:
        if isinstance(change, NodeRenamed):
            yield CarryOver(kind=change.kind, old=change.old.partition(".")[2], new=change.name)
    yield WriteFiles()
    yield RunSteps()
    yield StartProcesses()
    for change in changes:
        match change:
            case NodeRemoved(kind=Kind.MODEL, name=name):
                yield DeleteModel(name)
            case NodeChanged(kind=Kind.INFRASTRUCTURE, consequence=Consequence.REPLACE, fields=fields):
                if any(one.path == "workspace" for one in fields):
                    yield DeleteWorkspace()
            case _:
                pass
