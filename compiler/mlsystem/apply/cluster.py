"""The engine of a cluster: images in a registry, objects in a stack, runs of the pipeline as Workflows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlsystem.apply.cluster_api import ClusterApi, Reference
from mlsystem.apply.events import Says, Watch
from mlsystem.apply.files import remove_others, write_tree
from mlsystem.apply.ownership import refuse_foreign, unread_configs
from mlsystem.apply.stack import Stack
from mlsystem.apply.workflow import RunState, entrypoint_for, newest_first, state_of, submit, wait_for, workflow
from mlsystem.emit.cluster import InCluster
from mlsystem.emit.images import Images
from mlsystem.emit.kubernetes.secrets import secret_keys
from mlsystem.emit.tree import ArtifactTree
from mlsystem.errors import MlsystemError
from mlsystem.plan.plan import Inventory
from mlsystem.plan.preview import Preview
from mlsystem.state.manifest import Manifest, Outputs

PORT = 80
"""Of every model's Service."""


class Builder(Protocol):
    """Of images: `apply.images.ImageBuilder`, without what it builds from."""

    def make(self, images: Images, watch: Watch) -> object: ...


@dataclass(frozen=True)
class ClusterEngine:
    """`state` is `.mlsystem/ENV`; `stack` gives the stack that the program in a folder declares, `builder` who builds
    images from a folder of generated files; `handed_over` is where files go that somebody else applies."""

    inside: InCluster
    state: Path
    handed_over: Path
    api: ClusterApi
    stack: Callable[[Path], Stack]
    builder: Callable[[Path], Builder]

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
        return Inventory(notes=tuple(self._notes(manifest)), keeps_data=True)

    def _notes(self, manifest: Manifest | None) -> Iterator[str]:
        if manifest is None or not manifest.run_id:
            return
        try:
            state = self.run_state(manifest)
        except MlsystemError as error:
            yield f"The cluster was not asked: {error.message}."
            return
        if state.phase == "running":
            yield f"Run {manifest.run_id} is under way ({state.detail})."
        if state.phase == "failed":
            yield f"Run {manifest.run_id} failed: {state.detail}. The next apply submits it again."

    def run_state(self, manifest: Manifest | None) -> RunState:
        if manifest is None or not manifest.run_id:
            return RunState("unknown", "there was none")
        return state_of(self.api, self.inside.cluster, manifest.run_id)

    def preview(self, folder: Path, *, refresh: bool = False) -> Preview:
        """Of the program in a folder of generated files. Raises UnavailableError where there is no engine."""
        return self.stack(folder / "pulumi").preview(refresh=refresh)

    def check(self) -> None:
        """Raises MlsystemError when what was planned could not be finished."""
        if self.by_gitops:
            return
        self.stack(self.generated / "pulumi").check()
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

    def update_stack(self, watch: Watch) -> None:
        self.stack(self.generated / "pulumi").update(watch)

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
        write_tree(tree, self.handed_over)
        remove_others(tree, self.handed_over)
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
        if cluster.target.workspace is not None:
            yield f"{cluster.target.workspace} stays, with its data, models and logs"
        yield from (f"{one.kind} {one.name} stays" for one in kept)

    def destroy(self, watch: Watch) -> None:
        cluster, place = self.inside.cluster, self.inside.cluster.target.namespace
        self.stack(self.generated / "pulumi").destroy(watch)
        for run in newest_first(self.api, cluster):  # after the schedules, which would begin others
            self.api.delete(Reference.of(run))
        for one in unread_configs(self.api, cluster, ()):
            self.api.delete(one)
        self.api.delete(Reference("v1", "ConfigMap", cluster.name("release"), place))
