"""Where a model came from: code, interpreter, packages."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess

PACKAGES = ("mlsystem", "torch", "onnx", "onnxruntime", "numpy", "pyarrow", "scikit-learn", "safetensors", "duckdb")


def package_versions() -> dict[str, str]:
    """Installed versions of what decides a model's numbers."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def python_version() -> str:
    return platform.python_version()


def code_version() -> str | None:
    """The git commit of the working directory, with "-dirty" where files differ from it; None outside a repository."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"],
            capture_output=True, text=True, timeout=10, check=True,
        )
    except (FileNotFoundError, subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    return described.stdout.strip()
