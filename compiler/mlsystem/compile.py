"""The compiler, whole: text → spec → system → files. Pure: the same closure gives the same bytes, anywhere.

The closure is the spec's files, the user's code, the values of declared variables, `images.lock`, recorded traffic,
`capacity.profile.json` and `capacity.lock.json`, and this installation
(what images take from it), and nothing else: no clock, no machine path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mlsystem.diagnostics.report import Diagnostic, Report
from mlsystem.emit.contract import emit_contract, run_config
from mlsystem.emit.tree import Artifact, ArtifactTree
from mlsystem.passes import Draft, Problems, run_passes
from mlsystem.source.document import plain
from mlsystem.spec.parse import Loaded, load
from mlsystem.system.nodes import System
from mlsystem.system.snapshot import SystemSnapshot
from mlsystem.system.snapshots import snapshot
from mlsystem.system.target import KubernetesTarget
from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.code import code_digest
from mlsystem_runtime.contract.run import RunConfig

if TYPE_CHECKING:
    from mlsystem.cost.consumption import Costs
    from mlsystem.emit.cluster import InCluster

BESIDE = ("images.lock", "capacity.lock.json", "capacity.profile.json")
"""Files that are read where they stand next to the spec."""

NO_FILES = ArtifactTree(())


class Compiled(NamedTuple):
    """What one environment means, and the files that carry it out; `cluster` and `costs` None on one machine.

    `inputs` is the digest of the closure without this installation: where it is the same and the files are not, another
    version of this tool made the difference. `repository` are files whose place is the repository's folder; they are
    the same in every environment, and no apply depends on them.
    """

    system: System
    snapshot: SystemSnapshot
    config: RunConfig
    tree: ArtifactTree
    inputs: str
    cluster: InCluster | None = None
    costs: Costs | None = None
    repository: ArtifactTree = NO_FILES
    warnings: tuple[Diagnostic, ...] = ()


def compile_system(
    path: Path, environment: str | None, environ: Mapping[str, str], report: Report, *, certified: bool = True
) -> Compiled | None:
    """None where the report has errors; `certified` as in `resolve_system`."""
    loaded = load(path, environment, report, environ)
    if loaded is None or report.has_errors:
        return None
    system = resolved_system(loaded, report, certified=certified)
    if system is None:
        return None

    described = snapshot(system)
    config = run_config(system, described)
    cluster = emitted(system, config)
    files: Iterator[Artifact] = iter(()) if cluster is None else cluster.artifacts()
    tree = ArtifactTree.of([emit_contract(config), *files])
    costs = None if cluster is None else costed(cluster, Problems(report, loaded), limited=certified)
    if report.has_errors:
        return None
    inputs, around = inputs_digest(loaded, system), repository_files(system)
    return Compiled(system, described, config, tree, inputs, cluster, costs, around, report.diagnostics)


def repository_files(system: System) -> ArtifactTree:
    if system.review is None:
        return NO_FILES
    from mlsystem.emit.github import emit_github  # weight: who reviews by hand needs none of it

    return ArtifactTree.of(emit_github(system.review))


def emitted(system: System, config: RunConfig) -> InCluster | None:
    """What a cluster is given; None where the system runs on one machine."""
    if not isinstance(system.target, KubernetesTarget):
        return None
    from mlsystem.emit.cluster import in_cluster  # weight: one machine needs none of it

    return in_cluster(system, system.target, config)


def costed(cluster: InCluster, problems: Problems, *, limited: bool) -> Costs:
    """What it costs; `limited` says where that is more than it may."""
    from mlsystem.emit.costs.costs import costs_of  # weight: one machine needs none of it
    from mlsystem.emit.costs.limits import check_limit

    costs, inside = costs_of(cluster), cluster.cluster
    if limited:
        check_limit(costs, inside.target, inside.system.environment, problems)
    return costs


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
    system = resolved_system(loaded, report, certified=certified)
    if system is not None and certified and limited(system):
        cluster = emitted(system, run_config(system, snapshot(system)))
        assert cluster is not None, "only what runs in a cluster has a limit"
        costed(cluster, Problems(report, loaded), limited=True)
    return None if report.has_errors else system


def limited(system: System) -> bool:
    """Whether what it costs in all can be a mistake of the file."""
    return isinstance(system.target, KubernetesTarget) and system.target.max_cost is not None


def resolved_system(loaded: Loaded, report: Report, *, certified: bool) -> System | None:
    draft = Draft(spec=loaded.spec, environment=loaded.environment)
    return run_passes(draft, Problems(report, loaded), certified=certified).system


def inputs_digest(loaded: Loaded, system: System) -> str:
    """What the author gave for one environment, as written: a default that this tool fills in is none of it."""
    written = plain(loaded.document)
    beside = {name: path.read_bytes() for name in BESIDE if (path := loaded.root / name).is_file()}
    return digest(
        {
            "spec": {**written, "environments": written["environments"][loaded.environment]},
            "environment": loaded.environment,
            "code": None if system.code is None else [code_digest(system.code.files), system.code.requirements],
            "beside": {name: hashlib.sha256(content).hexdigest() for name, content in beside.items()},
        }
    )
