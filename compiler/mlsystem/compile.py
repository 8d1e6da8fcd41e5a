"""The compiler, whole: text → spec → system → files. Pure: the same closure gives the same bytes, anywhere.

The closure is the spec's files, the user's code, the values of declared variables, `images.lock`, recorded traffic,
`capacity.profile.json` and `capacity.lock.json`, and this installation
(what images take from it), and nothing else: no clock, no machine path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mlsystem.diagnostics.report import Report
from mlsystem.emit.contract import emit_contract, run_config
from mlsystem.emit.tree import Artifact, ArtifactTree
from mlsystem.passes import Draft, Problems, run_passes
from mlsystem.spec.parse import load
from mlsystem.system.nodes import System
from mlsystem.system.snapshot import SystemSnapshot
from mlsystem.system.snapshots import snapshot
from mlsystem.system.target import KubernetesTarget
from mlsystem_runtime.contract.run import RunConfig

if TYPE_CHECKING:
    from mlsystem.emit.cluster import InCluster


class Compiled(NamedTuple):
    """What one environment means, and the files that carry it out; `cluster` None where it runs on one machine."""

    system: System
    snapshot: SystemSnapshot
    config: RunConfig
    tree: ArtifactTree
    cluster: InCluster | None = None


def compile_system(
    path: Path, environment: str | None, environ: Mapping[str, str], report: Report, *, certified: bool = True
) -> Compiled | None:
    """None where the report has errors; `certified` as in `resolve_system`."""
    system = resolve_system(path, environment, environ, report, certified=certified)
    if system is None:
        return None

    resolved = snapshot(system)
    config = run_config(system, resolved)
    cluster = emitted(system, config)
    files: Iterator[Artifact] = iter(()) if cluster is None else cluster.artifacts()
    tree = ArtifactTree.of([emit_contract(config), *files])
    return Compiled(system=system, snapshot=resolved, config=config, tree=tree, cluster=cluster)


def emitted(system: System, config: RunConfig) -> InCluster | None:
    """What a cluster is given; None where the system runs on one machine."""
    if not isinstance(system.target, KubernetesTarget):
        return None
    from mlsystem.emit.cluster import in_cluster  # weight: one machine needs none of it

    return in_cluster(system, system.target, config)


def resolve_system(
    path: Path, environment: str | None, environ: Mapping[str, str], report: Report, *, certified: bool = True
) -> System | None:
    """What the file means in one environment (None: the only one, or `dev`); None where the report has errors.

    All problems of a phase are reported before the next one is left out. `certified` False: as if no capacity had been
    solved yet, which is what a search starts from.
    """
    loaded = load(path, environment, report, environ)
    if loaded is None or report.has_errors:
        return None

    draft = Draft(spec=loaded.spec, environment=loaded.environment)
    return run_passes(draft, Problems(report, loaded), certified=certified).system
