"""Where the state of an environment is: as the file says, or, where that is not known, as this machine remembers."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from mlsystem.compile import Compiled
from mlsystem.errors import MlsystemError
from mlsystem.state.manifest import Manifest
from mlsystem.state.s3 import S3Store, copy_in
from mlsystem.state.store import FOLDER, FileStore, StateStore


def declared_store(compiled: Compiled, spec: Path) -> StateStore:
    """Raises MlsystemError where this machine knows of another place that still holds the state."""
    name, declared = compiled.system.environment, compiled.system.state
    folder = folder_of(spec, name)
    copy = copy_in(folder)
    if copy is not None and copy.uri != declared and _in_bucket(copy.uri, folder).read() is not None:
        raise _elsewhere(name, copy.uri, declared)
    return FileStore(folder) if declared is None else _in_bucket(declared, folder)


def recorded_store(spec: Path, name: str) -> StateStore:
    folder = folder_of(spec, name)
    copy = copy_in(folder)
    return FileStore(folder) if copy is None else _in_bucket(copy.uri, folder)


def _in_bucket(uri: str, folder: Path) -> S3Store:
    if find_spec("boto3") is None:
        raise MlsystemError(f"{uri} cannot be read: boto3 is not installed", "pip install 'mlsystem[kubernetes]'")
    return S3Store(uri, folder)


def folder_of(spec: Path, name: str) -> Path:
    """What this machine keeps of an environment."""
    return spec.absolute().parent / FOLDER / name


def runs_in_a_cluster(store: StateStore, manifest: Manifest | None) -> bool:
    """Whether the last apply went to a cluster, by the files that it generated: a killed one leaves no manifest."""
    applied = () if manifest is None else manifest.files
    return any(path.startswith("images/") for path in applied) or (store.folder / "generated" / "images").is_dir()


def _elsewhere(name: str, uri: str, declared: str | None) -> MlsystemError:
    if declared is None:
        hint = f"say so again: environments.{name}.state: {uri}"
    else:
        hint = f"move it while nobody applies: aws s3 mv --recursive {uri} {declared}"
    return MlsystemError(f"the state of {name} is in {uri}, and the file says {declared or 'nothing of that'}", hint)
