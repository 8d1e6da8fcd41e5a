"""A system as the manifest remembers it: nodes, the values of their facets, and which facet of which node each reads.

A plan is the difference of two snapshots. Values are flat (`parameters.learning_rate` → 0.001), so that a plan can
say old → new, and an edge names the paths that it reads, so that a column nobody uses changes nothing downstream.
"""

from __future__ import annotations

import enum
from typing import Any

from mlsystem_runtime.contract.base import Struct, digest
from mlsystem_runtime.contract.identity import GROUP_SEMANTICS, SOURCE_SEMANTICS


class Facet(enum.StrEnum):
    DATA = "data"
    FEATURES = "features"
    FIT = "fit"
    EVALUATE = "evaluate"
    OPERATE = "operate"


class Kind(enum.StrEnum):
    SOURCE = "source"
    GROUP = "feature_group"
    DATASET = "dataset"
    MODEL = "model"
    EVALUATION = "evaluation"
    IMAGE = "image"
    ENDPOINT = "endpoint"
    MONITOR = "monitor"
    INFRASTRUCTURE = "infrastructure"


SEMANTICS: dict[Kind, int] = {
    **dict.fromkeys(Kind, 1), Kind.SOURCE: SOURCE_SEMANTICS, Kind.GROUP: GROUP_SEMANTICS,
    Kind.EVALUATION: 2,  # it exports the model
}
"""Raised when what a kind of node means changes: the only way in which a new version of this tool redoes work."""


class Edge(Struct):
    """This node's own facet `into` depends on `paths` (None: all; a path covers what is below it) of `facet` of `node`.

    A change travels along an edge without paths whether the upstream facet changed itself or was reached by another
    change; along an edge with paths only when one of these values itself changed. Who reads a part of a facet names
    what lies behind that part with edges of its own (a dataset reads two features of a group, and their columns).
    """

    into: Facet
    node: str
    facet: Facet
    paths: tuple[str, ...] | None = None

    def covers(self, path: str) -> bool:
        return self.paths is None or is_below(path, frozenset(self.paths))


def is_below(path: str, above: frozenset[str]) -> bool:
    """Whether `path` is one of these paths, or lies below one."""
    while path:
        if path in above:
            return True
        path = path.rpartition(".")[0]
    return False


class NodeSnapshot(Struct):
    """`id` is `kind.name`. `facets` holds flat values: path → JSON scalar or list of scalars."""

    id: str
    kind: Kind
    semantics: int
    facets: dict[Facet, dict[str, Any]]
    edges: tuple[Edge, ...]
    renamed_from: str | None = None

    @property
    def name(self) -> str:
        return self.id.partition(".")[2]


class SystemSnapshot(Struct):
    """Nodes in topological order: a node stands after every node that it reads."""

    name: str
    environment: str
    nodes: tuple[NodeSnapshot, ...]

    def node(self, node_id: str) -> NodeSnapshot:
        return next(node for node in self.nodes if node.id == node_id)


def fingerprint(snapshot: SystemSnapshot, node_id: str, facet: Facet) -> str:
    """Hashes a facet with everything it depends on: its own values, and what its edges read, transitively."""
    node = snapshot.node(node_id)
    return digest(
        {
            "semantics": [node.kind, node.semantics],
            "values": node.facets.get(facet, {}),
            "reads": [_read(snapshot, edge) for edge in node.edges if edge.into == facet],
        }
    )


def _read(snapshot: SystemSnapshot, edge: Edge) -> Any:
    if edge.paths is None:
        return fingerprint(snapshot, edge.node, edge.facet)
    upstream = snapshot.node(edge.node)
    values = upstream.facets.get(edge.facet, {})
    wanted = frozenset(edge.paths)
    return {
        "semantics": [upstream.kind, upstream.semantics],
        "values": {path: value for path, value in values.items() if is_below(path, wanted)},
    }
