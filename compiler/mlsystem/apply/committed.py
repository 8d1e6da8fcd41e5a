"""Generated files that are committed beside the spec: written whole, and compared with what the spec compiles to.

`.generated.json` in the folder says which version wrote what, so that a file of an older tree can be taken away and one
that was edited by hand is told from one that is out of date.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Literal, NamedTuple

from mlsystem.apply.files import remove_others, write_tree
from mlsystem.compile import Compiled
from mlsystem.emit.github import PLACES
from mlsystem.emit.tree import Artifact, ArtifactTree
from mlsystem.errors import MlsystemError
from mlsystem.system.review import way_up
from mlsystem_runtime.contract.base import Struct, pretty_json
from mlsystem_runtime.contract.workspace import read_struct, write_atomically

FOLDER, RECORD = "generated", ".generated.json"
FORMAT = 1
CACHES = "__pycache__"


class Record(Struct):
    """`files` are SHA-256 by path; `tool` is the version that wrote them, from `inputs`. `around` are paths of what was
    written into the repository's folder, of which `inside` is that of the spec (None: it is the same)."""

    format: int
    tool: str
    inputs: str
    files: dict[str, str]
    around: tuple[str, ...] = ()
    inside: str | None = None


class Difference(NamedTuple):
    """`path` is relative to the folder. `line` is the first that differs, from 1, as it is `old` and as it should be
    `new`; None of a file that is missing or extra. `by_hand`: its bytes are none that were ever written there."""

    kind: Literal["missing", "extra", "different"]
    path: str
    by_hand: bool = False
    line: int | None = None
    old: str = ""
    new: str = ""


def committed_folder(spec: Path, environment: str) -> Path:
    """Where an environment's files stand, for a review to see them."""
    return spec.parent / FOLDER / environment


def repository_folder(compiled: Compiled, spec: Path, folder: Path) -> Path:
    """Where `compiled.repository` stands; where the file has no `review` any more, what was written with `folder`."""
    review, record = compiled.system.review, read_record(folder)
    if review is not None:
        return spec.parent / review.root
    return spec.parent / way_up(None if record is None else record.inside)


def read_record(folder: Path) -> Record | None:
    """None where nothing was written, or something that is no record of this format."""
    try:
        record = read_struct(folder / RECORD, Record)
    except (FileNotFoundError, MlsystemError):
        return None
    return record if record.format == FORMAT else None


def write_committed(compiled: Compiled, folder: Path, tool: str) -> tuple[str, ...]:
    """Makes the folder hold the files. Takes away what was written there before and is no more; what was never
    generated is left alone. The paths of what was edited by hand, and is now as generated again."""
    before, tree = read_record(folder), compiled.tree
    edited = tuple(one.path for one in differences(compiled, folder) if one.by_hand and one.kind == "different")
    write_tree(tree, folder)
    known = set() if before is None else before.files.keys()
    for path in (known - tree.digests.keys()) & set(_there(folder)):  # nothing outside, whatever the record names
        (folder / path).unlink()
    around, review = tuple(compiled.repository.digests), compiled.system.review
    inside = None if review is None else review.folder
    record = Record(
        format=FORMAT, tool=tool, inputs=compiled.inputs, files=dict(tree.digests), around=around, inside=inside
    )
    write_atomically(folder / RECORD, pretty_json(record))
    return edited


def write_repository(compiled: Compiled, root: Path, folder: Path) -> list[str]:
    """Of the files whose place is the repository's folder `root`. Takes away what was written there with `folder` and
    is no more, and tells it: `write_committed` into `folder` forgets that, so it comes later."""
    left = _left(compiled, root, folder)
    write_tree(compiled.repository, root)
    for path in left:
        (root / path).unlink()
    return left


def hand_over(tree: ArtifactTree, folder: Path) -> None:
    """Makes the folder hold the files and nothing else; the record stays where it speaks of these very files."""
    record = read_record(folder)
    write_tree(tree, folder)
    remove_others(tree, folder)
    if record is not None and record.files == tree.digests:
        write_atomically(folder / RECORD, pretty_json(record))


def differences(compiled: Compiled, folder: Path) -> Iterator[Difference]:
    """Every file in which `folder` is not what the spec compiles to, by path. Empty folders and caches of Python's are
    nothing."""
    record = read_record(folder)
    written = {} if record is None else record.files
    wanted = {one.path: one for one in compiled.tree}
    for path in sorted(wanted.keys() | set(_there(folder))):
        if path not in wanted:
            yield Difference("extra", path, by_hand=path not in written)
        elif (found := _difference(folder / path, wanted[path], written)) is not None:
            yield found


def repository_differences(compiled: Compiled, root: Path, folder: Path) -> Iterator[Difference]:
    """Of the files whose place is the repository's folder `root`, which holds others too: of those, what was written
    with `folder` is extra."""
    found = (_difference(root / one.path, one, {}) for one in compiled.repository)
    yield from (one for one in found if one is not None)
    yield from (Difference("extra", path) for path in _left(compiled, root, folder))


def _left(compiled: Compiled, root: Path, folder: Path) -> list[str]:
    """What a review had written, and this one does not write: nothing elsewhere, whatever the record names and links
    lead to."""
    record = read_record(folder)
    if record is None:
        return []
    real = root.resolve()
    found = (path for place in PLACES for path in real.glob(place))
    there = {path.relative_to(real).as_posix() for path in found if path == path.resolve()}
    return sorted((set(record.around) - compiled.repository.digests.keys()) & there)


def _there(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and CACHES not in path.parts and path != folder / RECORD:
            yield path.relative_to(folder).as_posix()


def _difference(file: Path, wanted: Artifact, written: Mapping[str, str]) -> Difference | None:
    try:
        data = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return Difference("missing", wanted.path)
    if data == wanted.content.encode():
        return None
    by_hand = wanted.path in written and hashlib.sha256(data).hexdigest() != written[wanted.path]
    old, new = data.decode(errors="replace").split("\n"), wanted.content.split("\n")
    line, was, meant = next((at, *pair) for at, pair in enumerate(zip_longest(old, new), start=1) if pair[0] != pair[1])
    return Difference("different", wanted.path, by_hand, line, was or "", meant or "")
