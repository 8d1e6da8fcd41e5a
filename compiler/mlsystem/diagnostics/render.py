"""Shows diagnostics: text with excerpt and caret for people, JSON for programs."""

from __future__ import annotations

import json
from typing import Any

from mlsystem.diagnostics.report import Diagnostic, Note, Report, Severity
from mlsystem.span import Span

FORMAT = 1
WIDTH = 160
"""Excerpts longer than this are cut around the place that is meant."""

_RED, _YELLOW, _BLUE, _BOLD, _RESET = "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m"
_TINT: dict[Severity, str] = {"error": _RED, "warning": _YELLOW}


def render_text(report: Report, *, color: bool = False) -> str:
    """All diagnostics and a line that counts them; empty where there are none."""
    found = report.diagnostics
    if not found:
        return ""
    blocks = [_block(report, diagnostic, color) for diagnostic in found]
    return "\n\n".join([*blocks, _summary(found)]) + "\n"


def render_json(report: Report) -> str:
    """One object, one line: `format_version`, counts, and `diagnostics` in the order of `render_text`."""
    found = report.diagnostics
    document = {
        "format_version": FORMAT,
        "errors": sum(one.severity == "error" for one in found),
        "warnings": sum(one.severity == "warning" for one in found),
        "diagnostics": [_object(report, one) for one in found],
    }
    return json.dumps(document, ensure_ascii=False) + "\n"


def _block(report: Report, diagnostic: Diagnostic, color: bool) -> str:
    tint, bold, blue, reset = (_TINT[diagnostic.severity], _BOLD, _BLUE, _RESET) if color else ("", "", "", "")
    head = f"{tint}{diagnostic.severity}[{diagnostic.code}]{reset}{bold}: {report.shown(diagnostic.message)}{reset}"
    gutter = " " * (len(str(diagnostic.span.line)) if diagnostic.span else 1)
    lines = [head]
    if diagnostic.span is not None:
        lines.append(f"{gutter}{blue}-->{reset} {diagnostic.span}")
        lines.extend(_excerpt(report, diagnostic.span, gutter, tint, blue, reset))
    lines.extend(f"{gutter} {blue}={reset} note: {_note(report, note)}" for note in diagnostic.notes)
    if diagnostic.help:
        lines.append(f"{gutter} {blue}={reset} help: {report.shown(diagnostic.help)}")
    return "\n".join(lines)


def _excerpt(report: Report, span: Span, gutter: str, tint: str, blue: str, reset: str) -> list[str]:
    text = report.line(span.file, span.line)
    if text is None:
        return []
    end = span.end_column if span.end_line == span.line else len(text) + 1
    start, width = span.column - 1, max(1, min(end, len(text) + 1) - span.column)
    text, start, width = _cut(text.replace("\t", " "), start, width)
    return [
        f"{gutter} {blue}|{reset}",
        f"{blue}{span.line} |{reset} {text}",
        f"{gutter} {blue}|{reset} {' ' * start}{tint}{'^' * width}{reset}",
    ]


def _cut(text: str, start: int, width: int) -> tuple[str, int, int]:
    if len(text) <= WIDTH:
        return text.rstrip(), start, width
    left = max(0, min(start - 20, len(text) - WIDTH))
    prefix, suffix = ("…" if left else ""), ("…" if left + WIDTH < len(text) else "")
    shown = prefix + text[left : left + WIDTH] + suffix
    offset = start - left + len(prefix)
    return shown.rstrip(), offset, max(1, min(width, len(shown) - offset))


def _note(report: Report, note: Note) -> str:
    place = f" ({note.span})" if note.span else ""
    return report.shown(note.message) + place


def _summary(found: tuple[Diagnostic, ...]) -> str:
    errors = sum(one.severity == "error" for one in found)
    warnings = len(found) - errors
    parts = [_count(errors, "error")] * bool(errors) + [_count(warnings, "warning")] * bool(warnings)
    first = next((one.code for one in found if one.severity == "error"), found[0].code)
    return f"{' and '.join(parts)}; `mlsystem explain {first}` says more"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _object(report: Report, diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": report.shown(diagnostic.message),
        "file": diagnostic.span.file if diagnostic.span else None,
        "range": _range(diagnostic.span),
        "help": report.shown(diagnostic.help) if diagnostic.help else None,
        "notes": [
            {
                "message": report.shown(note.message),
                "file": note.span.file if note.span else None,
                "range": _range(note.span),
            }
            for note in diagnostic.notes
        ],
    }


def _range(span: Span | None) -> dict[str, dict[str, int]] | None:
    if span is None:
        return None
    return {
        "start": {"line": span.line, "column": span.column},
        "end": {"line": span.end_line, "column": span.end_column},
    }
