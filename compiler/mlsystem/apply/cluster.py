"""The engine of a cluster: images in a registry, objects in a stack, runs of the pipeline as Workflows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mlsystem.apply.account import DataOwner, Held, MemoryData
from mlsystem.apply.below import all_new, dependents, held_as, kept, lost_below, made_new, refuse_needed
from mlsystem.apply.cluster_api import ClusterApi, Reference
from mlsystem.apply.committed import hand_over
from mlsystem.apply.durations import durations_in
from mlsystem.apply.eks import ClusterAccess, Given
from mlsystem.apply.events import Says, Watch
from mlsystem.apply.files import remove_others, write_tree
from mlsystem.apply.ownership import refuse_foreign, unread_configs
from mlsystem.apply.stack import Stack, UnavailableError
from mlsystem.apply.stages import SYSTEM
from mlsystem.apply.workflow import RunState, entrypoint_for, newest_first, state_of, submit, wait_for, workflow
from mlsystem.emit.aws.resource import Stack as AccountStack
from mlsystem.emit.cluster import InCluster
from mlsystem.emit.images import Images
from mlsystem.emit.kubernetes.secrets import secret_keys
from mlsystem.emit.tree import ArtifactTree
from mlsystem.errors import MlsystemError
from mlsystem.plan.plan import Inventory
from mlsystem.plan.preview import ObjectChange, Preview, together
from mlsystem.state.manifest import Manifest, Outputs
from mlsystem_runtime.contract.workspace import Workspace

PORT = 80
"""Of every model's Service."""


class Builder(Protocol):
    """Of images: `apply.images.ImageBuilder`, without what it builds from."""

    def make(self, images: Images, watch: Watch) -> object: ...


