"""Generated files on disk."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from mlsystem.emit.tree import ArtifactTree
from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.workspace import write_atomically


def write_tree(tree: ArtifactTree, folder: Path) -> None:
    """Each file is replaced atomically, and only if it differs. Other files are left alone. Raises MlsystemError,
    before anything is written, where a link would lead out of `folder`."""
    _check_links(tree, folder)
    for artifact in tree:
        path = folder / artifact.path
        if not path.exists() or path.read_bytes() != artifact.content.encode():
            write_atomically(path, artifact.content)


def _check_links(tree: ArtifactTree, folder: Path) -> None:
    between = {above for artifact in tree for above in PurePosixPath(artifact.path).parents if above.parts}
    link = next((path for path in sorted(between) if (folder / path).is_symlink()), None)
    if link is not None:
        raise MlsystemError(
            f"{folder / link} is a link: what is generated below it would be written somewhere else",
            f"remove the link, and a folder takes its place: rm {folder / link}",
        )


def remove_others(tree: ArtifactTree, folder: Path) -> None:
    """Takes away what is not in the tree: only for a folder that is ours alone."""
    wanted = {folder / artifact.path for artifact in tree}
    for path in sorted(folder.rglob("*")):
        if (path.is_file() or path.is_symlink()) and path not in wanted:
            path.unlink()
