"""Building keeps what is built, builds again what has changed, and says why it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engines.recipes import RECIPES, is_built

HERE = Path(__file__).parent
WHERE = "import engines.recipes as r; print(r.folder('node').name, r.folder('dns').name)"


def run(tree: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, "PYTHONPATH": str(tree / "support"), **environment}
    return subprocess.run([sys.executable, *arguments], env=settings, capture_output=True, text=True, check=False)


def test_what_is_built_is_kept_and_found_in_less_than_a_second() -> None:
    names = [one.name for one in RECIPES if is_built(one.name)]
    if not names:
        pytest.skip("no engine is built: make engines")

    start = time.monotonic()
    finished = run(HERE, "-m", "engines.build", *names)
    seconds = time.monotonic() - start

    assert finished.stdout.splitlines() == [f"{name}: up to date" for name in names]
    assert seconds < 1


def test_a_changed_recipe_is_another_engine_and_changes_no_other(tmp_path: Path) -> None:
    for name in ("support", "recipes"):
        shutil.copytree(HERE / name, tmp_path / name)
    before = run(tmp_path, "-c", WHERE).stdout.split()

    source = tmp_path / "recipes" / "node" / "pause" / "main.go"
    source.write_text(f"{source.read_text()}\n// changed\n")
    after = run(tmp_path, "-c", WHERE).stdout.split()

    assert before[0] != after[0]
    assert before[1] == after[1]


def test_without_go_the_build_fails_and_says_so(tmp_path: Path) -> None:
    finished = run(HERE, "-m", "engines.build", "dns", PATH="", MLSYSTEM_ENGINES=str(tmp_path))

    assert finished.returncode == 1
    assert "dns: not built: Go is not here" in finished.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_an_engine_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path) -> None:
    finished = run(HERE, "-m", "engines.build", "kubernetes", MLSYSTEM_ENGINES=str(tmp_path))

    assert finished.returncode == 2
    assert finished.stdout.startswith("no such engine: kubernetes; there are kube, kwok,")
