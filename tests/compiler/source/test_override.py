"""An override lies on the file: maps merge, everything else replaces."""

from __future__ import annotations

from typing import Any

import pytest

from mlsystem.diagnostics.report import Report
from mlsystem.source.document import Mapping, locate, plain
from mlsystem.source.override import merge, without_nulls
from mlsystem.source.read import read


def document(text: str, file: str = "mlsystem.yaml") -> Mapping:
    root = read(text.encode(), file, Report())
    assert root is not None
    return root


@pytest.mark.parametrize(
    ("base", "over", "merged"),
    [
        ("a: {b: 1, c: 2}", "a: {c: 3, d: 4}", {"a": {"b": 1, "c": 3, "d": 4}}),
        ("a: [1, 2]", "a: [3]", {"a": (3,)}),
        ("a: {b: 1}", "a: 2", {"a": 2}),
        ("a: 2", "a: {b: 1}", {"a": {"b": 1}}),
        ("a: {kind: x, b: 1}", "a: {kind: y, c: 2}", {"a": {"kind": "y", "c": 2}}),
        ("a: {kind: x, b: 1}", "a: {kind: x, c: 2}", {"a": {"kind": "x", "b": 1, "c": 2}}),
        ("a: {type: x, b: {c: 1}}", "a: {b: {d: 2}}", {"a": {"type": "x", "b": {"c": 1, "d": 2}}}),
    ],
)
def test_an_override_is_merged_by_key(base: str, over: str, merged: dict[str, Any]) -> None:
    assert plain(merge(document(base), document(over))) == merged


def test_every_value_keeps_the_place_where_it_was_written() -> None:
    merged = merge(document("a: {b: 1, c: 2}"), document("\na: {c: 3}"))

    assert locate(merged, ("a", "b")).line == 1
    assert locate(merged, ("a", "c")).line == 2


def test_nothing_cannot_be_written_over_something() -> None:
    report = Report()

    kept = without_nulls(document("a: {b: null, c: 1}\nd:\n"), report)

    assert plain(kept) == {"a": {"c": 1}}
    assert [(one.code, one.span.line) for one in report.diagnostics if one.span] == [("MLS041", 1), ("MLS041", 2)]
