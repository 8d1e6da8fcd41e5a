"""Generated files on disk."""

from __future__ import annotations

from pathlib import Path

from mlsystem.emit.tree import ArtifactTree
from mlsystem_runtime.contract.workspace import write_atomically


def write_tree(tree: ArtifactTree, folder: Path) -> None:
    """Each file is replaced atomically, and only if it differs. Other files are left alone."""
    for artifact in tree:
        path = folder / artifact.path
        if not path.exists() or path.read_bytes() != artifact.content.encode():
            write_atomically(path, artifact.content)


def remove_others(tree: ArtifactTree, folder: Path) -> None:
    """Takes away what is not in the tree: only for a folder that is ours alone."""
    wanted = {folder / artifact.path for artifact in tree}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path not in wanted:
            path.unlink()
