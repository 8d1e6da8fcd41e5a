"""Every file here is wrong: exactly the codes in its `# E:` comments are reported, on exactly those lines.

Warnings stand in `# W:` comments; a file without any does not say which it expects.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from mlsystem.compile import compile_system
from mlsystem.diagnostics.codes import CODES
from mlsystem.diagnostics.render import render_text
from mlsystem.diagnostics.report import Report

HERE = Path(__file__).parent
OF_OTHERS = {"MLS502", "MLS606", "MLS607", "MLS608", "MLS610", "MLS620", "MLS621"}
"""About the command line, about files beside this one, which tests/compiler/passes/test_capacity.py writes, and what
only a search finds."""
FILES = sorted(HERE.glob("*.yaml"))


def diagnose(path: Path) -> Report:
    """What the whole compiler says of a file, with no environment variables set."""
    report = Report()
    compile_system(path, None, {}, report)
    return report


def expected(path: Path, mark: str) -> Counter[tuple[str, int, str]]:
    """File, line and code of every `# E: CODE CODE` (or `# W:`) in a file and in what it includes."""
    text = path.read_text(encoding="utf-8", errors="replace")
    included = re.search(r"^include: \[(parts/\w+\.yaml)\]", text, re.MULTILINE)
    found = Counter(
        (path.name, number, code)
        for number, line in enumerate(text.split("\n"), start=1)
        for comment in re.findall(rf"# {mark}: ((?:MLS\d+ ?)+)", line)
        for code in comment.split()
    )
    return found + expected(HERE / included[1], mark) if included else found


def found(report: Report, severity: str) -> Counter[tuple[str, int, str]]:
    return Counter(
        (Path(one.span.file).name, one.span.line, one.code)
        for one in report.diagnostics
        if one.span is not None and one.severity == severity
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_wrong_file_is_reported_where_it_is_wrong(path: Path) -> None:
    report = diagnose(path)

    assert found(report, "error") == expected(path, "E"), render_text(report)
    warnings = expected(path, "W")
    assert not warnings or found(report, "warning") == warnings


@pytest.mark.parametrize("name", ["auth_token_in_the_file", "auth_token_alone"])
def test_a_token_in_the_file_is_not_shown(name: str) -> None:
    report = diagnose(HERE / f"{name}.yaml")

    assert report.has_errors
    assert "0123456789abcdef" not in render_text(report)


def test_every_file_expects_something() -> None:
    assert [path.name for path in FILES if not expected(path, "E") and not expected(path, "W")] == []


def test_there_are_at_least_eighty_wrong_files() -> None:
    assert len(FILES) >= 80


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_messages_speak_of_the_file_and_not_of_the_tool(path: Path) -> None:
    text = render_text(diagnose(path))

    assert not re.search(r"pydantic|Input should|validation error|Traceback|yaml\.", text)


def test_every_code_has_a_wrong_file_of_its_own() -> None:
    shown = {code for path in FILES for mark in "EW" for _, _, code in expected(path, mark)}

    assert sorted(set(CODES) - shown - OF_OTHERS) == []