@dataclass(frozen=True)
class ClusterEngine:
    """`state` is `.mlsystem/ENV`; `stack` gives the stack of a name that the program in a folder declares, `builder`
    who builds images from a folder of generated files; `handed_over` is where files go that somebody else applies.
    `workspace` opens the bucket, None where there is none; `timed` are the steps of which it matters how long they
    take; `access` is the way to the cluster, `data` who owns what its account holds."""

    inside: InCluster
    state: Path
    handed_over: Path
    api: ClusterApi
    stack: Callable[[str, Path], Stack]
    builder: Callable[[Path], Builder]
    workspace: Callable[[], Workspace] | None = None
    timed: tuple[str, ...] = ()
    access: ClusterAccess = field(default_factory=Given)
    data: DataOwner = field(default_factory=MemoryData)

    @property
    def generated(self) -> Path:
        """What the last apply began with."""
        return self.state / "generated"

    @property
    def outputs(self) -> Outputs:
        target = self.inside.cluster.target
        return Outputs(workspace=target.workspace or f"claim {self.inside.cluster.name('workspace')}", port=PORT)

    @property
    def by_gitops(self) -> bool:
        return self.inside.cluster.target.delivery == "gitops"

    def inventory(self, manifest: Manifest | None) -> Inventory:
        """What became of the last run is a note: a plan never reverts it. So is a cluster that cannot be asked."""
        first = tuple(self._first(manifest))
        try:
            state = self.run_state(manifest)
        except MlsystemError as error:
            return Inventory(notes=(f"The cluster was not asked: {error.message}.", *first), keeps_data=True)
        durations, silent = self._durations(manifest)
        notes = (*self._notes(manifest, state), *silent, *first)
        return Inventory(notes=notes, keeps_data=True, durations=durations)

    def _durations(self, manifest: Manifest | None) -> tuple[Mapping[str, float], tuple[str, ...]]:
        """Where something has run, and its workspace can be asked. A claim cannot, and that is no news."""
        if manifest is None or not manifest.run_id or self.workspace is None:
            return {}, ()
        found, why = durations_in(self.workspace, self.timed)
        return found, (f"How long steps took is not known: {why}.",) if why else ()

    def _first(self, manifest: Manifest | None) -> Iterator[str]:
        """What an apply would find out only after a quarter of an hour."""
        aws = self.inside.cluster.target.aws
        if manifest is None and aws is not None and aws.network is not None and not aws.network.api_access:
            yield (
                "The cluster will be reached from inside its own network only, and this apply installs in it what the "
                "platform promises: from elsewhere it ends there. network: {api_access: [ADDRESS/32]} lets it in."
            )

    def _notes(self, manifest: Manifest | None, state: RunState) -> Iterator[str]:
        if manifest is None or not manifest.run_id:
            return
        if state.phase == "running":
            yield f"Run {manifest.run_id} is under way ({state.detail})."
        if state.phase == "failed":
            yield f"Run {manifest.run_id} failed: {state.detail}. The next apply submits it again."

    def run_state(self, manifest: Manifest | None) -> RunState:
        if manifest is None or not manifest.run_id:
            return RunState("unknown", "there was none")
        return state_of(self.api, self.inside.cluster, manifest.run_id)

    @property
    def below(self) -> tuple[str, ...]:
        """The stacks of an account that the system stands on, in the order in which they are made."""
        return tuple(one.name for one in self.inside.stacks)

    @property
    def cluster_there(self) -> bool:
        """Whether it was made yet, where this environment makes it."""
        return self.access.there()

    @property
    def _stacks(self) -> tuple[str, ...]:
        return self.below if self.by_gitops else (*self.below, SYSTEM)

    def stack_in(self, folder: Path, name: str) -> Stack:
        """Of generated files."""
        return self.stack(name, folder / "pulumi" if name == SYSTEM else folder / "pulumi" / name)

    def preview(self, folder: Path, *, refresh: bool = False) -> Preview:
        """Of the programs in a folder of generated files. Raises UnavailableError where there is no engine."""
        found: list[tuple[str | None, Preview]] = []
        for name in self._stacks:
            of_one = self._preview(name, folder, refresh, changed=any(one.changes for _, one in found))
            found.append((None if name == SYSTEM else name, of_one))
        return together(found)

    def _preview(self, name: str, folder: Path, refresh: bool, *, changed: bool) -> Preview:
        """`changed`: so will a stack be that this one may read."""
        stack = self.stack_in(folder, name)
        if self.below and not stack.exists():
            return all_new(self.inside.objects) if name == SYSTEM else made_new(self._declared(name))
        try:
            return stack.preview(refresh=refresh)
        except UnavailableError:
            if not changed:
                raise
            return Preview((ObjectChange("update", "Stack", name),), 0)  # it reads what is not made yet

    def _declared(self, name: str) -> AccountStack:
        return next(one for one in self.inside.stacks if one.name == name)

    def check(self) -> None:
        """Raises MlsystemError when what was planned could not be finished."""
        for name in self._stacks:
            self.stack_in(self.generated, name).check()
        if not self.by_gitops and self.cluster_there:
            self.check_cluster()

    def check_cluster(self) -> None:
        """Raises MlsystemError where the system could not live in it."""
        self._check_namespace()
        self._check_secrets()
        refuse_foreign(self.api, self.inside.cluster, self.inside.objects)

    def _check_namespace(self) -> None:
        target, environment = self.inside.cluster.target, self.inside.cluster.system.environment
        if not target.create_namespace and self.api.get(Reference("v1", "Namespace", target.namespace)) is None:
            raise MlsystemError(
                f"the cluster has no namespace '{target.namespace}'",
                f"ask for it, or let it be made: environments.{environment}.namespace.create: true",
            )

    def _check_secrets(self) -> None:
        """Of a Secret that somebody else makes, only which keys it has."""
        target, wanted = self.inside.cluster.target, secret_keys(self.inside.cluster)
        if target.secrets.store is not None or not wanted:
            return
        name = target.secrets.name
        found = self.api.get(Reference("v1", "Secret", name, target.namespace))
        missing = [key for key in wanted if key not in ((found or {}).get("data") or {})]
        if missing:
            literals = " ".join(f"--from-literal={key}=..." for key in missing)
            raise MlsystemError(
                f"Secret {target.namespace}/{name} has no {', '.join(missing)}" if found else
                f"there is no Secret {target.namespace}/{name}; its keys are {', '.join(missing)}",
                f"make it: kubectl -n {target.namespace} create secret generic {name} {literals}",
            )  # fmt: skip

    def write_files(self, tree: ArtifactTree) -> None:
        write_tree(tree, self.generated)
        remove_others(tree, self.generated)

    def build_images(self, watch: Watch) -> None:
        self.builder(self.generated).make(self.inside.images, watch)

    def update_stack(self, name: str, watch: Watch) -> None:
        self.stack_in(self.generated, name).update(watch)

    def submit_run(self, run_id: str, steps: tuple[str, ...], reason: str, watch: Watch) -> None:
        cluster = self.inside.cluster
        body = workflow(cluster, run_id, entrypoint_for(cluster, steps), reason)
        name = body["metadata"]["name"]
        again = "" if submit(self.api, body) else ", as it was before the interruption"
        watch(Says(f"run {name} is submitted{again}; to watch it: mlsystem status -e {cluster.system.environment}"))

    def wait_for_run(self, run_id: str, watch: Watch) -> None:
        wait_for(self.api, self.inside.cluster, run_id, watch)

    def collect_configs(self, watch: Watch) -> None:
        for one in unread_configs(self.api, self.inside.cluster, self.inside.objects):
            self.api.delete(one)
            watch(Says(f"{one} is read by nobody any more: deleted"))

    def hand_over(self, tree: ArtifactTree, watch: Watch) -> None:
        hand_over(tree, self.handed_over)
        template = self.inside.cluster.name("pipeline")
        namespace = self.inside.cluster.target.namespace
        watch(Says(f"{len(tree.artifacts)} files are in {self.handed_over}; to have them applied, commit that folder"))
        watch(Says(f"once they are: argo submit -n {namespace} --from workflowtemplate/{template}"))

    def lost(self) -> Iterator[str]:
        """What `destroy` takes and what it leaves, in words."""
        cluster = self.inside.cluster
        kept = [one for one in self.inside.objects if one.kept and one.kind != "ConfigMap"]
        taken = len(self.inside.objects) - sum(one.kept for one in self.inside.objects)
        yield f"{taken} objects in namespace {cluster.target.namespace} will be deleted, what answers there too"
        yield from lost_below(self.inside.stacks, cluster.system.environment)
        if cluster.target.workspace is not None:
            yield f"{cluster.target.workspace} stays, with its data, models and logs"
        yield from (f"{one.kind} {one.name} stays" for one in kept)

    def destroy(self, watch: Watch) -> None:
        """The system, then what it stands on, from the top; of that, what holds data stays, with what it needs."""
        if self.cluster_there:
            self._destroy_system(watch)
        for one in reversed(self.inside.stacks):
            stack, names = self.stack_in(self.generated, one.name), frozenset(each.name for each in one.resources)
            stays = kept(one, gone=names - stack.held().keys())
            stack.destroy(watch, names - stays if stays else None)

    @property
    def keeps(self) -> bool:
        """Whether something of the account outlives the environment, and the engine's state with it."""
        return any(self.stack_in(self.generated, name).exists() for name in self.below)

    def destroy_data(self, name: str, watch: Watch) -> None:
        """Of a stack below, what holds data and what stands on it. Raises MlsystemError where something else does that
        holds data, and where there is nothing of that name."""
        stack, resource = held_as(self.inside.stacks, name)
        engine = self.stack_in(self.generated, stack.name)
        held = engine.held()
        if name not in held:
            raise MlsystemError(
                f"there is no {name} of this environment any more", "mlsystem destroy names what there is"
            )
        refuse_needed(stack, resource, held)
        watch(Says(self.data.release(Held(resource.kind, name, held[name]))))
        engine.destroy(watch, dependents(stack, name) & held.keys())

    def _destroy_system(self, watch: Watch) -> None:
        cluster, place = self.inside.cluster, self.inside.cluster.target.namespace
        self.stack_in(self.generated, SYSTEM).destroy(watch)
        for run in newest_first(self.api, cluster):  # after the schedules, which would begin others
            self.api.delete(Reference.of(run))
        for one in unread_configs(self.api, cluster, ()):
            self.api.delete(one)
        self.api.delete(Reference("v1", "ConfigMap", cluster.name("release"), place))
