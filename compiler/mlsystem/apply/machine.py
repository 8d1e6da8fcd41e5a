"""What this machine has of what the local engine needs."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RUNTIME = (
    "torch", "onnx", "onnxscript", "onnxruntime", "duckdb", "pyarrow", "numpy", "sklearn", "mlflow", "uvicorn",
    "safetensors", "supervisor", "httpx",
)
LEAST_DISK_GIB = 2.0
GIB = 1 << 30


@dataclass(frozen=True)
class Finding:
    """`help` says what to do where it is not good."""

    good: bool
    text: str
    help: str = ""


def findings() -> tuple[Finding, ...]:
    return tuple(_findings())


def _findings() -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding(sys.version_info >= (3, 11), f"Python {version}", "install Python 3.11 or newer")
    yield Finding(sys.platform == "linux", f"system {sys.platform}", "the local engine needs Linux")
    missing = [name for name in RUNTIME if importlib.util.find_spec(name) is None]
    text = f"runtime libraries: {'all there' if not missing else 'missing ' + ', '.join(missing)}"
    yield Finding(not missing, text, "pip install 'mlsystem[runtime]'")
    yield Finding(Path("/bin/sh").exists(), "/bin/sh", "server and monitor are started through it")
    free = shutil.disk_usage(Path.cwd()).free / GIB
    yield Finding(free >= LEAST_DISK_GIB, f"free disk here: {free:.1f} GiB", f"have at least {LEAST_DISK_GIB:.0f} GiB")
    yield Finding(True, f"processors: {len(os.sched_getaffinity(0))}")
