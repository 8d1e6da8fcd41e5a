"""A parsed file: maps, lists and scalars, each with its place. Values are never changed after they are made."""

from __future__ import annotations

from typing import Any, NamedTuple

from mlsystem.span import Span

Part = str | int


class Scalar(NamedTuple):
    """`value` is what YAML 1.2 makes of `text`, or a SecretRef; `plain` is False where it was quoted."""

    value: Any
    text: str
    span: Span
    plain: bool = True


class Mapping(NamedTuple):
    entries: dict[str, Entry]
    span: Span


class Sequence(NamedTuple):
    items: tuple[Node, ...]
    span: Span


class Entry(NamedTuple):
    """A value and the place of its key."""

    key: Span
    value: Node


Node = Scalar | Mapping | Sequence


def plain(node: Node) -> Any:
    """The value without places: dicts, tuples, scalars."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Mapping):
        return {name: plain(entry.value) for name, entry in node.entries.items()}
    return tuple(plain(item) for item in node.items)


def find(node: Node, path: tuple[Part, ...]) -> Node | None:
    """What stands at `path`, or None."""
    for part in path:
        if isinstance(node, Mapping) and part in node.entries:
            node = node.entries[str(part)].value
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
        else:
            return None
    return node


def locate(node: Node, path: tuple[Part, ...], *, key: bool = False) -> Span:
    """The place of the value at `path`, of its key if `key` or where the value begins on a line below its key.

    Where the path leads nowhere, the place of the key of the nearest ancestor.
    """
    place = named = _head(node)
    for part in path:
        if isinstance(node, Mapping) and part in node.entries:
            entry = node.entries[str(part)]
            node, named = entry.value, entry.key
            place = entry.value.span if entry.value.span.line == entry.key.line else entry.key
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            place = named = _head(node)
        else:
            return named
    return named if key else place


def _head(node: Node) -> Span:
    """A map or list over several lines is pointed at by its first key or item."""
    if node.span.line == node.span.end_line:
        return node.span
    if isinstance(node, Mapping) and node.entries:
        first = next(iter(node.entries.values())).key
        return first if first.line == node.span.line else node.span
    if isinstance(node, Sequence) and node.items:
        return _head(node.items[0]) if node.items[0].span.line == node.span.line else node.span
    return node.span
