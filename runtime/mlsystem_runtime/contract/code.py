"""The user's own code: which files it is, and what the function that builds a model can be given.

Its files are all below the folder, by path: no hidden ones, no `__pycache__`. They are text.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlsystem_runtime.contract.base import Struct, digest
from mlsystem_runtime.contract.errors import MlsystemError

CACHE = "__pycache__"
IN_IMAGE = "/opt/code"
GIVEN = ("numeric", "categorical", "outputs", "task", "hidden", "dropout", "numeric_embedding", "embedding_size")
"""Names of arguments that the function may have: of `Architecture`, where each is described."""


class Code(Struct):
    """`path` is the folder, relative to that of the spec, or where an image has it; `entrypoint` is MODULE:FUNCTION;
    `digest` that of the files (`code_digest`)."""

    path: str
    entrypoint: str
    digest: str


def read_code(folder: Path) -> dict[str, str]:
    """Text by path, sorted. Raises MlsystemError where the folder or a file of it cannot be read as text."""
    return {path: read_text(folder / path) for path in sorted(code_paths(folder))}


def code_paths(folder: Path) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise MlsystemError(f"{error.filename} cannot be read: {error.strerror}", "it holds the code of a model")

    for home, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".") and name != CACHE]
        for name in names:
            if not name.startswith("."):
                yield Path(home, name).relative_to(folder).as_posix()


def read_text(path: Path) -> str:
    """As it is, line ends too: what is hashed here and in an image are the same bytes."""
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise MlsystemError(f"{path} cannot be read: {error.strerror}", "it is part of the code of a model") from error
    except UnicodeDecodeError as error:
        raise MlsystemError(f"{path} is not text", "keep other files out of the folder of the code") from error


def code_digest(files: Mapping[str, str]) -> str:
    return digest(dict(files))


def module_paths(module: str) -> tuple[str, str]:
    """Where a module of this name may be: a file, or a package."""
    path = module.replace(".", "/")
    return f"{path}.py", f"{path}/__init__.py"
