"""Projects to start from: a folder with a spec and, where it needs data, the script that makes it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from mlsystem.apply.process import tail
from mlsystem.errors import MlsystemError

SCRIPT = "prepare.py"


def _root() -> Traversable:
    return resources.files("mlsystem_templates") / "init"


def templates() -> dict[str, str]:
    """Each template with the title of its README."""
    folders = sorted((one for one in _root().iterdir() if (one / "mlsystem.yaml").is_file()), key=lambda one: one.name)
    return {folder.name: (folder / "README.md").read_text().partition("\n")[0].lstrip("# ") for folder in folders}


def create(template: str, folder: Path) -> None:
    """Copies the template. Raises MlsystemError when there is none, or something is in the way."""
    if template not in templates():
        raise MlsystemError(f"there is no template '{template}'", f"templates are: {', '.join(templates())}")
    if folder.exists() and any(folder.iterdir()):
        raise MlsystemError(f"{folder} is not empty", "choose another folder: mlsystem init TEMPLATE FOLDER")
    folder.mkdir(parents=True, exist_ok=True)
    with resources.as_file(_root() / template) as source:
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def prepare(folder: Path) -> None:
    """Runs the template's script, if it has one. Raises MlsystemError with its last words when it fails."""
    if not (folder / SCRIPT).exists():
        return
    log = folder / f"{SCRIPT}.log"
    with open(log, "wb") as file:
        done = subprocess.run([sys.executable, SCRIPT], cwd=folder, stdout=file, stderr=file, check=False)
    if done.returncode != 0:
        words = "".join(f"\n  | {line}" for line in tail(log))
        raise MlsystemError(f"{folder / SCRIPT} failed:{words}", f"when that is mended: cd {folder} && python {SCRIPT}")
    log.unlink()
