"""The plan: what one apply will do to one environment. Made from values only; equal inputs make equal bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from mlsystem.cost.consumption import Costs
from mlsystem.errors import MlsystemError
from mlsystem.plan.capacity import EndpointCapacity, capacities
from mlsystem.plan.carried import carried
from mlsystem.plan.change import (
    AnyChange,
    FieldChange,
    NodeChanged,
    NodeRemoved,
    ProcessStopped,
    WorkspaceLost,
    heaviest,
    node_changes,
    told,
)
from mlsystem.plan.consequence import REPLACED_PATHS, Consequence, steps_of
from mlsystem.plan.cost import Spending, spending
from mlsystem.plan.diff import diff_files, diff_nodes
from mlsystem.plan.preview import Preview
from mlsystem.plan.upgrade import Base, Upgrade, upgrade_of
from mlsystem.state.manifest import Manifest, Observation
from mlsystem.system.certified import Capacity
from mlsystem.system.snapshot import Kind, SystemSnapshot
from mlsystem_runtime.contract.base import Struct, digest, pretty_json

FORMAT = 1


@dataclass(frozen=True)
class Desired:
    """What is meant: one compiled environment. `closure` hashes all of it.

    `steps` maps each step to its fingerprint, in the order in which they run; `unused` are settings of the file that
    are for other environments; `capacities` are those of endpoints in a cluster, by name; `costs` None: nobody charges.
    `inputs` hashes what the author gave; `origins` has the node that each file carries out.
    """

    snapshot: SystemSnapshot
    files: Mapping[str, str]
    closure: str
    steps: Mapping[str, str]
    unused: tuple[str, ...] = ()
    capacities: Mapping[str, Capacity] = field(default_factory=dict)
    costs: Costs | None = None
    inputs: str | None = None
    origins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Inventory:
    """What an environment holds now: model versions, processes that should be up and are not, and the data that
    the last complete run used, by source (a nightly retraining uses newer data than the last apply). `notes` says what
    the system decided since: it is shown beside a plan, and never reverted by one. `keeps_data`: an apply deletes
    nothing that the environment has made; what is given up stays where it is. `durations`: how long steps took when
    they last did their work, in seconds."""

    versions: Mapping[str, int] = field(default_factory=dict)
    stopped: tuple[str, ...] = ()
    used: Mapping[str, str] = field(default_factory=dict)
    workspace_lost: bool = False
    notes: tuple[str, ...] = ()
    keeps_data: bool = False
    durations: Mapping[str, float] = field(default_factory=dict)


class Plan(Struct):
    """`base_serial` is the manifest's that it was made against (0: none); `deletes` says in words what will be lost;
    `preview` is what an engine adds, None where there is none or it could not be asked; `upgrade` says what of
    `changes` is not the author's."""

    format: int
    tool: str
    system: str
    environment: str
    closure: str
    lineage: str | None
    base_serial: int
    observations: tuple[Observation, ...]
    changes: tuple[AnyChange, ...]
    steps: tuple[str, ...]
    deletes: tuple[str, ...]
    notes: tuple[str, ...]
    unchanged: int
    preview: Preview | None = None
    capacity: tuple[EndpointCapacity, ...] = ()
    cost: Spending | None = None
    upgrade: Upgrade | None = None

    @property
    def empty(self) -> bool:
        return not self.changes and (self.preview is None or not self.preview.changes)

    @property
    def digest(self) -> str:
        return digest(self)

    @property
    def course(self) -> str:
        """From where to where. What was done for one plan counts for another of the same course: an apply that was
        killed leaves versions and processes behind, so the plan after it may word things differently."""
        return digest([self.closure, self.environment, self.lineage, self.base_serial, self.observations])


class SavedPlan(Struct):
    """A plan in a file, with its digest, so that a changed byte is noticed."""

    digest: str
    plan: Plan


