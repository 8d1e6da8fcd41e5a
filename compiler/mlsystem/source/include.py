"""`include`: other files of the same language, merged key by key. Nothing may be written twice.

Patterns, and relative URIs inside an included file too, are relative to the folder of the root file.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mlsystem.diagnostics.report import Note, Report
from mlsystem.errors import MlsystemError
from mlsystem.source.document import Entry, Mapping, Scalar, Sequence
from mlsystem.source.read import read
from mlsystem.span import Span


class InputFile(NamedTuple):
    """A file that the compile depends on; `path` is relative to the root file's folder, with forward slashes."""

    path: str
    content: bytes


def read_with_includes(path: Path, report: Report) -> tuple[Mapping | None, tuple[InputFile, ...]]:
    """The root file merged with what it includes, in order. Raises MlsystemError when a file cannot be read."""
    content = _content(path)
    inputs = [InputFile(path.name, content)]
    root = read(content, str(path), report)
    if root is None:
        return None, tuple(inputs)
    merged: Mapping | None = root
    for relative in _included(root, path, report):
        content = _content(path.parent / relative)
        inputs.append(InputFile(relative, content))
        part = read(content, str(path.parent / relative), report)
        if part is None:
            merged = None
        elif merged is not None:
            merged = _merge(merged, part, report)
    return merged, tuple(inputs)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise MlsystemError(
            f"{path}: {reason}", "`mlsystem init` begins a new system; -f names another file"
        ) from error


def _included(root: Mapping, path: Path, report: Report) -> list[str]:
    """Paths relative to the root's folder, each once, in the order of the patterns, then of names."""
    entry = root.entries.get("include")
    if entry is None or not isinstance(entry.value, Sequence):
        return []  # a wrong type is told by the types of the language
    found: dict[str, None] = {}
    for item in entry.value.items:
        if isinstance(item, Scalar) and isinstance(item.value, str) and "${" not in item.value:
            for relative in _matches(item.value, item.span, path, report):
                found[relative] = None
    return list(found)


def _matches(pattern: str, span: Span, path: Path, report: Report) -> list[str]:
    pure = PurePosixPath(pattern)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts or "://" in pattern or "\0" in pattern:
        help = "patterns are relative to the folder of the root file and stay below it"
        report.error("MLS021", f"'{pattern}' is not a relative pattern", span, help)
        return []
    if any("**" in part and part != "**" for part in pure.parts):
        report.error("MLS021", f"'{pattern}' is not a pattern", span, "`**` stands alone between slashes")
        return []
    files = sorted(one.relative_to(path.parent).as_posix() for one in path.parent.glob(pattern) if one.is_file())
    if not files:
        report.error("MLS020", f"'{pattern}' names no file", span, f"looked in {path.parent}")
    return [relative for relative in files if relative != path.name]


def _merge(root: Mapping, part: Mapping, report: Report) -> Mapping:
    """Maps at the top merge by key; anything else, and any key below, may be written once."""
    entries = dict(root.entries)
    for name, entry in part.entries.items():
        there = entries.get(name)
        if name == "include":
            report.error(
                "MLS023", "an included file cannot include others", entry.key, "list the file in the root file"
            )
        elif there is None:
            entries[name] = entry
        elif isinstance(there.value, Mapping) and isinstance(entry.value, Mapping):
            entries[name] = Entry(there.key, _union(there.value, entry.value, name, report))
        elif name != "apiVersion" or not _equal(there, entry):
            _twice(name, there, entry, report)
    return Mapping(entries, root.span)


def _union(first: Mapping, second: Mapping, section: str, report: Report) -> Mapping:
    entries = dict(first.entries)
    for name, entry in second.entries.items():
        if name in entries:
            _twice(f"{section}.{name}", entries[name], entry, report)
        else:
            entries[name] = entry
    return Mapping(entries, first.span)


def _equal(first: Entry, second: Entry) -> bool:
    return (
        isinstance(first.value, Scalar) and isinstance(second.value, Scalar) and first.value.value == second.value.value
    )


def _twice(name: str, first: Entry, second: Entry, report: Report) -> None:
    notes = [Note("it is first written here", first.key)]
    report.error("MLS022", f"'{name}' is written in two files", second.key, "keep one of them", notes)
