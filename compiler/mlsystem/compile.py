"""The compiler, whole: text → spec → system → files. Pure: the same closure gives the same bytes, anywhere.

The closure is the spec's files, the values of declared variables, and nothing else: no clock, no machine path.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mlsystem.diagnostics.report import Report
from mlsystem.emit.contract import emit_contract, run_config
from mlsystem.emit.tree import ArtifactTree
from mlsystem.passes import Draft, Problems, run_passes
from mlsystem.spec.parse import load
from mlsystem.system.nodes import System
from mlsystem.system.snapshot import SystemSnapshot
from mlsystem.system.snapshots import snapshot
from mlsystem_runtime.contract.run import RunConfig


class Compiled(NamedTuple):
    """What one environment means, and the files that carry it out."""

    system: System
    snapshot: SystemSnapshot
    config: RunConfig
    tree: ArtifactTree


def compile_system(path: Path, environment: str | None, environ: Mapping[str, str], report: Report) -> Compiled | None:
    """None where the report has errors."""
    system = resolve_system(path, environment, environ, report)
    if system is None:
        return None

    resolved = snapshot(system)
    tree = ArtifactTree.of([emit_contract(system, resolved)])
    return Compiled(system=system, snapshot=resolved, config=run_config(system, resolved), tree=tree)


def resolve_system(path: Path, environment: str | None, environ: Mapping[str, str], report: Report) -> System | None:
    """What the file means in one environment (None: the only one, or `dev`); None where the report has errors.

    All problems of a phase are reported before the next one is left out.
    """
    loaded = load(path, environment, report, environ)
    if loaded is None or report.has_errors:
        return None

    draft = Draft(spec=loaded.spec, environment=loaded.environment)
    return run_passes(draft, Problems(report, loaded)).system
