"""Several files make one document, and nothing is written twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlsystem.diagnostics.report import Report
from mlsystem.errors import MlsystemError
from mlsystem.source.document import locate, plain
from mlsystem.source.include import read_with_includes


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_yaml", ".yaml")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder / "root.yaml"


def codes(report: Report) -> list[tuple[str, str, int]]:
    return [(one.code, Path(one.span.file).name, one.span.line) for one in report.diagnostics if one.span is not None]


def test_maps_at_the_top_merge_by_key_and_keep_their_places(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        root_yaml="include: [parts/*.yaml]\nsources: {a: 1}\n",
        parts__b_yaml="\nsources: {b: 2}\nentities: {e: 3}\n",
        parts__c_yaml="sources: {c: 4}\n",
    )
    report = Report()

    merged, inputs = read_with_includes(root, report)

    assert merged is not None
    assert plain(merged) == {"include": ("parts/*.yaml",), "sources": {"a": 1, "b": 2, "c": 4}, "entities": {"e": 3}}
    assert str(locate(merged, ("sources", "b"))) == f"{tmp_path}/parts/b.yaml:2:14"
    assert [one.path for one in inputs] == ["root.yaml", "parts/b.yaml", "parts/c.yaml"]
    assert inputs[2].content == b"sources: {c: 4}\n"


def test_a_key_in_two_files_is_refused_at_the_second_and_names_the_first(tmp_path: Path) -> None:
    root = write(
        tmp_path, root_yaml="include: [b.yaml]\nname: x\nsources: {a: 1}\n", b_yaml="name: y\nsources: {a: 2}\n"
    )
    report = Report()

    read_with_includes(root, report)

    assert codes(report) == [("MLS022", "b.yaml", 1), ("MLS022", "b.yaml", 2)]
    assert [note.span.line for one in report.diagnostics for note in one.notes if note.span] == [2, 3]


def test_the_version_of_the_language_may_stand_in_every_file(tmp_path: Path) -> None:
    text = "apiVersion: mlsystem/v1\n"
    root = write(tmp_path, root_yaml="include: [b.yaml]\n" + text, b_yaml=text)
    report = Report()

    read_with_includes(root, report)

    assert not report.has_errors


def test_a_pattern_that_matches_the_root_file_does_not_include_it_again(tmp_path: Path) -> None:
    root = write(tmp_path, root_yaml="include: ['*.yaml']\nname: x\n", b_yaml="owners: [me]\n")
    report = Report()

    merged, inputs = read_with_includes(root, report)

    assert merged is not None
    assert not report.has_errors
    assert len(inputs) == 2


@pytest.mark.parametrize(
    "pattern", ["/etc/*.yaml", "../x.yaml", "a/../../x.yaml", "s3://bucket/x.yaml", "", ".", "a**"]
)
def test_a_pattern_that_leaves_the_folder_is_refused(tmp_path: Path, pattern: str) -> None:
    root = write(tmp_path, root_yaml=f"include: ['{pattern}']\n")
    report = Report()

    read_with_includes(root, report)

    assert codes(report) == [("MLS021", "root.yaml", 1)]


def test_mistakes_in_all_files_are_told_in_one_run(tmp_path: Path) -> None:
    root = write(
        tmp_path, root_yaml="include: [b.yaml, c.yaml, d.yaml]\na: &x 1\n", b_yaml="a: [\n", c_yaml="b: !t 1\n"
    )
    report = Report()

    merged, _ = read_with_includes(root, report)

    assert merged is None
    assert {code for code, _, _ in codes(report)} == {"MLS005", "MLS002", "MLS007", "MLS020"}


def test_a_file_that_is_not_there_is_the_worlds_fault(tmp_path: Path) -> None:
    with pytest.raises(MlsystemError, match=r"root\.yaml: No such file"):
        read_with_includes(tmp_path / "root.yaml", Report())
