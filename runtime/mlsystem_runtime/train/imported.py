"""Importing the user's code under a name of its own, so that versions with different code live in one process.

The code with the digest D is the package `mlsystem_code_D`; what it imports of itself, by whichever name, is found
there. Modules come from the text that was read once: a folder that changes or goes changes nothing.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import linecache
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any

from mlsystem_runtime.contract.code import code_digest, module_paths
from mlsystem_runtime.contract.errors import MlsystemError

PREFIX = "mlsystem_code_"
DIGITS = 16


@dataclass(frozen=True)
class Snapshot:
    """`files` is text by path below `folder`, which is where messages say that they are."""

    folder: Path
    files: Mapping[str, str]

    @cached_property
    def name(self) -> str:
        return f"{PREFIX}{code_digest(self.files)[:DIGITS]}"

    @cached_property
    def tops(self) -> frozenset[str]:
        """The names under which its modules import one another."""
        return frozenset(path.partition("/")[0].removesuffix(".py") for path in self.files if path.endswith(".py"))

    def function(self, entrypoint: str) -> Callable[..., object]:
        """MODULE:FUNCTION. Raises MlsystemError when the module does not import, or has no such function."""
        module, _, name = entrypoint.partition(":")
        KNOWN.setdefault(self.name, self)
        with told(entrypoint, "importing it"):
            found = getattr(importlib.import_module(f"{self.name}.{module}"), name, None)
        if not callable(found):
            raise MlsystemError(f"{entrypoint}: {self.folder / module_paths(module)[0]} has no function '{name}'",
                                "name one in `entrypoint`: module:function")
        function: Callable[..., object] = found
        return function


KNOWN: dict[str, Snapshot] = {}
"""All that this process has imported, by name."""


class Finder(importlib.abc.MetaPathFinder):
    """Finds modules of what is KNOWN; a folder without `__init__.py` is a package too."""

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        name, _, module = fullname.partition(".")
        snapshot = KNOWN.get(name)
        if snapshot is None:
            return None
        file, package = module_paths(module)
        if package in snapshot.files:
            return spec(snapshot, fullname, package, is_package=True)
        if file in snapshot.files:
            return spec(snapshot, fullname, file, is_package=False)
        below = f"{file.removesuffix('.py')}/"
        if not module or any(one.startswith(below) for one in snapshot.files):
            return spec(snapshot, fullname, None, is_package=True)
        return None


def spec(snapshot: Snapshot, name: str, path: str | None, *, is_package: bool) -> importlib.machinery.ModuleSpec:
    origin = None if path is None else str(snapshot.folder / path)
    made = importlib.util.spec_from_loader(name, Loader(snapshot, path), origin=origin, is_package=is_package)
    assert made is not None
    made.has_location = origin is not None
    return made


class Loader(importlib.abc.InspectLoader):
    """`path` None: a package that is only a folder."""

    def __init__(self, snapshot: Snapshot, path: str | None) -> None:
        self.snapshot = snapshot
        self.path = path

    def is_package(self, _fullname: str) -> bool:
        return self.path is None or self.path.endswith("/__init__.py")

    def get_source(self, _fullname: str) -> str:
        return "" if self.path is None else self.snapshot.files[self.path]

    def get_code(self, fullname: str) -> CodeType:
        file = str(self.snapshot.folder / self.path) if self.path else f"<{fullname}>"
        code: CodeType = compile(self.get_source(fullname), file, "exec", dont_inherit=True)
        return code

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": importer(self.snapshot)}
        code = self.get_code(module.__name__)
        linecache.lazycache(code.co_filename, module.__dict__)
        exec(code, module.__dict__)


def importer(snapshot: Snapshot) -> Callable[..., Any]:
    """The `import` statement inside the code: names of its own modules mean those of this snapshot."""

    def import_(
        name: str, globals: Mapping[str, object] | None = None, locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (), level: int = 0,
    ) -> Any:
        top = name.partition(".")[0]
        if level or top not in snapshot.tops:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        found = importlib.import_module(f"{snapshot.name}.{name}")
        if fromlist:
            return builtins.__import__(found.__name__, globals, locals, fromlist, 0)
        return sys.modules[f"{snapshot.name}.{top}"]

    return import_


@contextmanager
def told(entrypoint: str, doing: str) -> Iterator[None]:
    """What the user's code raises, as a MlsystemError that names its line."""
    try:
        yield
    except MlsystemError:
        raise
    except Exception as error:  # code of the user may raise anything
        said = (str(error).splitlines() or [""])[0]
        raise MlsystemError(
            f"{entrypoint}: {doing} failed{place(error)}: {type(error).__name__}: {without_prefix(said)}",
            "correct the code, and apply again",
        ) from error


def place(error: BaseException) -> str:
    """The innermost line of the user's code, where the error passed one."""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return f" at {error.filename}:{error.lineno}"
    lines = [f" at {one.tb_frame.f_code.co_filename}:{one.tb_lineno}" for one in steps(error.__traceback__)]
    return lines[-1] if lines else ""


def steps(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        if str(traceback.tb_frame.f_globals.get("__name__", "")).startswith(PREFIX):
            yield traceback
        traceback = traceback.tb_next


def without_prefix(text: str) -> str:
    """Names of modules as the user wrote them."""
    for name in KNOWN:
        text = text.replace(f"{name}.", "")
    return text


sys.meta_path.append(Finder())
