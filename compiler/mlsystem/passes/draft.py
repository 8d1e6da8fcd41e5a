"""What the passes hand on: the spec, and what has been resolved of it so far. A part with a mistake is left out, so
that later passes speak only of their own problems; `finish` runs when there was none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mlsystem.diagnostics.report import Report
from mlsystem.diagnostics.suggest import help_among
from mlsystem.span import Span
from mlsystem.spec.parse import Loaded
from mlsystem.spec.system import SystemSpec
from mlsystem.system.nodes import CodeNode, ModelNode, System
from mlsystem.system.target import Target
from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.columns import Column, Source
from mlsystem_runtime.contract.expressions import ExpressionError, Typed, compile_expression
from mlsystem_runtime.contract.features import AnyGroup

Path = tuple[str | int, ...]


class Draft(Struct):
    """`sources`, `groups` and `models` hold what was resolved without a mistake, by name."""

    spec: SystemSpec
    environment: str
    sources: Mapping[str, Source] = {}
    groups: Mapping[str, AnyGroup] = {}
    models: Mapping[str, ModelNode] = {}
    code: CodeNode | None = None
    target: Target | None = None
    system: System | None = None


class Problems(Struct):
    """Where passes report: a place is named by its path in the spec, and found in the file that it was written in."""

    report: Report
    loaded: Loaded

    @property
    def errors(self) -> int:
        """How many there are so far: a pass compares it to know whether a part was resolved without a mistake."""
        return sum(diagnostic.severity == "error" for diagnostic in self.report.diagnostics)

    def span(self, path: Path, *, key: bool = False) -> Span:
        return self.loaded.span(*path, key=key)

    def error(self, code: str, message: str, path: Path, help: str | None = None, *, key: bool = False) -> None:
        self.report.error(code, message, self.span(path, key=key), help=help)

    def warning(self, code: str, message: str, path: Path, help: str | None = None, *, key: bool = False) -> None:
        self.report.warning(code, message, self.span(path, key=key), help=help)

    def known(self, code: str, what: str, name: str, names: Iterable[str], path: Path, *, key: bool = False) -> bool:
        """Whether `name` is one of `names`; if not, says so and what may have been meant."""
        among = list(names)
        if name in among:
            return True
        self.error(code, what, path, help_among(name, among), key=key)
        return False

    def expression(self, text: str, columns: Mapping[str, Column], path: Path) -> Typed | None:
        """The typed expression, or None after pointing at the part of the text that is wrong."""
        try:
            return compile_expression(text, columns)
        except ExpressionError as error:
            span = self.loaded.span(*path).part(error.start, error.end)
            self.report.error("MLS301", error.message, span, help=error.hint)
            return None


Pass = Callable[[Draft, Problems], Draft]
