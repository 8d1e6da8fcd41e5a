"""Text → document. Mistakes of the text are reported, never raised."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from mlsystem.diagnostics.report import Note, Report
from mlsystem.source.document import Entry, Mapping, Node, Scalar, Sequence
from mlsystem.source.scalars import resolve
from mlsystem.source.syntax import explain_syntax
from mlsystem.span import Span

DEPTH = 40
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read(data: bytes, file: str, report: Report) -> Mapping | None:
    """The document in `data`; None after reporting why there is none. `file` is the name that people see."""
    text = _decode(data, file, report)
    if text is None:
        return None
    report.add_text(file, text)
    bad = _FORBIDDEN.search(text)
    if bad is not None:
        message = f"the character U+{ord(bad[0]):04X} is not allowed in YAML"
        report.error("MLS012", message, _span_at(text, bad.start(), file), "remove it")
        return None
    try:
        return _Builder(yaml.parse(text, Loader=_LOADER), file, report).document()
    except _AbandonedError:
        return None
    except yaml.YAMLError as error:
        explain_syntax(error, text, file, report)
        return None


def _decode(data: bytes, file: str, report: Report) -> str | None:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8-sig", "replace")
        report.add_text(file, data.decode("utf-8-sig", "replace"))
        byte = f"0x{data[error.start]:02x}"
        report.error("MLS001", f"byte {byte} is not UTF-8", _span_at(good, len(good), file), "save the file as UTF-8")
        return None


def _span_at(text: str, offset: int, file: str) -> Span:
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return Span(file, line, column, line, column + 1)


class _AbandonedError(Exception):
    """The rest of the file cannot be read; the reason has been reported."""


class _Builder:
    """Builds nodes from the events of the YAML parser."""

    def __init__(self, events: Iterator[Any], file: str, report: Report) -> None:
        self._events = events
        self._file = file
        self._report = report

    def document(self) -> Mapping | None:
        next(self._events)  # the start of the stream
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            self._report.error("MLS009", "the file is empty", Span(self._file, 1, 1, 1, 2), "begin with apiVersion")
            return None
        root = self._node(next(self._events), 0)
        next(self._events)  # the end of the document
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            self._fail("MLS008", "a second document begins here", event, "a file holds one document")
        if not isinstance(root, Mapping):
            self._report.error("MLS009", "the file is not a map of keys", root.span, "begin with apiVersion")
            return None
        return root

    def _node(self, event: Any, depth: int) -> Node:
        if depth > DEPTH:
            self._fail("MLS010", f"nested more than {DEPTH} levels deep", event, "nothing in the language is so deep")
        self._refuse_properties(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(event, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(event, depth)
        return Scalar("", "", self._span(event), plain=False)  # an alias, refused above

    def _scalar(self, event: Any) -> Scalar:
        span = self._span(event)
        if event.style in ("", None):
            return Scalar(resolve(event.value), event.value, span)
        if (
            event.style in "'\""
            and span.line == span.end_line
            and len(event.value) == span.end_column - span.column - 2
        ):
            inner = len(event.value) > 0
            span = span._replace(column=span.column + inner, end_column=span.end_column - inner)
        return Scalar(event.value, event.value, span, plain=False)

    def _sequence(self, start: Any, depth: int) -> Sequence:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        last = items[-1].span if items and not start.flow_style else None
        return Sequence(tuple(items), self._collection_span(start, event, last))

    def _mapping(self, start: Any, depth: int) -> Mapping:
        entries: dict[str, Entry] = {}
        last: Span | None = None
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            last = None if start.flow_style else value.span
            self._enter(entries, key, value)
        return Mapping(entries, self._collection_span(start, event, last))

    def _enter(self, entries: dict[str, Entry], key: Node, value: Node) -> None:
        if not isinstance(key, Scalar) or not key.text:
            self._report.error("MLS011", "a key must be a word", key.span, "lists, maps and empty keys cannot be keys")
        elif key.text == "<<" and key.plain:
            help = "write the keys out; what differs between environments stands in `override`"
            self._report.error("MLS006", "merge keys are not part of the language", key.span, help)
        elif key.text in entries:
            first = Note("it is first written here", entries[key.text].key)
            self._report.error(
                "MLS004", f"the key '{key.text}' is written twice", key.span, "keep one of them", [first]
            )
        else:
            entries[key.text] = Entry(key.span, value)

    def _refuse_properties(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent):
            help = f"write the value itself, or put it in quotes if it is text: '*{event.anchor}'"
            self._report.error("MLS005", "aliases are not part of the language", self._span(event), help)
            return
        if event.anchor is not None:
            help = "write the value where it is needed, or declare it under `variables`"
            self._report.error("MLS005", "anchors are not part of the language", self._span(event), help)
        if event.tag is not None:
            self._report.error("MLS007", "tags are not part of the language", self._span(event), "write a plain value")

    def _fail(self, code: str, message: str, event: Any, help: str) -> None:
        self._report.error(code, message, self._span(event), help)
        raise _AbandonedError

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self._file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _collection_span(self, start: Any, end: Any, last: Span | None) -> Span:
        first = start.start_mark
        if last is not None:
            return Span(self._file, first.line + 1, first.column + 1, last.end_line, last.end_column)
        return Span(self._file, first.line + 1, first.column + 1, end.end_mark.line + 1, end.end_mark.column + 1)
