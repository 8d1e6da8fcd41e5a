"""Specs with an environment in a cluster, for tests of what is generated for one."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlsystem.compile import resolve_system
from mlsystem.diagnostics.report import Report
from mlsystem.emit.contract import run_config
from mlsystem.emit.kubernetes.objects import Cluster
from mlsystem.emit.sections import sections
from mlsystem.system.snapshots import snapshot
from mlsystem.system.target import KubernetesTarget

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TAG = "sha256-0123456789abcdef"
STAGING: dict[str, Any] = {
    "target": "kubernetes",
    "registry": "registry.example.com/ml",
    "platform": {"argo_workflows": True, "prometheus": True},
}


def example(name: str, **changes: Any) -> Cluster:
    """An example of the repository as it would be in a cluster; `changes` merges into `staging`."""
    return staged((EXAMPLES / name / "mlsystem.yaml").read_text(), **changes)


def staged(text: str, **changes: Any) -> Cluster:
    """`text` is a spec that ends with its environments."""
    cluster, problems = resolved(text, **changes)
    assert cluster is not None, problems
    return cluster


def resolved(text: str, **changes: Any) -> tuple[Cluster | None, Sequence[str]]:
    """What it means in `staging`, and the messages of its diagnostics."""
    text = re.sub(r"^  staging: .*\n(   .*\n)*", "", text, flags=re.MULTILINE)
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mlsystem.yaml"
        path.write_text(f"{text.rstrip()}\n  staging: {json.dumps({**STAGING, **changes})}\n")
        system = resolve_system(path, "staging", {}, report)
    messages = [f"{one.code} {one.message}" for one in report.diagnostics]
    if system is None:
        return None, messages
    assert isinstance(system.target, KubernetesTarget)
    images = {name: f"{system.target.registry}/{system.name}/{name}:{TAG}" for name in ("server", "trainer")}
    found = sections(run_config(system, snapshot(system)))
    return Cluster(system=system, target=system.target, images=images, sections=found), messages


def parameters(text: str) -> set[str]:
    """What `{{…}}` of a workflow refers to."""
    return set(re.findall(r"{{([^}]*)}}", text))
