"""What images take from this installation: the runtime's own source and the lock files."""

from __future__ import annotations

from importlib import resources

from mlsystem.emit.images import Locks
from mlsystem.emit.render import template_text

PACKAGE = "mlsystem_runtime"


def runtime_source() -> dict[str, str]:
    """Text by path (`mlsystem_runtime/…`): the modules and py.typed, no caches."""
    with resources.as_file(resources.files(PACKAGE)) as folder:
        paths = [*folder.rglob("*.py"), *folder.rglob("py.typed")]
        return {f"{PACKAGE}/{path.relative_to(folder).as_posix()}": path.read_text("utf-8") for path in paths}


def lock_files() -> Locks:
    return Locks(
        server=template_text("images/requirements-server.txt"),
        trainer=template_text("images/requirements-trainer.txt"),
    )
