"""The source map: from a node to the line of the spec that it comes from. Lines are in no artifact, so it is made
again when somebody asks, which is when something went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from mlsystem.diagnostics.report import Report
from mlsystem.source.document import Part
from mlsystem.spec.parse import Loaded, load
from mlsystem.system.snapshot import Kind

SECTIONS: Mapping[Kind, tuple[Part, ...]] = {
    Kind.MODEL: ("training",), Kind.EVALUATION: ("evaluation",), Kind.ENDPOINT: ("serving",),
    Kind.MONITOR: ("monitoring",), Kind.DATASET: ("features",),
}  # fmt: skip
"""Of a model."""


def source_map(spec: Path, environment: str, environ: Mapping[str, str]) -> Callable[[str], str | None]:
    """A function from a node's id to `mlsystem.yaml:12`; None for what comes from no line."""

    @cache
    def loaded() -> Loaded | None:
        return load(spec, environment, Report(), environ)

    def line(node: str) -> str | None:
        document = loaded()
        if document is None or not node:
            return None
        span = document.span(*path_of(node, environment))
        return f"{span.file}:{span.line}"

    return line


def path_of(node: str, environment: str) -> tuple[Part, ...]:
    """Where a node is written; what is nowhere written is its nearest ancestor's."""
    written, _, name = node.partition(".")
    match Kind(written):
        case Kind.SOURCE:
            return ("sources", name)
        case Kind.GROUP:
            return ("features", name)
        case Kind.IMAGE:
            return ("environments", environment, "images")
        case Kind.INFRASTRUCTURE:
            return ("environments", environment)
        case kind:
            return ("models", name, *SECTIONS[kind])
