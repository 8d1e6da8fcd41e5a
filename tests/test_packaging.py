"""The wheel holds all that is needed, and the small install (no extras) can check and compile a system."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"mlsystem": "compiler/mlsystem", "mlsystem_runtime": "runtime/mlsystem_runtime"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
IN_THE_SMALL_INSTALL = "import importlib.resources as r; print(r.files('mlsystem_templates') / 'init' / 'flights')"


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    finished = subprocess.run(
        [str(part) for part in command],
        cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that the build leaves nothing in the source tree."""
    tree = tmp_path_factory.mktemp("tree") / "mlsystem"
    for name in ("compiler", "runtime", "templates", "schemas"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tree.parent, folder=tree)
    return next(tree.parent.glob("*.whl"))


@pytest.fixture(scope="module")
def small_install(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a clean environment with the wheel in it and none of its extras; made by plain pip."""
    home = tmp_path_factory.mktemp("install") / "venv"
    venv.create(home, with_pip=True)
    constraints = ROOT / "constraints.txt"
    run(home / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "-c", constraints, wheel, folder=home)
    return home / "bin"


@pytest.mark.slow
@pytest.mark.xdist_group("wheel")
def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())

    for package, folder in PACKAGES.items():
        for path in (ROOT / folder).rglob("*.py"):
            assert f"{package}/{path.relative_to(ROOT / folder)}" in held
    for path in (ROOT / "templates").rglob("*"):
        if path.suffix in (".py", ".yaml", ".md") and "data" not in path.parts:
            assert f"mlsystem_templates/{path.relative_to(ROOT / 'templates')}" in held
    assert "mlsystem_schemas/mlsystem.schema.json" in held


@pytest.mark.slow
@pytest.mark.xdist_group("wheel")
def test_the_small_install_says_its_version(small_install: Path, tmp_path: Path) -> None:
    said = run(small_install / "mlsystem", "--version", folder=tmp_path)

    assert said.split()[-1] == PROJECT["project"]["version"]


@pytest.mark.slow
@pytest.mark.xdist_group("wheel")
def test_the_small_install_validates_and_compiles_the_flights_example(small_install: Path, tmp_path: Path) -> None:
    template = Path(run(small_install / "python", "-c", IN_THE_SMALL_INSTALL, folder=tmp_path).strip())
    shutil.copy(template / "mlsystem.yaml", tmp_path)

    run(small_install / "mlsystem", "validate", folder=tmp_path)
    run(small_install / "mlsystem", "compile", "--out", "tree", folder=tmp_path)

    compiled = next((tmp_path / "tree").rglob("run.json"))
    assert compiled.read_text() == (ROOT / "examples/flights/expected/dev/contract/run.json").read_text()


def test_every_pinned_version_is_one_line_without_an_address() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()

    assert len(lines) > 100
    for line in lines:
        assert re.fullmatch(r"[\w.-]+==[\w.+!-]+( ; [^/@]+)?", line), line


def test_every_dependency_is_pinned() -> None:
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    project = PROJECT["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]

    for requirement in wanted:
        name = re.match(r"[\w.-]+", requirement)
        assert name is not None
        assert name[0].lower() in pinned, requirement
