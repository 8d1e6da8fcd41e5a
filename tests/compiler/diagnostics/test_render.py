"""Diagnostics look the way people and programs read them."""

from __future__ import annotations

import json

from mlsystem.diagnostics.render import render_json, render_text
from mlsystem.diagnostics.report import Note, Report
from mlsystem.span import Span

TEXT = "name: x\nfeatures:\n  weather:\n    source: wether\n"


def report_of_one() -> Report:
    report = Report()
    report.add_text("mlsystem.yaml", TEXT)
    report.error(
        "MLS102",
        "feature group 'weather' reads source 'wether', which is not declared",
        Span("mlsystem.yaml", 4, 13, 4, 19),
        help="did you mean 'weather'?",
    )
    return report


def test_text_has_excerpt_caret_and_help() -> None:
    assert render_text(report_of_one()) == (
        "error[MLS102]: feature group 'weather' reads source 'wether', which is not declared\n"
        " --> mlsystem.yaml:4:13\n"
        "  |\n"
        "4 |     source: wether\n"
        "  |             ^^^^^^\n"
        "  = help: did you mean 'weather'?\n"
        "\n"
        "1 error; `mlsystem explain MLS102` says more\n"
    )


def test_the_gutter_is_as_wide_as_the_line_number() -> None:
    report = Report()
    report.add_text("mlsystem.yaml", "\n" * 30 + "    source: wether\n")
    report.error("MLS102", "wrong", Span("mlsystem.yaml", 31, 13, 31, 19))

    assert render_text(report).split("\n")[1:5] == [
        "  --> mlsystem.yaml:31:13",
        "   |",
        "31 |     source: wether",
        "   |             ^^^^^^",
    ]


def test_json_has_the_same_facts() -> None:
    document = json.loads(render_json(report_of_one()))

    assert (document["format_version"], document["errors"], document["warnings"]) == (1, 1, 0)
    assert document["diagnostics"] == [
        {
            "code": "MLS102",
            "severity": "error",
            "message": "feature group 'weather' reads source 'wether', which is not declared",
            "file": "mlsystem.yaml",
            "range": {"start": {"line": 4, "column": 13}, "end": {"line": 4, "column": 19}},
            "help": "did you mean 'weather'?",
            "notes": [],
        }
    ]


def test_diagnostics_stand_in_the_order_of_the_file_and_none_twice() -> None:
    report = Report()
    report.add_text("a.yaml", "x\ny\n")
    report.add_text("b.yaml", "z\n")
    for file, line in [("b.yaml", 1), ("a.yaml", 2), ("a.yaml", 1), ("a.yaml", 2)]:
        report.error("MLS102", "wrong", Span(file, line, 1, line, 2))

    assert [str(one.span) for one in report.diagnostics] == ["a.yaml:1:1", "a.yaml:2:1", "b.yaml:1:1"]


def test_nothing_wrong_is_nothing_to_say() -> None:
    assert render_text(Report()) == ""
    assert json.loads(render_json(Report()))["diagnostics"] == []


def test_warnings_alone_are_no_errors() -> None:
    report = Report()
    report.warning("MLS102", "odd", None)

    assert not report.has_errors
    assert render_text(report).endswith("1 warning; `mlsystem explain MLS102` says more\n")


def test_a_note_names_its_place() -> None:
    report = Report()
    report.error("MLS004", "twice", Span("a.yaml", 2, 1, 2, 2), notes=[Note("first here", Span("a.yaml", 1, 1, 1, 2))])

    assert "= note: first here (a.yaml:1:1)" in render_text(report)


def test_color_changes_nothing_but_the_color() -> None:
    import re

    colored = render_text(report_of_one(), color=True)

    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == render_text(report_of_one())


def test_what_is_hidden_or_would_steer_a_terminal_is_blotted_out() -> None:
    report = Report()
    report.add_text("a.yaml", "key: hunter2 \x1b[2J\n")
    report.hide("hunter2")
    report.error("MLS037", "hunter2 is not \x1b[2J allowed", Span("a.yaml", 1, 6, 1, 13))

    text = render_text(report) + render_json(report)

    assert "hunter2" not in text
    assert "\x1b" not in text


def test_a_long_line_is_cut_around_the_place() -> None:
    report = Report()
    report.add_text("a.yaml", "x" * 500 + "HERE" + "y" * 500)
    report.error("MLS102", "wrong", Span("a.yaml", 1, 501, 1, 505))

    excerpt, carets = render_text(report).split("\n")[3:5]

    assert len(excerpt) < 180
    assert excerpt[carets.index("^") : carets.rindex("^") + 1] == "HERE"
