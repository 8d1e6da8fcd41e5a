"""`capacity explain` and `capacity report` from a spec and its lock file to what a person sees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser import screenshot, text_of
from capacity_pages import certificate
from msgspec.structs import replace
from PIL import Image

from mlsystem.capacity import lock
from mlsystem.capacity.cases import read_case
from mlsystem.capacity.certificate import Settings
from mlsystem.cli.main import main
from mlsystem.compile import resolve_system
from mlsystem.diagnostics.report import Report

EXAMPLE = Path(__file__).parents[3] / "examples" / "flights" / "mlsystem.yaml"
SERVING = """
        profile: {service_time: 50ms, cold_start: 5s}
        slo: {latency: {p95: 250ms}, availability: 99.9%, window: 30d}
        scaling: {max_replicas: 12}
        traffic: {trace: hours.csv}"""
HOURS = "time,rps\n0,20\n1800,60\n3600,110\n5400,40\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The flights example with two hours of traffic, in which nothing is certified."""
    text = EXAMPLE.read_text()
    staging = text.index("  staging:")
    own = re.sub(r"\n        (traffic|scaling|profile|slo): .*", "", text[staging:])
    own = own.replace("      serving:\n", f"      serving:{SERVING}\n", 1)
    (tmp_path / "mlsystem.yaml").write_text(text[:staging] + own)
    (tmp_path / "hours.csv").write_text(HOURS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def certify(folder: Path, **changes: object) -> None:
    """As if a search had found three to twelve replicas."""
    system = resolve_system(folder / "mlsystem.yaml", "staging", {}, Report(), certified=False)
    assert system is not None
    inputs = read_case(system, system.models[0], folder).inputs.hashes()
    found = replace(certificate(), inputs=inputs, **changes)  # type: ignore[arg-type]
    lock.write(folder, {lock.key("staging", system.models[0].name): found})


def explain(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["capacity", "explain", "-e", "staging", *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_a_moment_of_what_is_certified_is_explained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    certify(folder)

    code, said, _ = explain(capsys, "--at", "00:30:30")

    assert code == 0
    assert said.startswith("main: 3 to 12 replicas at 50% CPU, certified\nsimulated: all traffic, 2 hours")
    assert "00:30:" in said.splitlines()[3]
    assert "over 50% is" in said
    assert "bounds: 3 to 12" in said


def test_without_a_certificate_what_is_written_is_explained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, said, _ = explain(capsys, "--at", "1h")

    assert "2 to 12 replicas at 70% CPU, as written, not certified" in said


def test_what_moved_since_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    certify(folder)
    (folder / "hours.csv").write_text(HOURS.replace("110", "111"))

    assert "certified before traffic moved" in explain(capsys, "--at", "1h")[1]


def test_a_scenario_is_a_part_of_the_traffic(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    certify(folder)

    code, _, said = explain(capsys, "--at", "00:00:10", "--scenario", "peak")

    assert code == 1
    assert "00:00:10 is not in 'peak', which goes from 00:5" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--at", "1h", "--scenario", "peek"), "there is no scenario 'peek'"),
        (("--at", "soon"), "'soon' is no moment of simulated traffic"),
        (("--at", "2026-03-01T00:00:00Z"), "is no moment of simulated traffic"),
        (("--at", "9h"), "09:00:00 is not in 'all traffic', which goes from 00:00:00 to 02:00:00"),
        (("--at", "1h", "--model", "mian"), "there is no model 'mian'"),
        (("--at", "1h", "--metrics", "hours.csv"), "a record is two files"),
        (("--at", "1h", "--metrics", "hours.csv", "--hpa", "x"), "--environment means nothing for a record"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    code, said, error = explain(capsys, *arguments)

    assert (code, said) == (1, "")
    assert message in error


def test_where_nothing_is_ever_decided_it_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    certify(folder, settings=Settings("hpa", "cpu", 0.5, 8, 8))

    assert "8 replicas all the time: nothing is decided, whatever happens" in explain(capsys, "--at", "1h")[2]


def test_the_report_of_what_is_certified_is_a_page_in_a_browser(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certify(folder)

    assert main(["capacity", "report", "-e", "staging", "-o", "page.html"]) == 0

    assert "written to page.html" in capsys.readouterr().err
    shown = text_of(folder / "page.html")
    assert "Certified: 95% of the requests within 250 ms and 99.9% answered" in shown
    assert "One simulation of 2 hours" in shown
    assert "The scenario with the least to spare" in shown
    with Image.open(screenshot(folder / "page.html", 900, 1200)) as image:
        assert image.size == (900, 1200)
        assert len(image.convert("RGB").getcolors(2**20) or ()) > 50


def test_without_any_certificate_there_is_nothing_to_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capacity", "report", "-e", "staging"]) == 1

    assert "nothing is certified that could be shown" in capsys.readouterr().err
    assert not (folder / "capacity.html").exists()
