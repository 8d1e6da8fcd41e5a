"""Text becomes a document in which everything knows its place."""

from __future__ import annotations

import pytest

from mlsystem.diagnostics.report import Report
from mlsystem.source.document import Mapping, Scalar, find, locate, plain
from mlsystem.source.read import DEPTH, read


def document(text: str) -> Mapping:
    report = Report()
    found = read(text.encode(), "mlsystem.yaml", report)
    assert found is not None
    assert not report.has_errors, report.diagnostics
    return found


def codes(data: bytes) -> list[tuple[str, int, int]]:
    report = Report()
    read(data, "mlsystem.yaml", report)
    return [(one.code, one.span.line, one.span.column) for one in report.diagnostics if one.span is not None]


def test_values_are_those_of_yaml_1_2() -> None:
    root = document("a: 1e-3\nb: [on, '7', 7]\nc: {d: null}\ne: |\n  two\n  lines\n")

    assert plain(root) == {"a": 0.001, "b": ("on", "7", 7), "c": {"d": None}, "e": "two\nlines\n"}


def test_keys_are_always_text() -> None:
    assert list(document("1: a\ntrue: b\non: c\n").entries) == ["1", "true", "on"]


def test_a_value_and_its_key_know_their_places() -> None:
    root = document("a:\n  bc: [x, 'yz']\n")

    assert str(locate(root, ("a", "bc", 1))) == "mlsystem.yaml:2:12"
    assert locate(root, ("a", "bc", 1)).end_column == 14
    assert str(locate(root, ("a", "bc"), key=True)) == "mlsystem.yaml:2:3"
    assert str(locate(root, ("a",))) == "mlsystem.yaml:1:1"


def test_what_is_not_there_is_placed_at_its_nearest_ancestor() -> None:
    root = document("a:\n  b: {c: 1}\n")

    assert str(locate(root, ("a", "b", "x", "y"))) == "mlsystem.yaml:2:3"
    assert str(locate(root, ("x",))) == "mlsystem.yaml:1:1"


def test_a_part_of_a_text_is_a_place_of_its_own() -> None:
    root = document("late: 'delay > 15'\n")

    part = locate(root, ("late",)).part(8, 10)

    assert (part.column, part.end_column) == (16, 18)


def test_the_place_of_a_quoted_text_is_what_stands_inside() -> None:
    node = find(document('a: "xy"\n'), ("a",))

    assert isinstance(node, Scalar)
    assert (node.span.column, node.span.end_column) == (5, 7)


def test_columns_count_characters_and_a_byte_order_mark_is_no_character() -> None:
    root = document("\ufeffä: 'ö'\nß: {é: 1}\n")

    assert str(locate(root, ("ß", "é"))) == "mlsystem.yaml:2:8"


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: 1\na: 2\n", "MLS004", 2, 1), ("a: &b 1\n", "MLS005", 1, 4), ("a: *b\n", "MLS005", 1, 4),
        ("<<: {a: 1}\n", "MLS006", 1, 1), ("a: !x 1\n", "MLS007", 1, 4), ("a: 1\n---\nb: 2\n", "MLS008", 2, 1),
        ("", "MLS009", 1, 1), ("- 1\n", "MLS009", 1, 1), ("? {a: 1}\n: 2\n", "MLS011", 1, 3),
        ("a: [1,\n  2\nb: 3\n", "MLS002", 1, 4), ("a: 'x\n", "MLS002", 1, 4), ("a: b: c\n", "MLS002", 1, 5),
        ("a:\n\tb: 1\n", "MLS003", 2, 1),
    ],
)  # fmt: skip
def test_what_is_not_part_of_the_language_is_refused_at_its_place(text: str, code: str, line: int, column: int) -> None:
    assert codes(text.encode()) == [(code, line, column)]


def test_bytes_that_are_not_utf_8_are_refused_at_their_place() -> None:
    assert codes(b"a: 1\nb: \xff\n") == [("MLS001", 2, 4)]


def test_depth_has_a_limit_and_depth_below_it_is_fine() -> None:
    assert codes(b"a: " + b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1)) == [("MLS010", 1, 4 + DEPTH)]
    assert codes(b"a: " + b"[" * 20_000)[0][0] == "MLS010"
    assert codes(b"a: " + b"[" * (DEPTH - 1) + b"]" * (DEPTH - 1)) == []


def test_several_mistakes_are_all_told() -> None:
    found = codes(b"a: &x 1\na: 2\nb: !!int 3\n<<: 4\n")

    assert [code for code, _, _ in found] == ["MLS005", "MLS004", "MLS007", "MLS006"]
