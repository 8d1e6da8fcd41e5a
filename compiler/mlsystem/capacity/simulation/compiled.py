"""Functions as machine code, made when they are first called and kept for the next process."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Kept in a folder named by the digest of all that stands here: numba looks at a function's own file alone, and
    would keep using what it inlined from another one that has changed since.

    Without reference counts (`_nrt`), which would cost ten times what the loop does: so nothing may be allocated.
    """
    elsewhere, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(folder())
    try:
        return cast(F, numba.njit(cache=True, error_model="numpy", forceinline=True, _nrt=False)(function))
    finally:
        numba.config.CACHE_DIR = elsewhere


@cache
def folder() -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return caches / "mlsystem" / "simulation" / digest.hexdigest()[:16]
