"""actionlint reads the generated workflows: expressions, contexts, permissions, shells, schedules."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from engines.recipes import is_built, program
from msgspec.structs import replace

from mlsystem.emit.github import workflow_text
from mlsystem.system.review import Review, ReviewedEnvironment

ROLE = "arn:aws:iam::111122223333:role/delay"
BOTH = tuple(
    ReviewedEnvironment(name, "eu-central-1", f"{ROLE}-{name}-plan", f"{ROLE}-{name}-apply")
    for name in ("staging", "prod")
)
ONE = Review("delay", "acme/delay", "main", "0 5 * * *", None, "ubuntu-24.04", None, ("PEAK",), BOTH)
REVIEWS = {
    "two environments": ONE,
    "one that a runner reaches": replace(ONE, environments=(ReviewedEnvironment("dev", None, None, None),)),
    "in a folder": replace(ONE, folder="systems/delay", requirements="mlsystem.txt"),
}


@pytest.mark.parametrize("name", REVIEWS)
def test_actionlint_finds_nothing_in_a_generated_workflow(name: str, tmp_path: Path) -> None:
    if not is_built("tools"):
        pytest.skip("engine 'tools' is not built: make engines")
    file = tmp_path / "mlsystem.yml"
    file.write_text(workflow_text(REVIEWS[name]))
    linter = [str(program("tools", "actionlint")), "-no-color", str(file)]

    done = subprocess.run(linter, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_actionlint_would_find_something(tmp_path: Path) -> None:
    """So that its silence means something."""
    if not is_built("tools"):
        pytest.skip("engine 'tools' is not built: make engines")
    file = tmp_path / "mlsystem.yml"
    file.write_text(workflow_text(ONE).replace("needs.plan-prod.outputs.changes", "needs.plan-prod.outputs.chnages"))
    linter = [str(program("tools", "actionlint")), "-no-color", str(file)]

    done = subprocess.run(linter, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "chnages" in done.stdout
