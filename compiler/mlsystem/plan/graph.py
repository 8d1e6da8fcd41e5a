"""A system's graph, for people and for programs that draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlsystem.system.snapshot import NodeSnapshot, SystemSnapshot


def reads(node: NodeSnapshot) -> list[str]:
    """The nodes that `node` reads, each once; its own facets aside."""
    return list(dict.fromkeys(edge.node for edge in node.edges if edge.node != node.id))


def graph_text(snapshot: SystemSnapshot) -> str:
    """One line a node, in an order in which they can be made."""
    width = max(len(node.id) for node in snapshot.nodes)
    lines = (f"{node.id:<{width}}  {'← ' + ', '.join(reads(node)) if reads(node) else ''}" for node in snapshot.nodes)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def graph_dot(snapshot: SystemSnapshot) -> str:
    edges = "".join(f'  "{read}" -> "{node.id}";\n' for node in snapshot.nodes for read in reads(node))
    nodes = "".join(f'  "{node.id}";\n' for node in snapshot.nodes)
    return f'digraph "{snapshot.name}" {{\n  rankdir=LR;\n  node [shape=box];\n{nodes}{edges}}}\n'


def graph_mermaid(snapshot: SystemSnapshot) -> str:
    numbers = {node.id: f"n{index}" for index, node in enumerate(snapshot.nodes)}
    nodes = "".join(f'  {numbers[node.id]}["{node.id}"]\n' for node in snapshot.nodes)
    pairs = ((read, node.id) for node in snapshot.nodes for read in reads(node))
    return f"flowchart LR\n{nodes}" + "".join(f"  {numbers[read]} --> {numbers[node]}\n" for read, node in pairs)


GRAPHS: Mapping[str, Callable[[SystemSnapshot], str]] = {
    "text": graph_text,
    "dot": graph_dot,
    "mermaid": graph_mermaid,
}
