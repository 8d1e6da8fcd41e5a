"""`limits.max_cost`: over it is an error at the key, with what costs most and what would bring it under."""

from __future__ import annotations

from pathlib import Path

from mlsystem.compile import Compiled, compile_system
from mlsystem.diagnostics.report import Diagnostic, Report

FLIGHTS = Path(__file__).resolve().parents[4] / "examples" / "flights" / "mlsystem.yaml"
CONTEXT = "    context: staging\n"


def limited(folder: Path, limit: str, *, certified: bool = True) -> tuple[Compiled | None, list[Diagnostic]]:
    """The example, with a limit for staging and nothing certified."""
    text = FLIGHTS.read_text()
    assert CONTEXT in text
    spec, report = folder / "mlsystem.yaml", Report()
    spec.write_text(text.replace(CONTEXT, f"{CONTEXT}    limits: {{max_cost: {limit}}}\n"))
    compiled = compile_system(spec, "staging", {}, report, certified=certified)
    return compiled, [one for one in report.diagnostics if one.code.startswith("MLS67")]


def test_enough_money_is_no_news(tmp_path: Path) -> None:
    compiled, said = limited(tmp_path, "$900/month")

    assert compiled is not None
    assert said == []


def test_less_than_the_least_of_it_is_an_error_at_the_key_with_the_largest_lines_and_a_way_under(
    tmp_path: Path,
) -> None:
    compiled, (said,) = limited(tmp_path, "$180/month")

    assert compiled is None
    assert (said.code, said.severity) == ("MLS670", "error")
    assert "a month in staging, more than `max_cost` allows: $180" in said.message
    assert said.help is not None
    assert "servers of main, $72 to $360" in said.help
    assert "to come under it write `serving.scaling.min_replicas: 1` of main (-$36)" in said.help


def test_where_nothing_brings_it_under_that_is_said(tmp_path: Path) -> None:
    _, (said,) = limited(tmp_path, "$1/month")

    assert said.help is not None
    assert "no setting of the file brings it under: allow $" in said.help


def test_less_than_the_most_of_it_is_a_warning(tmp_path: Path) -> None:
    compiled, (said,) = limited(tmp_path, "$400/month")

    assert compiled is not None
    assert (said.code, said.severity) == ("MLS671", "warning")


def test_what_runs_may_be_looked_at_and_destroyed_whatever_it_costs(tmp_path: Path) -> None:
    compiled, said = limited(tmp_path, "$1/month", certified=False)

    assert compiled is not None
    assert said == []
