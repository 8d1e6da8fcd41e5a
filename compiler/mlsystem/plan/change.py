"""Everything that can differ between what was applied and what is meant: a tagged union over nodes and files."""

from __future__ import annotations

from typing import Any

import msgspec

from mlsystem.plan.consequence import Consequence
from mlsystem.system.snapshot import Facet, Kind
from mlsystem_runtime.contract.base import Struct


class FieldChange(Struct, omit_defaults=True):
    """One value of a facet; a side that is not there is left out."""

    path: str
    old: Any = msgspec.UNSET
    new: Any = msgspec.UNSET


class Because(Struct):
    """The change that reached a node: of `facet` of `node`; `paths` are the values read there, none for all."""

    node: str
    facet: Facet
    paths: tuple[str, ...] = ()


class Change(Struct, tag_field="change"):
    """The base of all changes."""


class NodeChange(Change):
    """A change to one node, `kind.name`, and what it costs."""

    node: str
    kind: Kind
    consequence: Consequence

    @property
    def name(self) -> str:
        return self.node.partition(".")[2]


class NodeAdded(NodeChange, tag="added"):
    """The node is new."""


class NodeRemoved(NodeChange, tag="removed"):
    """The node is no longer written."""


class NodeRenamed(NodeChange, tag="renamed"):
    """The node goes on under another name, with all that was made for it."""

    old: str


class NodeChanged(NodeChange, tag="changed"):
    """Values of one of the node's facets differ. What a facet reads counts among them, as `reads.NODE.FACET`."""

    facet: Facet
    fields: tuple[FieldChange, ...]


class DataChanged(NodeChange, tag="data"):
    """The content of a source is not what was last applied; SHA-256 of each."""

    old: str
    new: str


class NodeAffected(NodeChange, tag="affected"):
    """The node itself is as it was, but reads something that is not."""

    facet: Facet
    because: tuple[Because, ...]


class ProcessStopped(Change, tag="process"):
    """A process that should be up is not."""

    process: str


class WorkspaceLost(Change, tag="workspace_lost"):
    """All that the environment had made is gone, though nobody destroyed it."""

    workspace: str


class FileAdded(Change, tag="file_added"):
    path: str


class FileRemoved(Change, tag="file_removed"):
    path: str


class FileChanged(Change, tag="file_changed"):
    path: str


AnyNodeChange = NodeAdded | NodeRemoved | NodeRenamed | NodeChanged | DataChanged | NodeAffected
AnyFileChange = FileAdded | FileRemoved | FileChanged
AnyChange = AnyNodeChange | ProcessStopped | WorkspaceLost | AnyFileChange


def node_changes(changes: tuple[AnyChange, ...]) -> tuple[AnyNodeChange, ...]:
    return tuple(change for change in changes if isinstance(change, NodeChange))


def told(change: AnyNodeChange) -> bool:
    """Whether people are told: not of a node that is as it was, and that nothing is done to."""
    return not (isinstance(change, NodeAffected) and change.consequence is Consequence.NOTHING)


def heaviest(changes: tuple[AnyChange, ...]) -> dict[str, Consequence]:
    """The heaviest consequence of each node that changes, in the order of the changes."""
    found: dict[str, Consequence] = {}
    for change in node_changes(changes):
        before = found.get(change.node, Consequence.NOTHING)
        found[change.node] = max(before, change.consequence, key=lambda consequence: consequence.weight)
    return found
