"""One environment in a cluster at hand: compiled, with its state and its engine. What commands start from."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mlsystem.apply.account import AwsData, MemoryData
from mlsystem.apply.apply import Outcome
from mlsystem.apply.below import cluster_of, origins
from mlsystem.apply.cluster import Builder, ClusterEngine
from mlsystem.apply.cluster_api import HttpsApi
from mlsystem.apply.committed import committed_folder
from mlsystem.apply.deliver import deliver
from mlsystem.apply.eks import ClusterAccess, EksCluster, Given
from mlsystem.apply.events import Watch
from mlsystem.apply.files import write_tree
from mlsystem.apply.interrupted import InAccount, nobody_knows
from mlsystem.apply.lines import source_map
from mlsystem.apply.reach import workspace_from_here
from mlsystem.apply.remembered import Declared
from mlsystem.apply.stack import Stack, StackPlace, UnavailableError
from mlsystem.apply.stores import declared_store
from mlsystem.apply.target import desired_of, tool_version
from mlsystem.compile import Compiled
from mlsystem.emit.cluster import InCluster
from mlsystem.emit.pulumi_kubernetes import project_name
from mlsystem.errors import MlsystemError
from mlsystem.plan.plan import Plan, make_plan
from mlsystem.plan.preview import Preview
from mlsystem.plan.upgrade import Base
from mlsystem.state.store import StateStore
from mlsystem.system.target import Images


@dataclass(frozen=True)
class ClusterEnvironment(Declared):
    """`destroy` and `lost` go by the file: it says what stays."""

    engine: ClusterEngine

    def plan(self, *, refresh: bool = False, base: Base | None = None) -> Plan:
        """`refresh` looks at what changed in the cluster outside; without a cluster's engine a note says so."""
        seen = self.store.look()
        inventory = self.engine.inventory(seen.manifest)
        inventory = replace(inventory, notes=(*seen.notes, *inventory.notes))
        preview: Preview | None = None
        if self.engine.below or not self.engine.by_gitops:
            try:
                preview = self._preview(refresh=refresh)
            except UnavailableError as error:
                if refresh:
                    raise
                notes = (*inventory.notes, f"Without a preview of the cluster: {error.message}.")
                inventory = replace(inventory, notes=notes)
        desired, now = desired_of(self.compiled), self.observe()
        return make_plan(seen.manifest, desired, now, inventory, tool_version(), preview, base)

    def _preview(self, *, refresh: bool) -> Preview:
        with tempfile.TemporaryDirectory(prefix="mlsystem-plan-") as folder:
            write_tree(self.compiled.tree, Path(folder))
            return self.engine.preview(Path(folder), refresh=refresh)

    def apply(self, plan: Plan, watch: Watch, *, retry: bool = False, wait: bool = False) -> Outcome:
        return deliver(plan, self.target, self.engine, self.store, watch, retry=retry, wait=wait)

    def destroy(self, watch: Watch) -> None:
        """Killed on the way, it can be done again. What holds data in an account stays, and is remembered."""
        with self.store.lease("mlsystem destroy"):
            self.engine.write_files(self.compiled.tree)
            self.engine.destroy(watch)
            keeps = self.engine.keeps
            self.store.forget()
            if not keeps:
                self.store.clear()

    def destroy_data(self, name: str, watch: Watch) -> None:
        """One resource of the account that holds data. Raises MlsystemError while the system is there that uses it."""
        with self.store.lease("mlsystem destroy"):
            if self.store.read() is not None:
                raise MlsystemError(
                    f"{self.name} is applied, and would go on without {name}",
                    f"destroy it first: mlsystem destroy -e {self.name}",
                )
            self.engine.write_files(self.compiled.tree)
            self.engine.destroy_data(name, watch)


