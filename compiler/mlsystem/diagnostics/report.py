"""Collects a phase's problems."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from mlsystem.span import Span

Severity = Literal["error", "warning"]

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what ends a line for the YAML reader, so that numbers agree
_CONTROL = dict.fromkeys((*range(9), *range(10, 32), *range(127, 160)), "�")


class Note(NamedTuple):
    """Something else to look at, such as where the first of two was written."""

    message: str
    span: Span | None = None


class Diagnostic(NamedTuple):
    code: str
    severity: Severity
    message: str
    span: Span | None
    help: str | None = None
    notes: tuple[Note, ...] = ()


class Report:
    """Diagnostics of one compile, with the texts that their excerpts are cut from."""

    def __init__(self) -> None:
        self._found: dict[Diagnostic, None] = {}
        self._texts: dict[str, str] = {}
        self._lines: dict[str, list[str]] = {}  # of those from which an excerpt was cut
        self._hidden: set[str] = set()

    def error(
        self, code: str, message: str, span: Span | None, help: str | None = None, notes: Iterable[Note] = ()
    ) -> None:
        self.add(Diagnostic(code, "error", message, span, help, tuple(notes)))

    def warning(
        self, code: str, message: str, span: Span | None, help: str | None = None, notes: Iterable[Note] = ()
    ) -> None:
        self.add(Diagnostic(code, "warning", message, span, help, tuple(notes)))

    def add(self, diagnostic: Diagnostic) -> None:
        """The same diagnostic twice is one."""
        from mlsystem.diagnostics.codes import CODES  # the texts weigh, and a good file needs none

        assert diagnostic.code in CODES, f"{diagnostic.code} is not in the table of codes"
        self._found[diagnostic] = None

    def add_text(self, file: str, text: str) -> None:
        """Excerpts of `file` are cut from `text`."""
        self._texts[file] = text
        self._lines.pop(file, None)

    def hide(self, text: str) -> None:
        """`text` is never shown: a credential that somebody wrote into the file."""
        self._hidden.add(text)

    @property
    def has_errors(self) -> bool:
        return any(diagnostic.severity == "error" for diagnostic in self._found)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """In the order of the files as they were read, then of lines and columns."""
        order = {file: index for index, file in enumerate(self._texts)}
        return tuple(sorted(self._found, key=lambda one: _place(one, order)))

    def without_warnings(self) -> Report:
        """Its errors, and the texts that their excerpts are cut from."""
        found = Report()
        found._found = {one: None for one in self._found if one.severity == "error"}
        found._texts, found._hidden = self._texts, self._hidden
        return found

    def line(self, file: str, number: int) -> str | None:
        """Line `number` (from 1) with what must not be shown blotted out, or None where there is none."""
        lines = self._lines.get(file)
        if lines is None:
            lines = self._lines[file] = _LINE_BREAK.split(self._texts.get(file, ""))
        return self.shown(lines[number - 1]) if 0 < number <= len(lines) else None

    def shown(self, text: str) -> str:
        """`text` without what must not be shown, and without what would steer a terminal."""
        text = text.translate(_CONTROL)
        for hidden in self._hidden:
            text = text.replace(hidden, "*" * len(hidden))
        return text


def _place(diagnostic: Diagnostic, order: dict[str, int]) -> tuple[int, int, int, str, str]:
    span = diagnostic.span
    if span is None:
        return (-1, 0, 0, diagnostic.code, diagnostic.message)
    return (order.get(span.file, len(order)), span.line, span.column, diagnostic.code, diagnostic.message)