def make_plan(
    manifest: Manifest | None,
    desired: Desired,
    observations: tuple[Observation, ...],
    inventory: Inventory,
    tool: str,
    preview: Preview | None = None,
    base: Base | None = None,
) -> Plan:
    """Compare what is meant with what was last applied; `base` tells what this version alone makes of it."""""
    before = () if manifest is None else _with_used(manifest.observations, observations, inventory)
    nodes = diff_nodes(None if manifest is None else manifest.snapshot, desired.snapshot, before, observations)
    files = diff_files({} if manifest is None else manifest.files, desired.files)
    stopped = () if manifest is None else tuple(ProcessStopped(process=name) for name in inventory.stopped)
    changes = (*nodes, *_lost(manifest, inventory), *stopped, *files)
    steps = tuple(_steps(changes, desired, manifest))
    touched = {one.node for one in nodes if told(one) and not isinstance(one, NodeRemoved)}
    return Plan(
        format=FORMAT,
        tool=tool,
        system=desired.snapshot.name,
        environment=desired.snapshot.environment,
        closure=desired.closure,
        lineage=None if manifest is None else manifest.lineage,
        base_serial=0 if manifest is None else manifest.serial,
        observations=observations,
        changes=changes,
        steps=steps,
        deletes=() if inventory.keeps_data else tuple(_deletes(changes, desired.snapshot.environment, inventory)),
        notes=(*(stays(changes) if inventory.keeps_data else ()), *_unused(desired), *inventory.notes),
        unchanged=len(desired.snapshot.nodes) - len(touched),
        preview=preview,
        capacity=tuple(capacities(manifest.snapshot if manifest else None, desired.snapshot, desired.capacities)),
        cost=spending(desired.costs, manifest.consumption if manifest else None, steps, inventory.durations),
        upgrade=upgrade_of(manifest, desired, tool, base, changes),
    )


def _unused(desired: Desired) -> Iterator[str]:
    if desired.unused:
        yield f"Not used in this environment: {', '.join(desired.unused)}."


def _lost(manifest: Manifest | None, inventory: Inventory) -> Iterator[WorkspaceLost]:
    if manifest is not None and inventory.workspace_lost:
        yield WorkspaceLost(workspace=manifest.outputs.workspace)


def _with_used(
    applied: tuple[Observation, ...], now: tuple[Observation, ...], inventory: Inventory
) -> tuple[Observation, ...]:
    """Data that a complete run has used since is no change: the baseline of such a source is what it is now."""
    current = {one.source: one for one in now if one.digest and inventory.used.get(one.source) == one.digest}
    return tuple(current.get(one.source, one) for one in applied)


def _steps(changes: tuple[AnyChange, ...], desired: Desired, manifest: Manifest | None) -> Iterator[str]:
    """Steps of nodes that change, and steps whose definition did. An early one may still find its output unchanged."""
    kinds = {change.node: change.kind for change in node_changes(changes) if not isinstance(change, NodeRemoved)}
    costs = {node: cost for node, cost in heaviest(changes).items() if node in kinds}
    wanted = {step for node, cost in costs.items() for step in steps_of(kinds[node], node.partition(".")[2], cost)}
    proofs = {} if manifest is None else carried(manifest, changes).proofs
    lost = any(isinstance(change, WorkspaceLost) for change in changes)
    moved = {one.path for one in replaced(changes)}
    anew = manifest is None or lost or "workspace" in moved
    for step, fingerprint in desired.steps.items():
        defined = step in proofs and proofs[step].fingerprint == fingerprint
        emptied = "online_store" in moved and step.startswith("materialize.")
        if anew or emptied or not defined or step in wanted or step.rpartition(".")[0] in wanted:
            yield step


def _deletes(changes: tuple[AnyChange, ...], environment: str, inventory: Inventory) -> list[str]:
    """In words, what an apply will lose."""
    sentences: list[str] = []
    for change in node_changes(changes):
        match change:
            case NodeRemoved(kind=Kind.MODEL, name=name):
                held = versions_of(inventory.versions.get(name, 0))
                sentences.append(f"model '{name}' of {environment} and {held} of it will be deleted")
            case _:
                pass
    return sentences + [_replaced(one, environment, inventory) for one in replaced(changes)]