def cluster_environment_of(compiled: Compiled, spec: Path, environ: Mapping[str, str]) -> ClusterEnvironment:
    inside, name, folder = compiled.cluster, compiled.system.environment, spec.absolute().parent
    assert inside is not None, "asked of a cluster only"
    store = declared_store(compiled, spec)
    target, kubeconfig = inside.cluster.target, store.folder / "kubeconfig"
    access = cluster_access(inside, kubeconfig, environ)
    reach = environ if isinstance(access, Given) else {**environ, "KUBECONFIG": str(kubeconfig.absolute())}
    engine = ClusterEngine(
        inside=inside,
        state=store.folder,
        handed_over=committed_folder(spec.absolute(), name),
        api=HttpsApi(target.context, reach, access.log_in),
        stack=lambda of, program: stack_in(of, program, inside, store, spec, reach),
        builder=lambda tree: image_builder(tree, store.folder, target.images, folder, environ),
        workspace=None if target.workspace is None else lambda: workspace_from_here(inside.cluster, environ),
        timed=() if compiled.costs is None else compiled.costs.used.timed,
        access=access,
        data=AwsData(inside.stacks[0].region, environ) if inside.stacks else MemoryData(),
    )
    return ClusterEnvironment(name, folder, store, engine, compiled)


def cluster_access(inside: InCluster, kubeconfig: Path, environ: Mapping[str, str]) -> ClusterAccess:
    """Of a cluster in an account; where there is none below the system, the user's own kubeconfig is the way."""
    found = cluster_of(inside.stacks)
    if found is None:
        return Given()
    name, region = found
    return EksCluster(name, region, inside.cluster.target.context or name, kubeconfig, environ)


def stack_in(
    name: str, program: Path, inside: InCluster, store: StateStore, spec: Path, environ: Mapping[str, str]
) -> Stack:
    """Raises UnavailableError where Pulumi's SDK is not installed."""
    settings, environment = inside.cluster.target.pulumi, inside.cluster.system.environment
    below = next((one for one in inside.stacks if one.name == name), None)
    of_objects = {(one.kind, one.name): one.origin for one in inside.objects}
    project, files = project_name(inside.cluster) if below is None else below.project, store.folder / "pulumi"
    check_not_left_behind(files, settings.backend, project, environment)
    place = StackPlace(
        project=project,
        name=environment,
        program=program,
        work=files / ("work" if below is None else f"work-{name}"),
        backend=settings.backend or f"file://{files.absolute()}",
        secrets_provider=settings.secrets_provider,
        environ=environ,
        origins=of_objects if below is None else origins(below),
        line=source_map(spec, environment, environ),
        identify=nobody_knows if below is None else InAccount(below.account, below.region, below.tags, environ),
        store=store,
    )
    try:
        from mlsystem.apply.pulumi import PulumiStack  # lazy: it costs more than most commands, and is an extra
    except ImportError as error:
        raise UnavailableError(f"{error.name} is not installed", "pip install 'mlsystem[kubernetes]'") from error
    return PulumiStack(place)


def check_not_left_behind(files: Path, backend: str | None, project: str, stack: str) -> None:
    """Raises UnavailableError where Pulumi would begin anew though its state is in files of this machine."""
    there = f"file://{files.absolute()}"
    if backend not in (None, there) and (files / ".pulumi" / "stacks" / project / f"{stack}.json").exists():
        raise UnavailableError(
            f"Pulumi's state of {stack} is in {files}, and the file says {backend}",
            "move it with `pulumi stack export` and `pulumi stack import`, then remove "
            f"{files / '.pulumi'}; or keep it there: pulumi: {{backend: '{there}'}}",
        )


def image_builder(tree: Path, state: Path, images: Images, root: Path, environ: Mapping[str, str]) -> Builder:
    """Paths of `images` are relative to `root`. Raises MlsystemError where nothing here builds, or signs as asked."""
    from mlsystem.apply.image_tool import find_tool  # lazy: only an apply builds
    from mlsystem.apply.images import ImageBuilder
    from mlsystem.apply.registry import RemoteRegistry
    from mlsystem.apply.signature import cosign

    tool, key = find_tool(state / "logs", environ), images.signing_key
    wheelhouse = None if images.wheelhouse is None else root / images.wheelhouse
    signer = None if key is None else cosign(key if "://" in key else str(root / key), state / "logs", environ)
    return ImageBuilder(tool, RemoteRegistry(environ), tree, environ, wheelhouse, signer)
