"""What is wrong in a file of recorded traffic is said in the spec, with the line of that file."""

from __future__ import annotations

from pathlib import Path

from mlsystem.compile import compile_system
from mlsystem.diagnostics.render import render_text
from mlsystem.diagnostics.report import Report

HERE = Path(__file__).parent


def diagnose(path: Path) -> str:
    report = Report()
    compile_system(path, None, {}, report)
    return render_text(report)


def test_the_line_of_the_trace_stands_in_the_message() -> None:
    text = diagnose(HERE / "traffic_trace_unreadable.yaml")

    assert "line 3 of 'traces/words.csv': `forty` is not a number of 0 or more" in text


def test_of_a_long_trace_whole_lines_of_its_beginning_are_looked_at(tmp_path: Path) -> None:
    """A row cut in two would be a wrong one; what is wrong at the end is found by whoever simulates."""
    spec = (HERE / "traffic_trace_unreadable.yaml").read_text().replace("traces/words.csv", "long.csv")
    (tmp_path / "mlsystem.yaml").write_text(spec)
    rows = "".join(f"{second},{40 + second % 7}\n" for second in range(150_000))
    (tmp_path / "long.csv").write_text(f"time,rps\n{rows}broken\n")

    assert "MLS218" not in diagnose(tmp_path / "mlsystem.yaml")
