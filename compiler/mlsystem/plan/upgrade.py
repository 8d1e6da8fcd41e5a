"""What another version of this tool changes by itself, told apart from what the author changed.

Where the author gave the same as was applied, every difference is the tool's. Where both differ, the spec as it was,
compiled by this version, says what this version alone would do. Without that, only what no change of the author's can
have touched is the tool's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mlsystem.plan.change import (
    AnyChange,
    AnyFileChange,
    AnyNodeChange,
    FileAdded,
    FileChanged,
    FileRemoved,
    NodeChanged,
    node_changes,
)
from mlsystem.plan.diff import SEMANTICS_PATH, diff_files, diff_nodes
from mlsystem.state.manifest import Manifest
from mlsystem.system.snapshot import Facet
from mlsystem_runtime.contract.base import Struct, canonical_json

if TYPE_CHECKING:
    from mlsystem.plan.plan import Desired

EVERYTHING = ("infrastructure.environment", "")
"""Whose files many nodes have a part in."""


@dataclass(frozen=True)
class Base:
    """The spec as it was, on the branch that a change is to be merged into: compiled by this version, and the SHA-256
    of the files that were committed beside it, by path."""

    desired: Desired
    committed: Mapping[str, str]

    def is_of(self, manifest: Manifest) -> bool:
        """Whether it is what was applied, by what was given or by what was made of it."""
        return self.desired.inputs == manifest.inputs or self.committed == manifest.files


class Upgrade(Struct):
    """`changes` are those that this version makes though the author changed nothing; `both` are the files that the
    author changed too. Not `exact`: what is not among them may be the tool's all the same."""

    before: str
    now: str
    changes: tuple[AnyChange, ...]
    both: tuple[str, ...] = ()
    exact: bool = True


def upgrade_of(
    manifest: Manifest | None, desired: Desired, tool: str, base: Base | None, changes: tuple[AnyChange, ...]
) -> Upgrade | None:
    """`changes` are all of the plan. None where no other version, and no other build of this one, differs."""
    if manifest is None:
        return None
    same = manifest.inputs is not None and manifest.inputs == desired.inputs
    known = desired if same else base.desired if base is not None and base.is_of(manifest) else None
    if known is not None:
        own = (*diff_nodes(manifest.snapshot, known.snapshot), *diff_files(manifest.files, known.files))
        if not own and manifest.tool == tool:
            return None
        of_author = {one.path for one in diff_files(known.files, desired.files)}
        both = tuple(one.path for one in file_changes(own) if one.path in of_author)
        return Upgrade(before=manifest.tool, now=tool, changes=own, both=both)
    if manifest.tool == tool:
        return None
    found = tuple(_certainly(changes, desired.origins))
    return Upgrade(before=manifest.tool, now=tool, changes=found, exact=False)


def _certainly(changes: tuple[AnyChange, ...], origins: Mapping[str, str]) -> Iterator[AnyChange]:
    """The meaning of a kind of node, which no author changes; files of nodes that are as they were."""
    for change in node_changes(changes):
        if isinstance(change, NodeChanged) and [one.path for one in change.fields] == [SEMANTICS_PATH]:
            yield change
    touched = {change.node for change in node_changes(changes)}
    for one in file_changes(changes):
        origin = origins.get(one.path, "")
        if isinstance(one, FileChanged) and origin not in EVERYTHING and origin not in touched:
            yield one


def file_changes(changes: Iterable[AnyChange]) -> tuple[AnyFileChange, ...]:
    return tuple(one for one in changes if isinstance(one, FileAdded | FileRemoved | FileChanged))


def authors(changes: tuple[AnyChange, ...], upgrade: Upgrade | None) -> tuple[AnyNodeChange, ...]:
    """What of the nodes the author changed, and what follows from that."""
    if upgrade is None:
        return node_changes(changes)
    tools = {_key(change) for change in node_changes(upgrade.changes)}
    values = {
        (change.node, change.facet, canonical_json(one))
        for change in node_changes(upgrade.changes)
        if isinstance(change, NodeChanged)
        for one in change.fields
    }
    return tuple(_without(change, values) for change in node_changes(changes) if _key(change) not in tools)


def _key(change: AnyNodeChange) -> bytes:
    return canonical_json(change)


def _without(change: AnyNodeChange, values: set[tuple[str, Facet, bytes]]) -> AnyNodeChange:
    if not isinstance(change, NodeChanged):
        return change
    fields = tuple(
        one for one in change.fields if (change.node, change.facet, canonical_json(one)) not in values
    )
    return replace(change, fields=fields or change.fields)


def of_author(changes: tuple[AnyChange, ...], upgrade: Upgrade | None) -> tuple[AnyFileChange, ...]:
    tools = set() if upgrade is None else {one.path for one in file_changes(upgrade.changes)} - set(upgrade.both)
    return tuple(one for one in file_changes(changes) if one.path not in tools)
