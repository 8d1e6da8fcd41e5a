"""Kubernetes objects as plain YAML, one a file: what a reviewer reads, linters check, and GitOps applies.

Written so that readers of YAML 1.1 and 1.2 see the same: a text that either would take for something else is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from mlsystem.emit.kubernetes.objects import Body, KubernetesObject
from mlsystem.emit.tree import Artifact

FIRST = ("apiVersion", "kind", "metadata", "type", "immutable")
PLAIN = re.compile(r"(-{0,2}[A-Za-z_/])([\w./@%+=,() -]|:(?! ))*(?<![: ])|[1-9][0-9]*(m|Ki|Mi|Gi|Ti)", re.ASCII)
"""A word, an option, a quantity."""

WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
"""What some reader of YAML takes for a boolean, a null or a number, in whatever case."""

ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def emit_manifests(objects: Iterable[KubernetesObject]) -> tuple[Artifact, ...]:
    return tuple(Artifact(one.path, manifest(one.body), origin=one.origin) for one in objects)


def manifest(body: Body) -> str:
    """What identifies an object comes first; below that, keys stand as their emitter wrote them."""
    ordered = {key: body[key] for key in FIRST if key in body}
    return "\n".join(block({**ordered, **body}, "")) + "\n"


def block(value: Any, indent: str) -> Iterator[str]:
    """The lines of a map or list that is not empty."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from entry(f"{indent}{text(key)}:", one, indent + "  ")
    else:
        for one in value:
            yield from item(one, indent)


def entry(key: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, (dict, list)) and value:
        yield key
        yield from block(value, indent)
    elif isinstance(value, str) and is_literal(value):
        yield f"{key} |" + ("" if value.endswith("\n") else "-")
        lines = value.removesuffix("\n").split("\n")
        yield "\n".join(f"{indent}{line}" if line else "" for line in lines)  # as one: there may be thousands
    else:
        yield f"{key} {scalar(value)}"


def item(value: Any, indent: str) -> Iterator[str]:
    """The first line of what an item holds stands behind its dash."""
    if isinstance(value, (dict, list)) and value:
        first, *others = block(value, indent + "  ")
        yield f"{indent}- {first.removeprefix(indent + '  ')}"
        yield from others
    else:
        yield f"{indent}- {scalar(value)}"


def scalar(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return text(value)
        case {} | []:
            return "{}" if isinstance(value, dict) else "[]"
        case _:
            raise AssertionError(f"{type(value)} is no value of a Kubernetes object")


def text(value: str) -> str:
    if PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    return f'"{"".join(escaped(one) for one in value)}"'


def escaped(character: str) -> str:
    if character in ESCAPES:
        return ESCAPES[character]
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def is_literal(value: str) -> bool:
    """Whether it can stand as it is, line by line: then a reviewer sees which line changes."""
    lines = value.removesuffix("\n").split("\n")
    return (
        len(lines) > 1
        and all(line.isprintable() for line in lines)
        and not lines[0].startswith(" ")
        and bool(lines[0] and lines[-1])
    )
