"""A plan as stages in order. They are data: an engine does them, and whoever wants to can list them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

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


SYSTEM = "system"
"""The stack of what a system has in its cluster."""

Stage = CarryOver | WriteFiles | RunSteps | StartProcesses | DeleteModel | DeleteWorkspace


@dataclass(frozen=True)
class BuildImages:
    """What the registry has not is built and pushed."""


@dataclass(frozen=True)
class UpdateStack:
    """What a stack holds is what is meant. `name` is one of the account, or the objects in the cluster: SYSTEM."""

    name: str


@dataclass(frozen=True)
class CheckCluster:
    """The cluster was not there when the apply began: whether this system may live in it is asked now."""


@dataclass(frozen=True)
class SubmitRun:
    """The pipeline runs, for `steps`; nobody waits for it."""

    steps: tuple[str, ...]


@dataclass(frozen=True)
class CollectConfigs:
    """What processes were told by earlier applies goes, where none of them is left."""


@dataclass(frozen=True)
class HandOver:
    """Somebody else applies the generated files, from a repository."""


ClusterStage = WriteFiles | BuildImages | UpdateStack | CheckCluster | SubmitRun | CollectConfigs | HandOver


def cluster_stages(
    steps: tuple[str, ...], delivery: Literal["pulumi", "gitops"], below: tuple[str, ...] = (), *, new: bool = False
) -> tuple[ClusterStage, ...]:
    """In a cluster, for a plan whose `steps` have to run. `below` are the stacks of the account, each after those that
    it stands on: images are pushed to what they make. Nothing of the stack waits for a model, so the run comes after
    it: it is made from the stack's WorkflowTemplate. `new`: the cluster is not there yet."""
    account = tuple(UpdateStack(name) for name in below)
    if delivery == "gitops":
        return (WriteFiles(), *account, BuildImages(), HandOver())
    check = (CheckCluster(),) if new else ()
    run = (SubmitRun(steps),) if steps else ()
    return (WriteFiles(), *account, *check, BuildImages(), UpdateStack(SYSTEM), *run, CollectConfigs())


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
