"""One environment in a cluster at hand: compiled, with its state and its engine. What commands start from."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mlsystem.apply.apply import Outcome
from mlsystem.apply.cluster import Builder, ClusterEngine
from mlsystem.apply.cluster_api import HttpsApi
from mlsystem.apply.deliver import deliver
from mlsystem.apply.events import Watch
from mlsystem.apply.files import write_tree
from mlsystem.apply.lines import source_map
from mlsystem.apply.remembered import Declared
from mlsystem.apply.stack import Stack, StackPlace, UnavailableError
from mlsystem.apply.target import desired_of, tool_version
from mlsystem.compile import Compiled
from mlsystem.emit.cluster import InCluster
from mlsystem.emit.pulumi_kubernetes import project_name
from mlsystem.plan.plan import Plan, make_plan
from mlsystem.plan.preview import Preview
from mlsystem.state.store import FOLDER, FileStore
from mlsystem.system.target import Images


@dataclass(frozen=True)
class ClusterEnvironment(Declared):
    """`destroy` and `lost` go by the file: it says what stays."""

    engine: ClusterEngine

    def plan(self, *, refresh: bool = False) -> Plan:
        """`refresh` looks at what changed in the cluster outside; without a cluster's engine a note says so."""
        manifest = self.store.read()
        inventory = self.engine.inventory(manifest)
        preview: Preview | None = None
        if not self.engine.by_gitops:
            try:
                preview = self._preview(refresh=refresh)
            except UnavailableError as error:
                if refresh:
                    raise
                notes = (*inventory.notes, f"Without a preview of the cluster: {error.message}.")
                inventory = replace(inventory, notes=notes)
        return make_plan(manifest, desired_of(self.compiled), self.observe(), inventory, tool_version(), preview)

    def _preview(self, *, refresh: bool) -> Preview:
        with tempfile.TemporaryDirectory(prefix="mlsystem-plan-") as folder:
            write_tree(self.compiled.tree, Path(folder))
            return self.engine.preview(Path(folder), refresh=refresh)

    def apply(self, plan: Plan, watch: Watch, *, retry: bool = False, wait: bool = False) -> Outcome:
        return deliver(plan, self.target, self.engine, self.store, watch, retry=retry, wait=wait)

    def destroy(self, watch: Watch) -> None:
        """Killed on the way, it can be done again."""
        with self.store.lease("mlsystem destroy"):
            self.engine.write_files(self.compiled.tree)
            self.engine.destroy(watch)
            self.store.forget()
            self.store.clear()


def cluster_environment_of(compiled: Compiled, spec: Path, environ: Mapping[str, str]) -> ClusterEnvironment:
    inside, name, folder = compiled.cluster, compiled.system.environment, spec.absolute().parent
    assert inside is not None, "asked of a cluster only"
    store = FileStore(folder / FOLDER / name)
    target = inside.cluster.target
    engine = ClusterEngine(
        inside=inside,
        state=store.folder,
        handed_over=folder / "generated" / name,
        api=HttpsApi(target.context, environ),
        stack=lambda program: stack_in(program, inside, store.folder, spec, environ),
        builder=lambda tree: image_builder(tree, store.folder, target.images, folder, environ),
    )
    return ClusterEnvironment(name, folder, store, engine, compiled)


def stack_in(program: Path, inside: InCluster, state: Path, spec: Path, environ: Mapping[str, str]) -> Stack:
    """Raises UnavailableError where Pulumi's SDK is not installed."""
    settings, environment = inside.cluster.target.pulumi, inside.cluster.system.environment
    place = StackPlace(
        project=project_name(inside.cluster),
        name=environment,
        program=program,
        work=state / "pulumi" / "work",
        backend=settings.backend or f"file://{(state / 'pulumi').absolute()}",
        secrets_provider=settings.secrets_provider,
        environ=environ,
        origins={(one.kind, one.name): one.origin for one in inside.objects},
        line=source_map(spec, environment, environ),
    )
    try:
        from mlsystem.apply.pulumi import PulumiStack  # lazy: it costs more than most commands, and is an extra
    except ImportError as error:
        raise UnavailableError(f"{error.name} is not installed", "pip install 'mlsystem[kubernetes]'") from error
    return PulumiStack(place)


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
