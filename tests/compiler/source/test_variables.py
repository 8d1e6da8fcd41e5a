"""Variables are put in where they are declared, secrets stay references, credentials are refused."""

from __future__ import annotations

from collections.abc import Mapping as AbstractMapping
from typing import Any

import pytest

from mlsystem.diagnostics.render import render_json, render_text
from mlsystem.diagnostics.report import Report
from mlsystem.source.document import plain
from mlsystem.source.read import read
from mlsystem.source.secret import SecretRef
from mlsystem.source.variables import substitute, variable_values


def resolved(text: str, environ: AbstractMapping[str, str] | None = None) -> tuple[dict[str, Any], Report]:
    report = Report()
    root = read(text.encode(), "mlsystem.yaml", report)
    assert root is not None
    values = variable_values(root, report, environ or {})
    document: dict[str, Any] = plain(substitute(root, values, report))
    return document, report


def codes(report: Report) -> list[str]:
    return [one.code for one in report.diagnostics]


@pytest.mark.parametrize(
    ("kind", "default", "value"),
    [
        ("int", "8", 8), ("float", "1e-3", 0.001), ("float", "2", 2), ("bool", "true", True), ("string", "a", "a"),
        ("rate", "300rps", "300rps"), ("duration", "3h", "3h"), ("share", "15%", "15%"), ("money", "$20", "$20"),
        ("cost", "$400/month", "$400/month"),
    ],
)  # fmt: skip
def test_a_whole_value_gets_the_variables_type(kind: str, default: str, value: object) -> None:
    document, report = resolved(f"variables: {{x: {{type: {kind}, default: {default}}}}}\na: '${{var:x}}'\n")

    assert document["a"] == value
    assert type(document["a"]) is type(value)
    assert not report.has_errors


def test_inside_a_longer_text_the_value_is_text() -> None:
    document, _ = resolved("variables: {x: {type: bool, default: true}}\na: is-${var:x}-$${var:x}\n")

    assert document["a"] == "is-true-${var:x}"


def test_the_environment_wins_over_the_default_and_is_read_as_the_type() -> None:
    text = "variables: {n: {type: int, default: 8, env: N}, s: {type: string, env: S}}\na: ['${var:n}', '${var:s}']\n"

    document, report = resolved(text, {"N": "3", "S": "007"})

    assert document["a"] == (3, "007")
    assert not report.has_errors


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", "1.5"),
        ("int", "true"),
        ("bool", "1"),
        ("float", "x"),
        ("duration", "3"),
        ("share", "0.5"),
        ("string", "3"),
    ],
)
def test_a_value_of_another_type_is_refused(kind: str, value: str) -> None:
    _, report = resolved(f"variables: {{x: {{type: {kind}, default: {value}}}}}\n")

    assert codes(report) == ["MLS032"]


def test_an_environment_variable_of_another_type_is_refused() -> None:
    _, report = resolved("variables: {x: {type: int, default: 1, env: X}}\n", {"X": "many"})

    assert codes(report) == ["MLS032"]


def test_an_undeclared_variable_is_refused_with_what_may_have_been_meant() -> None:
    _, report = resolved("variables: {peak: {type: rate, default: 1rps}}\na: '${var:paek}'\n")

    assert [(one.code, one.help) for one in report.diagnostics] == [("MLS030", "did you mean 'peak'?")]


def test_a_secret_stays_a_reference() -> None:
    document, report = resolved("url: '${secret:ALERT_URL}'\n")

    assert document["url"] == SecretRef("ALERT_URL")
    assert not report.has_errors


@pytest.mark.parametrize("text", ["${x}", "${env:HOME}", "${var:}", "${var: x}", "${secret:a-b}", "${var:x", "a ${ b"])
def test_what_is_no_reference_of_the_language_is_refused(text: str) -> None:
    _, report = resolved(f"a: '{text}'\n")

    assert codes(report) == ["MLS033"]


@pytest.mark.parametrize(
    ("uri", "secret"),
    [
        ("postgresql://me:hunter2@host/db", "hunter2"), ("https://:hunter2@host", "hunter2"),
        ("https://host/x?a=1&token=hunter2", "hunter2"), ("https://host/x?X-Amz-Signature=hunter2&b=1", "hunter2"),
    ],
)  # fmt: skip
def test_credentials_are_refused_and_never_shown(uri: str, secret: str) -> None:
    _, report = resolved(f"sources: {{a: {{uri: '{uri}'}}}}\n")

    assert codes(report) == ["MLS037"]
    assert secret not in render_text(report)
    assert secret not in render_json(report)


def test_credentials_that_come_through_a_variable_are_refused_too() -> None:
    _, report = resolved("variables: {u: {type: string, env: U}}\na: '${var:u}'\n", {"U": "s3://k:hunter2@b/x"})

    assert codes(report) == ["MLS037"]


@pytest.mark.parametrize("uri", ["s3://bucket/a@b:c", "postgresql://me@host/db", "https://host/x?page=2", "a:b@c"])
def test_addresses_without_credentials_are_fine(uri: str) -> None:
    assert not resolved(f"a: '{uri}'\n")[1].has_errors
