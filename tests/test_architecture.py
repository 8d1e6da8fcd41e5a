"""The rules of the source tree that no tool knows: layers, weight, length, who prints, what says what it is for."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COMPILER = ROOT / "compiler" / "mlsystem"
RUNTIME = ROOT / "runtime" / "mlsystem_runtime"
LAYERS = (
    "span", "errors", "diagnostics", "source", "spec", "system", "cost", "capacity", "passes", "emit", "compile",
    "state", "plan", "apply", "review", "cli",
)  # fmt: skip
LIGHT_FOR_THE_CONTRACT = {"mlsystem_runtime", "msgspec"}
LAZY_IN_THE_CONTRACT = {"boto3", "botocore"}
HEAVY = {
    "boto3", "duckdb", "mlflow", "numba", "numpy", "pandas", "pulumi", "pyarrow", "rich", "scipy", "sklearn", "sqlglot",
    "torch", "uvicorn",
}  # fmt: skip
LONGEST = 400

VALIDATE = """
import sys
from mlsystem.cli.main import main
try:
    main(["validate", sys.argv[1]])
except SystemExit as end:
    assert not end.code, end.code
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@dataclass(frozen=True)
class Import:
    """`module` is absolute; `lazy` where it stands inside a function."""

    path: Path
    line: int
    module: str
    lazy: bool

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.module}"


def files(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def imports(path: Path) -> Iterator[Import]:
    """Imports for type checkers alone are imports too: a layer that names a type of a higher one depends on it."""
    lazy = {id(node) for function in functions(tree(path)) for node in ast.walk(function)}
    for node in ast.walk(tree(path)):
        match node:
            case ast.Import():
                for name in node.names:
                    yield Import(path, node.lineno, name.name, id(node) in lazy)
            case ast.ImportFrom():
                assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
                assert node.module is not None
                for name in node.names:
                    yield Import(path, node.lineno, f"{node.module}.{name.name}", id(node) in lazy)


def functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def layer(module: str) -> int:
    """The place of a module of the compiler in the order; `mlsystem` itself holds only the version."""
    part = module.split(".")[1] if "." in module else ""
    return LAYERS.index(part) if part in LAYERS else -1


def module_name(path: Path) -> str:
    return ".".join(["mlsystem", *path.relative_to(COMPILER).with_suffix("").parts])


def test_a_module_of_the_compiler_imports_from_its_own_layer_or_lower_ones() -> None:
    upwards = [
        one for path in files(COMPILER) for one in imports(path)
        if one.module.partition(".")[0] == "mlsystem" and layer(one.module) > layer(module_name(path)) >= 0
    ]  # fmt: skip

    assert not upwards, "\n".join(map(str, upwards))


def test_every_module_of_the_compiler_stands_in_a_layer() -> None:
    strays = [path.name for path in COMPILER.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]

    assert {name.removesuffix(".py") for name in strays} - {"__init__", *LAYERS} == set()


def test_the_runtime_never_imports_the_compiler() -> None:
    upwards = [one for path in files(RUNTIME) for one in imports(path) if one.module.partition(".")[0] == "mlsystem"]

    assert not upwards, "\n".join(map(str, upwards))


def test_the_compiler_imports_nothing_of_the_runtime_but_the_contract() -> None:
    others = [
        one for path in files(COMPILER) for one in imports(path)
        if one.module.startswith("mlsystem_runtime") and not one.module.startswith("mlsystem_runtime.contract")
    ]  # fmt: skip

    assert not others, "\n".join(map(str, others))


def test_the_contract_imports_only_the_standard_library_msgspec_and_itself_and_a_bucket_when_there_is_one() -> None:
    light = LIGHT_FOR_THE_CONTRACT | sys.stdlib_module_names
    foreign = [
        one for path in files(RUNTIME / "contract") for one in imports(path)
        if one.module.partition(".")[0] not in (light | LAZY_IN_THE_CONTRACT if one.lazy else light)
        or (one.module.startswith("mlsystem_runtime.") and not one.module.startswith("mlsystem_runtime.contract"))
    ]  # fmt: skip

    assert not foreign, "\n".join(map(str, foreign))


def test_an_import_inside_a_function_says_why() -> None:
    """Weight is the only reason. A comment on an import of that function, or `lazy` in its docstring, says it."""
    silent = [one for path in files(COMPILER, RUNTIME) for one in imports(path) if one.lazy and not says_why(one)]

    assert not silent, "\n".join(map(str, silent))


def says_why(one: Import) -> bool:
    lines = one.path.read_text().splitlines()
    for node in functions(tree(one.path)):
        if node.lineno <= one.line <= (node.end_lineno or 0):
            body = [line.strip() for line in lines[node.lineno : node.end_lineno]]
            commented = any(line.startswith(("from ", "import ")) and "#" in line for line in body)
            if commented or "lazy" in (ast.get_docstring(node) or ""):
                return True
    return False


def test_only_the_console_prints() -> None:
    """The runtime has no `print` either: events go to standard output through `emit`, words to a log."""
    printing = [
        f"{path.relative_to(ROOT)}:{node.lineno}" for path in files(COMPILER, RUNTIME) for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        and path != COMPILER / "cli" / "console.py"
    ]  # fmt: skip

    assert not printing, "\n".join(printing)


@pytest.mark.parametrize("folder", ["compiler", "runtime", "templates", "tools", "tests", "bench"])
def test_no_file_is_longer_than_four_hundred_lines(folder: str) -> None:
    too_long = {
        str(path.relative_to(ROOT)): length
        for path in files(ROOT / folder)
        if (length := len(path.read_text().splitlines())) > LONGEST
    }

    assert too_long == {}


def test_every_module_says_what_it_is_for() -> None:
    """An empty `__init__.py` says nothing and need not."""
    modules = [path for path in files(COMPILER, RUNTIME) if path.name != "__init__.py" or path.stat().st_size]
    silent = [str(path.relative_to(ROOT)) for path in modules if not ast.get_docstring(tree(path))]

    assert silent == []


def test_every_folder_of_modules_is_a_package() -> None:
    """A folder without `__init__.py` imports here and is easily lost in a wheel."""
    folders = {path.parent for path in files(COMPILER, RUNTIME)}

    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_agents_md_is_short() -> None:
    assert len((ROOT / "AGENTS.md").read_text().splitlines()) <= 60


def test_validating_the_flights_example_loads_nothing_heavy() -> None:
    spec = ROOT / "examples" / "flights" / "mlsystem.yaml"
    finished = subprocess.run(
        [sys.executable, "-c", VALIDATE, str(spec)], capture_output=True, text=True, check=False, timeout=60
    )

    assert finished.returncode == 0, finished.stderr
    assert HEAVY & set(finished.stdout.splitlines()[-1].split()) == set()
