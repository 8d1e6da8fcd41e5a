"""The generated program, run inside this process: the same that `pulumi up` in its folder would run."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import PathEntryFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path
from typing import Any


def inline(folder: Path) -> Callable[[], None]:
    """`folder` holds `__main__.py`. Each call declares everything anew."""

    def run() -> None:
        with _alone(folder), _without("KUBECONFIG"):
            runpy.run_path(str(folder / "__main__.py"), run_name="__main__")

    return run


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Its modules are found, those of an earlier run are not, and nothing of them is left."""
    find = _finder(folder)
    sys.path_hooks.insert(0, find)
    sys.path.insert(0, str(folder))
    _forget(folder)
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.path_hooks.remove(find)
        _forget(folder)


def _forget(folder: Path) -> None:
    packages = {one.parent.name for one in folder.glob("*/__init__.py")}
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[name]
    for path in [path for path in list(sys.path_importer_cache) if Path(path).is_relative_to(folder)]:
        del sys.path_importer_cache[path]


class _UnwrittenLoader(SourceFileLoader):
    """Leaves no bytecode. That of the SDK is kept: making it anew takes longer than all else of a program."""

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """The folder is what was generated and nothing else."""


def _finder(folder: Path) -> Callable[[str], PathEntryFinder]:
    """Of modules below `folder`; others are found as ever."""
    of_folder = FileFinder.path_hook((_UnwrittenLoader, SOURCE_SUFFIXES))

    def find(path: str) -> PathEntryFinder:
        if not Path(path).is_relative_to(folder):
            raise ImportError
        return of_folder(path)

    return find


@contextmanager
def _without(variable: str) -> Iterator[None]:
    """The SDK would write the path of this machine's kubeconfig into the state: a change wherever it lies elsewhere.
    The provider, which has an environment of its own, reads the variable itself."""
    value = os.environ.pop(variable, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[variable] = value
