"""Document → SystemSpec, and `load`: everything from the file's name to the spec of one environment."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as AbstractMapping
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from mlsystem.diagnostics.report import Diagnostic, Report
from mlsystem.diagnostics.suggest import help_among
from mlsystem.source.document import Entry, Mapping, Node, Part, Scalar, find, locate, plain
from mlsystem.source.include import InputFile, read_with_includes
from mlsystem.source.override import merge, without_nulls
from mlsystem.source.variables import Value, substitute, variable_values
from mlsystem.span import Span
from mlsystem.spec.environments import EnvironmentSpec
from mlsystem.spec.normalise import DEFAULT_ENVIRONMENT, normalise, normalise_override
from mlsystem.spec.review_fit import review_misfits
from mlsystem.spec.system import MODEL_KEYS, SUGAR, SystemSpec
from mlsystem.spec.targets import Misfit, misfits, no_use, shown, spot_elsewhere, unusable

OF_A_MAP = ("MLS101", "MLS113", "MLS114", "MLS115", "MLS117", "MLS118")
"""Codes that speak of a map as a whole: where the file has one of these, a merged map has it again."""


class Loaded(NamedTuple):
    """The spec of one environment, its override merged, with the places where everything was written."""

    spec: SystemSpec
    environment: str
    document: Mapping
    root: Path
    inputs: tuple[InputFile, ...]
    variables: AbstractMapping[str, Value]

    @property
    def settings(self) -> EnvironmentSpec:
        """What is declared of the chosen environment."""
        return self.spec.environments[self.environment]

    @property
    def unused(self) -> tuple[str, ...]:
        """What is written for clusters, where this is none, and for nodes that are made here, where they are not."""
        paths = unusable(self.spec) if self.settings.target == "local" else spot_elsewhere(self.spec, self.settings)
        return tuple(map(shown, paths))

    def span(self, *path: Part, key: bool = False) -> Span:
        """Where the value at `path` was written, or its key; of the nearest ancestor where nothing was written.

        Paths are those of the spec: ("models", "main", "training", "seed"), which for one model at the top may
        begin with "training".
        """
        if path and path[0] in MODEL_KEYS:
            path = (*SUGAR, *path)
        return locate(self.document, path, key=key)


def parse(document: Mapping, report: Report) -> SystemSpec | None:
    """The spec in a document without includes, variables and overrides; None after reporting every problem."""
    return _validate(normalise(document, report), report)


def load(path: Path, environment: str | None, report: Report, environ: AbstractMapping[str, str]) -> Loaded | None:
    """The spec for `environment` (None: the only one, or `dev`); None after reporting why there is none.

    Every environment of the file is checked, whichever is chosen. Raises MlsystemError when a file cannot be read.
    """
    loaded = load_all(path, report, environ)
    if report.has_errors or not loaded:
        return None
    names = [one.environment for one in loaded]
    chosen = environment or (names[0] if len(names) == 1 else DEFAULT_ENVIRONMENT)
    for one in loaded:
        if one.environment == chosen:
            return one
    place = loaded[0].span("environments", key=True)
    if environment is None:
        help = f"choose one with -e: {', '.join(names)}"
        report.error("MLS503", "there are several environments and none is called 'dev'", place, help)
    else:
        message = f"environment '{environment}' is not declared"
        report.error("MLS502", message, place, help_among(environment, names))
    return None


def load_all(path: Path, report: Report, environ: AbstractMapping[str, str]) -> tuple[Loaded, ...]:
    """The specs of all declared environments, in order; those with mistakes are left out after reporting them."""
    read, inputs = read_with_includes(path, report)
    if read is None:
        return ()
    values = variable_values(read, report, environ)
    root = normalise(substitute(read, values, report), report)
    base = _validate(root, report)
    found = []
    for name, entry in _environments(root):
        document, spec = root, base
        if (over := _override(entry.value)) is not None:
            document, spec = _overridden(root, over, report)
        if spec is not None and name in spec.environments:
            found.append(Loaded(spec, name, document, path.parent, inputs, values))
    for loaded in found:
        _fit(loaded, report)
    return tuple(found)


def _fit(loaded: Loaded, report: Report) -> None:
    """Reports what does not fit the target of an environment, and what no environment can use."""
    spec, name = loaded.spec, loaded.environment
    for one in (*misfits(spec, name), *review_misfits(spec, name), *_of_no_use(loaded)):
        report.error(one.code, one.message, loaded.span(*one.path, key=one.key), one.help)


def _of_no_use(loaded: Loaded) -> Iterator[Misfit]:
    """What only a cluster can use: where there is none, or where the override of one machine says it."""
    if loaded.settings.target != "local":
        return
    clusters = any(one.target != "local" for one in loaded.spec.environments.values())
    environment = find(loaded.document, ("environments", loaded.environment))
    over = None if environment is None else _override(environment)
    for path in unusable(loaded.spec):
        if not clusters or (over is not None and _inside(loaded.span(*path, key=True), over.span)):
            yield no_use(path)


def _environments(root: Mapping) -> list[tuple[str, Entry]]:
    environments = root.entries["environments"].value
    return list(environments.entries.items()) if isinstance(environments, Mapping) else []


def _override(environment: Node) -> Mapping | None:
    over = find(environment, ("override",))
    return over if isinstance(over, Mapping) and over.entries else None


def _overridden(root: Mapping, over: Mapping, report: Report) -> tuple[Mapping, SystemSpec | None]:
    """The merged document and its spec. What is wrong with the file itself has been reported already."""
    document = merge(root, normalise_override(without_nulls(over, report), root, report))
    merged = Report()
    spec = _validate(document, merged)
    before = {(one.code, one.message) for one in report.diagnostics}
    for one in merged.diagnostics:
        if _is_new(one, over.span, before):
            report.add(one)
    return document, spec


def _is_new(diagnostic: Diagnostic, over: Span, before: set[tuple[str, str]]) -> bool:
    assert diagnostic.span is not None, "validation always has a place"
    again = (diagnostic.code, diagnostic.message) in before
    return not again or (_inside(diagnostic.span, over) and diagnostic.code not in OF_A_MAP)


def _inside(span: Span, over: Span) -> bool:
    return span.file == over.file and over.line <= span.line <= over.end_line


def _validate(root: Mapping, report: Report) -> SystemSpec | None:
    empty = tuple(_nulls(root, ()))
    for path in empty:
        span = locate(root, path, key=isinstance(path[-1], str))
        report.error("MLS107", f"`{path[-1]}` has no value", span, "write the value, or remove the key for its default")
    try:
        spec = SystemSpec.model_validate(plain(root))
    except ValidationError as error:
        from mlsystem.spec.messages import report_errors  # weighs, and a good file needs none

        report_errors(error.errors(include_url=False), root, empty, report)
        return None
    return None if empty else spec


def _nulls(node: Node, path: tuple[Part, ...]) -> list[tuple[Part, ...]]:
    """The paths of all keys and items without a value; overrides are checked when they are merged."""
    if isinstance(node, Scalar):
        return [path] if node.value is None and path else []
    if isinstance(node, Mapping):
        below = ((name, entry.value) for name, entry in node.entries.items() if not _is_override(path, name))
        return [found for name, value in below for found in _nulls(value, (*path, name))]
    return [found for index, item in enumerate(node.items) for found in _nulls(item, (*path, index))]


def _is_override(path: tuple[Part, ...], name: str) -> bool:
    return len(path) == 2 and path[0] == "environments" and name == "override"
