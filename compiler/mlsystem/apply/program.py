"""The generated program, run inside this process: the same that `pulumi up` in its folder would run."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def inline(folder: Path) -> Callable[[], None]:
    """`folder` holds `__main__.py`. Each call declares everything anew."""

    def run() -> None:
        with _alone(folder), _without("KUBECONFIG"):
            runpy.run_path(str(folder / "__main__.py"), run_name="__main__")

    return run


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Its modules are found, those of an earlier run are not, and nothing of them is left."""
    writes_bytecode = sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # the folder is what was generated and nothing else
    sys.path.insert(0, str(folder))
    _forget(folder)
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = writes_bytecode
        _forget(folder)


def _forget(folder: Path) -> None:
    packages = {one.parent.name for one in folder.glob("*/__init__.py")}
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[name]


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
