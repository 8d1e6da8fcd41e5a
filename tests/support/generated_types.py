"""A generated program before a type checker. What mypy learnt of the SDK, which takes a minute, is kept for all."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlsystem" / "mypy"


def type_errors(program: Path) -> str:
    """What `mypy --strict` says of the program in this folder; empty where it is content."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        finished = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases", "--no-error-summary",
             "--config-file=", f"--cache-dir={CACHE}", "__main__.py",
             *sorted(one.parent.name for one in program.glob("*/__init__.py"))],
            cwd=program, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert finished.returncode in (0, 1), finished.stderr
    return finished.stdout
