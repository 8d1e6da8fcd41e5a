"""Two snapshots and what was seen of the data → the changes between them, each carried along the edges it travels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from mlsystem.plan.change import (
    AnyFileChange,
    AnyNodeChange,
    Because,
    DataChanged,
    FieldChange,
    FileAdded,
    FileChanged,
    FileRemoved,
    NodeAdded,
    NodeAffected,
    NodeChanged,
    NodeRemoved,
    NodeRenamed,
)
from mlsystem.plan.consequence import CREATED, REMOVED, Consequence, consequence_of
from mlsystem.state.manifest import Observation
from mlsystem.system.snapshot import Edge, Facet, Kind, NodeSnapshot, SystemSnapshot
from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.identity import CONTENT

SEMANTICS_PATH = "semantics"


@dataclass
class Moved:
    """What has changed so far, by (node, facet): the values that differ, and whether another change reached it."""

    own: dict[tuple[str, Facet], frozenset[str]] = field(default_factory=dict)
    reached: set[tuple[str, Facet]] = field(default_factory=set)

    def travels(self, edge: Edge) -> tuple[str, ...] | None:
        """The values by which a change goes along `edge` (none: all of the facet); None where nothing does."""
        at = (edge.node, edge.facet)
        own = self.own.get(at, frozenset())
        if edge.paths is None:
            return () if own or at in self.reached else None
        if SEMANTICS_PATH in own:
            return ()
        return tuple(sorted(path for path in own if edge.covers(path))) or None


def diff_nodes(
    old: SystemSnapshot | None,
    new: SystemSnapshot,
    before: tuple[Observation, ...] = (),
    now: tuple[Observation, ...] = (),
) -> tuple[AnyNodeChange, ...]:
    """Every change from `old` (None: nothing was applied) to `new`, in the order of the graph; removed nodes last."""
    previous = {} if old is None else {node.id: node for node in old.nodes}
    origin = dict(_renamed(previous, new))
    renames = {old_id: new_id for new_id, old_id in origin.items()}
    seen = {one.source: one.digest for one in before}
    sees = {one.source: one.digest for one in now}
    moved, changes = Moved(), list[AnyNodeChange]()

    for node in new.nodes:
        was = previous.get(origin.get(node.id, node.id))
        if was is None:
            changes += _added(node, moved)
            continue
        if was.id != node.id:
            changes.append(NodeRenamed(node=node.id, kind=node.kind, consequence=Consequence.RECONFIGURE, old=was.id))
        changes += _changed(was, node, renames, moved)
        if node.kind is Kind.SOURCE:
            changes += _data(node, seen.get(was.name), sees.get(node.name), moved)
        changes += _affected(node, moved)

    kept = {origin.get(node.id, node.id) for node in new.nodes}
    gone = [node for node in previous.values() if node.id not in kept]
    changes += [NodeRemoved(node=node.id, kind=node.kind, consequence=REMOVED[node.kind]) for node in gone]
    return tuple(changes)


def diff_files(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[AnyFileChange, ...]:
    """Generated files by digest, sorted by path."""
    changes: list[AnyFileChange] = []
    for path in sorted(old.keys() | new.keys()):
        if path not in old:
            changes.append(FileAdded(path=path))
        elif path not in new:
            changes.append(FileRemoved(path=path))
        elif old[path] != new[path]:
            changes.append(FileChanged(path=path))
    return tuple(changes)


def _renamed(previous: Mapping[str, NodeSnapshot], new: SystemSnapshot) -> Iterator[tuple[str, str]]:
    """(new, old): a rename counts once, while the old name stands in the state and is not written any more."""
    written = {node.id for node in new.nodes}
    for node in new.nodes:
        old = node.renamed_from
        if old is not None and old in previous and old not in written and node.id not in previous:
            yield node.id, old


def _added(node: NodeSnapshot, moved: Moved) -> Iterator[AnyNodeChange]:
    for facet in Facet:
        moved.own[node.id, facet] = frozenset({SEMANTICS_PATH, *node.facets.get(facet, {})})
    yield NodeAdded(node=node.id, kind=node.kind, consequence=CREATED[node.kind])


def _changed(
    was: NodeSnapshot, node: NodeSnapshot, renames: Mapping[str, str], moved: Moved
) -> Iterator[AnyNodeChange]:
    used = {*node.facets, *was.facets, *(edge.into for edge in (*node.edges, *was.edges))} or {Facet.OPERATE}
    for facet in Facet:
        fields = _fields(_values(was, facet, renames), _values(node, facet, {}))
        if not fields:
            continue
        paths = frozenset(one.path for one in fields)
        moved.own[node.id, facet] = paths
        if facet in used:
            consequence = consequence_of(node.kind, facet, paths)
            yield NodeChanged(node=node.id, kind=node.kind, consequence=consequence, facet=facet, fields=fields)


def _values(node: NodeSnapshot, facet: Facet, renames: Mapping[str, str]) -> dict[str, Any]:
    """All that decides a facet itself: its values, the meaning of its kind, and what it reads, under current names."""
    values = {SEMANTICS_PATH: node.semantics, **node.facets.get(facet, {})}
    for edge in (edge for edge in node.edges if edge.into == facet):
        path = f"reads.{renames.get(edge.node, edge.node)}.{edge.facet}"
        read = ["*"] if edge.paths is None else list(edge.paths)
        values[path] = sorted({*values.get(path, []), *read})
    return values


def _fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(path=path, old=old.get(path, msgspec.UNSET), new=new.get(path, msgspec.UNSET))
        for path in sorted(old.keys() | new.keys())
        if path not in old or path not in new or canonical_json(old[path]) != canonical_json(new[path])
    )


def _data(node: NodeSnapshot, was: str | None, now: str | None, moved: Moved) -> Iterator[AnyNodeChange]:
    if was is None or now is None or was == now:
        return
    moved.own[node.id, Facet.DATA] = moved.own.get((node.id, Facet.DATA), frozenset()) | {CONTENT}
    yield DataChanged(node=node.id, kind=node.kind, consequence=Consequence.RE_INGEST, old=was, new=now)


def _affected(node: NodeSnapshot, moved: Moved) -> Iterator[AnyNodeChange]:
    for facet in Facet:
        reasons = tuple(
            Because(node=edge.node, facet=edge.facet, paths=paths)
            for edge in node.edges
            if edge.into == facet and (paths := moved.travels(edge)) is not None
        )
        if not reasons:
            continue
        moved.reached.add((node.id, facet))
        if (node.id, facet) not in moved.own and any(reason.node != node.id for reason in reasons):
            consequence = consequence_of(node.kind, facet, frozenset())
            yield NodeAffected(node=node.id, kind=node.kind, consequence=consequence, facet=facet, because=reasons)
