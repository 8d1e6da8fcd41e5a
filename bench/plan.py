"""What the comment of a pull request takes: bytes, and CPU-seconds of a whole `mlsystem plan`, for changes of any size.

Every feature group of a system changes, and so its node, its step and its part of the generated file.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).parent))
from compile import cpu_seconds, source

SIZES = (1, 100, 10_000)
ROUNDS = 3
TERRAFORM = "Terraform 1.11.4, as many updates of one attribute: 8.0 CPU-s for 10,000; 668,839 bytes for 1,000"


def main() -> list[dict[str, Any]]:
    return [measure for size in SIZES for measure in measured(size)]


def measured(size: int) -> list[dict[str, Any]]:
    """The least of some rounds, each a process of its own: other work on the machine only adds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, size, days=1)
        applied(folder)
        write(folder, size, days=2)
        arguments = ("plan", "--format", "markdown", "--out", "plan.json")
        seconds = min(cpu_seconds(name, *arguments) for _ in range(ROUNDS))
        length = len(comment(folder).encode())
    what, against = f"{size:,} changed resource{'s' if size > 1 else ''}", {"reference": TERRAFORM}
    return [
        {"name": f"comment of {what}", "value": length, "unit": "bytes", "target": "≤ 60,000", **against},
        {"name": f"plan of {what}", "value": round(seconds, 2), "unit": "CPU-s", "target": "≤ 5", **against},
    ]


def write(folder: Path, size: int, days: int) -> None:
    columns = {"x": "float"}
    (folder / "events.csv").write_text("id,at,key,label,x\na,2026-01-01 00:00,k,1,1\n")
    mean = {"x": {"mean": "x", "over": f"{days}d"}}
    group = {"kind": "aggregate", "source": "events", "entity": "thing", "aggregate": mean}
    system = {
        "apiVersion": "mlsystem/v1",
        "name": "large",
        "sources": {"events": {**source(columns), "uri": "events.csv"}},
        "entities": {"thing": {"key": {"key": "string"}}},
        "features": {f"group{number}": group for number in range(size)},
        "model": {
            "task": "binary_classification", "examples": {"source": "events", "at": "at"}, "label": {"is": "positive"},
            "features": ["group0.*"],
        },
        "environments": {"dev": {"target": "local"}},
    }  # fmt: skip
    (folder / "mlsystem.yaml").write_text(yaml.dump(system, sort_keys=False, Dumper=Plain))


class Plain(yaml.SafeDumper):
    """Writes what is meant twice twice: nobody writes anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def applied(folder: Path) -> None:
    """The state as after an apply, which here would take as long as 10,000 steps do."""
    from mlsystem.apply.apply import manifest_of
    from mlsystem.apply.environment import environment_of
    from mlsystem.compile import compile_system
    from mlsystem.diagnostics.report import Report
    from mlsystem.state.manifest import StepProof

    spec = folder / "mlsystem.yaml"
    compiled = compile_system(spec, None, {}, Report())
    assert compiled is not None, "the file that is written here compiles"
    environment = environment_of(compiled, spec, {})
    proofs = {
        step.name: StepProof(fingerprint=step.fingerprint, observed=None, reads={}) for step in compiled.config.steps
    }
    engine, target = environment.engine, environment.target
    environment.store.commit(manifest_of(environment.plan(), target, None, engine.outputs, "run", proofs))
    engine.write_files(compiled.tree)


def comment(folder: Path) -> str:
    command = [sys.executable, "-m", "mlsystem.cli.main", "plan", "--format", "markdown"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    print(json.dumps(main()))
