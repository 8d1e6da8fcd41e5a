"""What images install is what is tested here, and all that the processes in them import."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "templates" / "images"
RUNTIME = ROOT / "runtime"
PACKAGE = "mlsystem_runtime"
PINNED = re.compile(r"^([\w.-]+)==([\w.!+-]+)", re.MULTILINE)
NOT_IN_IMAGES = {"supervisor"}  # keeps the processes of one machine
HEAVY_FOR_SERVING = {"duckdb", "mlflow", "mlflow-skinny", "onnx", "pandas", "scikit-learn", "sqlglot", "torch"}
SHARED = {"google": ["protobuf"], "opentelemetry": ["opentelemetry-sdk"]}
"""Folders of several libraries, and the one of them that the runtime names."""

IN_TORCH = f"{PACKAGE}.registry.artifact"  # what a server in torch alone leads to; it has the trainer's libraries

IMPORTS = """
import importlib, pkgutil, sys
from pathlib import Path
import mlsystem_runtime.serve
import mlsystem_runtime.serve.loading
import mlsystem_runtime.registry.onnx_model
import uvicorn, uvloop, httptools, prometheus_client
for module in pkgutil.iter_modules(mlsystem_runtime.serve.__path__, "mlsystem_runtime.serve."):
    importlib.import_module(module.name)
"""


@cache
def locked(name: str) -> dict[str, str]:
    """Versions by library."""
    return dict(PINNED.findall((LOCKS / f"requirements-{name}.txt").read_text()))


def constraints() -> dict[str, str]:
    return dict(PINNED.findall((ROOT / "constraints.txt").read_text()))


def wanted(name: str) -> set[str]:
    lines = (LOCKS / f"requirements-{name}.in").read_text().splitlines()
    return {line for line in lines if not line.startswith("#")}


@pytest.mark.parametrize("name", ["server", "trainer"])
def test_a_lock_agrees_with_what_is_tested(name: str) -> None:
    differing = {library: version for library, version in locked(name).items() if constraints().get(library) != version}

    assert differing == {}, "run `make lock`"


@pytest.mark.parametrize("name", ["server", "trainer"])
def test_a_lock_has_what_its_input_asks_for(name: str) -> None:
    assert wanted(name) <= set(locked(name)), "run `make lock`"


@pytest.mark.parametrize("name", ["server", "trainer"])
def test_every_line_of_a_lock_is_held_by_hashes_and_no_place_is_named(name: str) -> None:
    text = (LOCKS / f"requirements-{name}.txt").read_text()
    entries = [line for line in text.replace("\\\n", " ").splitlines() if not line.startswith("#")]

    assert all(re.fullmatch(r"[\w.-]+==\S+( ; .+?)?( +--hash=sha256:[0-9a-f]{64})+", entry) for entry in entries)
    assert "://" not in text


def test_the_trainers_lock_adds_to_the_servers() -> None:
    assert not set(locked("server")) & set(locked("trainer"))


def test_the_server_has_no_libraries_of_training() -> None:
    assert "onnxruntime" in locked("server")
    assert not HEAVY_FOR_SERVING & set(locked("server"))
    assert not {name for name in {**locked("server"), **locked("trainer")} if name.startswith("pulumi")}


def test_all_that_the_runtime_imports_is_in_an_image() -> None:
    modules = set((RUNTIME / PACKAGE).rglob("*.py"))

    assert distributions(modules) - NOT_IN_IMAGES <= {*locked("server"), *locked("trainer")}


def test_all_that_the_server_may_import_is_in_its_image() -> None:
    assert distributions(reachable(f"{PACKAGE}.serve.process", IN_TORCH)) <= {*locked("server"), "torch"}


@pytest.mark.slow
def test_the_server_starts_with_nothing_but_its_own_libraries(tmp_path: Path) -> None:
    for name in locked("server"):
        link(name, tmp_path)
    path = os.pathsep.join([str(RUNTIME), str(tmp_path)])

    done = subprocess.run(
        [sys.executable, "-S", "-c", IMPORTS], env={"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


def link(name: str, folder: Path) -> None:
    """Makes one library visible in `folder`. What another patch of Python needs alone is not installed here."""
    try:
        files = distribution(name).files or []
    except ModuleNotFoundError:
        return
    for top in {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")}:
        place = Path(str(distribution(name).locate_file(top)))
        merge(place, folder / top)


def merge(place: Path, target: Path) -> None:
    """Several libraries may share one folder (`nvidia`)."""
    if target.is_symlink() or not place.exists():
        return
    if place.name == "nvidia":
        target.mkdir(exist_ok=True)
        for part in place.iterdir():
            if not (target / part.name).is_symlink():
                (target / part.name).symlink_to(part)
    else:
        target.symlink_to(place)


def distributions(modules: set[Path]) -> set[str]:
    """The libraries that these modules import, here or there, lazily or not."""
    known = {**packages_distributions(), **SHARED}
    names = {name.partition(".")[0] for path in modules for name in imported(path)}
    return {normalised(known[name][0]) for name in names - {PACKAGE, "mlsystem"} if name in known}


def reachable(start: str, without: str) -> set[Path]:
    """The runtime's modules that importing `start` may lead to, and not through `without`."""
    found = {path for path in (source(without),) if path is not None}
    todo = [start]
    while todo:
        path = source(todo.pop())
        if path is not None and path not in found:
            found.add(path)
            todo += [name for name in imported(path) if name.startswith(PACKAGE)]
    return found - {source(without)}


def source(module: str) -> Path | None:
    """Of a module or of a name in one."""
    for name in (module, module.rpartition(".")[0]):
        path = RUNTIME.joinpath(*name.split("."))
        if path.with_suffix(".py").is_file():
            return path.with_suffix(".py")
    return None


@cache
def imported(path: Path) -> tuple[str, ...]:
    return tuple(_imported(ast.parse(path.read_text()).body))


def _imported(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        match node:
            case ast.Import():
                yield from (one.name for one in node.names)
            case ast.ImportFrom(module=str(module)):
                yield from (f"{module}.{one.name}" for one in node.names)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield from _imported(node.orelse)
            case _:
                yield from _imported([one for one in ast.iter_child_nodes(node) if isinstance(one, ast.stmt)])


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