def stays(changes: tuple[AnyChange, ...]) -> Iterator[str]:
    """In words, what an apply will leave where it is."""
    for change in node_changes(changes):
        if isinstance(change, NodeRemoved) and change.kind is Kind.MODEL:
            yield f"Model {change.name} stops answering; its versions and logs stay in the workspace."
        if change.kind is Kind.ENDPOINT and change.consequence is Consequence.REPLACE:
            yield (f"The server of {change.node.partition('.')[2]} is replaced: in the cluster it answers at another"
                   " address, and until its new pods are ready nowhere.")  # fmt: skip
    for one in replaced(changes):
        what = one.path.replace("_", " ")
        yield f"The {what} moves from {one.old} to {one.new}: what is there stays, and the new one is filled anew."


def replaced(changes: tuple[AnyChange, ...]) -> tuple[FieldChange, ...]:
    """What cannot change in place: where the environment keeps what it has made."""
    return tuple(
        one
        for change in changes
        if isinstance(change, NodeChanged) and change.kind is Kind.INFRASTRUCTURE
        for one in change.fields
        if one.path in REPLACED_PATHS
    )


def _replaced(one: FieldChange, environment: str, inventory: Inventory) -> str:
    if one.path == "workspace":
        return f"{registry_of(environment, inventory)} will be deleted: the workspace moves from {one.old} to {one.new}"
    return f"everything in the online store of {environment} will be deleted: it moves from {one.old} to {one.new}"


def registry_of(environment: str, inventory: Inventory) -> str:
    """The model registry and how much is in it."""
    total, models = sum(inventory.versions.values()), len(inventory.versions)
    inside = "nothing" if total == 0 else f"{versions_of(total)} of {models} model{'s' if models > 1 else ''}"
    return f"the model registry of {environment} and {inside} in it"


def versions_of(count: int) -> str:
    return "1 version" if count == 1 else f"{count} versions"


def save_plan(plan: Plan) -> str:
    return pretty_json(SavedPlan(digest=plan.digest, plan=plan))


def load_plan(path: Path) -> Plan:
    """Raises MlsystemError when the file is no plan, was changed, or comes from another format."""
    again = "make a new plan: mlsystem plan --out FILE"
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=SavedPlan)
    except OSError as error:
        raise MlsystemError(f"plan {path} cannot be read: {error.strerror}", again) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MlsystemError(f"{path} is not a plan of this version: {error}", again) from error
    if saved.plan.format != FORMAT:
        raise MlsystemError(f"plan {path} has format {saved.plan.format}, this mlsystem reads {FORMAT}", again)
    if saved.plan.digest != saved.digest:
        raise MlsystemError(f"plan {path} was changed after it was made", again)
    return saved.plan


class StaleError(MlsystemError):
    """What a plan describes is not what would be done now. `reasons` say what moved."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        self.reasons = reasons
        super().__init__(f"the plan is stale: {'; '.join(reasons)}", "look at a new one: mlsystem plan")


class Ground(Struct):
    """What a plan stands on: it is fresh as long as none of it moves."""

    system: str
    environment: str
    serial: int
    lineage: str | None
    closure: str
    observations: tuple[Observation, ...]


def ground_of(plan: Plan) -> Ground:
    return Ground(plan.system, plan.environment, plan.base_serial, plan.lineage, plan.closure, plan.observations)


def check_fresh(plan: Plan, manifest: Manifest | None, desired: Desired, now: tuple[Observation, ...]) -> None:
    """Raises StaleError, with the reasons, unless the plan still describes the step from `manifest` to `desired`."""
    serial, lineage = (0, None) if manifest is None else (manifest.serial, manifest.lineage)
    of = desired.snapshot
    reasons = moved(ground_of(plan), Ground(of.name, of.environment, serial, lineage, desired.closure, now))
    if reasons:
        raise StaleError(reasons)


def moved(then: Ground, now: Ground) -> tuple[str, ...]:
    """In words, what is not as it was."""
    planned = {one.source: one.digest for one in then.observations}
    reasons = []
    if (then.system, then.environment) != (now.system, now.environment):
        reasons.append(f"it was made for {then.environment} of {then.system}")
    if (then.serial, then.lineage) != (now.serial, now.lineage):
        reasons.append(f"it was made against serial {then.serial} of the state, which is now at {now.serial}")
    if then.closure != now.closure:
        reasons.append("the files that it was made from have changed")
    changed = [one.source for one in now.observations if planned.get(one.source) != one.digest]
    return (*reasons, *(f"the data of source '{source}' has changed" for source in changed))
