"""What the YAML parser complains about, in the words of somebody who wrote a file."""

from __future__ import annotations

from typing import Any

import yaml

from mlsystem.diagnostics.report import Note, Report
from mlsystem.span import Span

_WORDS: tuple[tuple[str, str, str], ...] = (
    ("mapping values are not allowed", "a `:` where none can stand",
     "indent the line like its neighbours, and put a text that contains `: ` in quotes"),
    ("could not find expected ':'", "a key without `:`", "write `key: value`, with a space after the colon"),
    ("did not find expected ',' or ']'", "a list that is not closed", "close it with `]`, and put `,` between items"),
    ("did not find expected ',' or '}'", "a map that is not closed",
     "close it with `}`, put `,` between entries, and put a text with `?`, `:` or `,` in quotes"),
    ("did not find expected key", "this does not fit what stands above it", "indent the line like its neighbours"),
    ("did not find expected '-' indicator", "this does not fit the list above it",
     "indent the line like the items of the list, and begin it with `- `"),
    ("unexpected end of stream", "a quoted text that is not closed", "close it with the same quote"),
    ("unknown escape character", "an unknown escape in a quoted text", "use single quotes, or write \\\\ for \\"),
    ("block sequence entries are not allowed", "a list item where none can stand", "begin the list on its own line"),
    ("did not find expected alphabetic or numeric", "a text that begins with * or & needs quotes", 'write "*"'),
    ("did not find expected <document start>", "this does not fit what stands above it",
     "indent the line like its neighbours"),
    ("did not find expected node content", "a value is missing here", "write the value, or put the text in quotes"),
)  # fmt: skip


def explain_syntax(error: yaml.YAMLError, text: str, file: str, report: Report) -> None:
    """Reports where and why the text stopped being YAML."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or "")
    span = _span(mark, file)
    character = _character(text, mark)
    if character == "\t" or "tab" in problem:
        report.error("MLS003", "a tab cannot be used for indentation", span, "use spaces")
        return
    if "alphabetic or numeric" in problem:
        report.error("MLS005", "a text that begins with * or & needs quotes", span, 'write "*"')
        return
    message, help = _words(problem, character)
    begun = getattr(error, "context_mark", None)
    opened = _span(begun, file) if begun is not None else span
    if "not closed" in message:
        report.error("MLS002", message, opened, help, [Note("the end is missed here", span)])
    else:
        report.error("MLS002", message, span, help)


def _words(problem: str, character: str) -> tuple[str, str]:
    if "cannot start any token" in problem:
        return f"a text cannot begin with {character}", "put the text in quotes"
    for fragment, message, help in _WORDS:
        if fragment in problem:
            return message, help
    return "the text is not YAML from here on", "check the indentation, quotes and brackets up to here"


def _character(text: str, mark: Any) -> str:
    lines = text.splitlines()
    if mark is None or mark.line >= len(lines) or mark.column >= len(lines[mark.line]):
        return ""
    return str(lines[mark.line][mark.column])


def _span(mark: Any, file: str) -> Span:
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return Span(file, line, column, line, column + 1)
