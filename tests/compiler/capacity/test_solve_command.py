"""`mlsystem capacity solve`: what a user writes and reads, on the flights example with a declared speed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mlsystem.capacity import lock
from mlsystem.cli.main import main

FLIGHTS = Path(__file__).resolve().parents[3] / "examples" / "flights" / "mlsystem.yaml"
SERVING = """
        slo: {latency: {p95: 1s}, availability: 95%}
        profile: {service_time: 200ms, cold_start: 10s}
        traffic: {mean: 4rps, peak: 12rps}
        scaling: {max_replicas: 8}
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the spec with something of its staging replaced."""

    def write(old: str = "", new: str = "") -> Path:
        text = FLIGHTS.read_text()
        before, after = text.split("      serving:\n", 1)
        assert old in SERVING
        kept = re.sub(r"\A(        .*\n)+", "", after)
        path = tmp_path / "mlsystem.yaml"
        path.write_text(f"{before}      serving:{SERVING.replace(old, new) if old else SERVING}{kept}")
        return path

    return write


def solve(path: Path, *more: str) -> int:
    return main(["capacity", "solve", "-e", "staging", "-f", str(path), *more])


def test_the_lock_file_has_what_was_printed_and_a_plan_takes_it(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write()

    assert solve(path) == 0
    shown = capsys.readouterr()
    certificate = lock.read(path.parent)["staging/main"]
    first = (path.parent / lock.LOCK).read_bytes()

    assert f"${certificate.cost:,.0f} a month" in shown.out
    assert "one pod lost" in shown.out
    assert "commit it" in shown.err
    assert main(["validate", "-e", "staging", "-f", str(path)]) == 0
    assert solve(path) == 0
    assert (path.parent / lock.LOCK).read_bytes() == first
    assert "says so already" in capsys.readouterr().err


@pytest.mark.slow
def test_what_was_certified_of_a_model_that_is_gone_goes_and_that_of_other_environments_stays(write: Write) -> None:
    path = write()
    assert solve(path) == 0
    (certificate,) = lock.read(path.parent).values()
    lock.write(path.parent, {"staging/gone": certificate, "elsewhere/main": certificate})

    assert solve(path) == 0

    assert lock.read(path.parent) == {"elsewhere/main": certificate, "staging/main": certificate}


def test_a_peak_that_is_too_high_is_refused_at_the_promise_and_the_first_repair_certifies(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("max_replicas: 8", "max_replicas: 2")

    assert solve(path) == 1
    said = capsys.readouterr().err
    repair = re.search(r"help: write `scaling\.(max_replicas: \d+)`", said)

    assert "error[MLS620]: no configuration of 'main' holds this within its limits: at " in said
    assert "slo: {latency: {p95: 1s}, availability: 95%}" in said
    assert not (path.parent / lock.LOCK).exists()
    assert repair is not None
    assert solve(write("max_replicas: 8", repair[1])) == 0


@pytest.mark.parametrize(("old", "code"), [
    ("        slo: {latency: {p95: 1s}, availability: 95%}\n", ""),
    ("        traffic: {mean: 4rps, peak: 12rps}\n", "MLS621"),
])  # fmt: skip
def test_without_traffic_there_is_nothing_to_solve(
    write: Write, capsys: pytest.CaptureFixture[str], old: str, code: str
) -> None:
    assert solve(write(old, ""), *(["--model", "nobody"] if not code else [])) == 1
    said = capsys.readouterr().err

    assert code in said
    assert "nobody" in said


def test_without_a_profile_it_names_the_command_that_measures(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert solve(write("        profile: {service_time: 200ms, cold_start: 10s}\n", "")) == 1

    assert "mlsystem capacity profile -e staging" in capsys.readouterr().err


def test_one_machine_has_no_replicas(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capacity", "solve", "-e", "dev", "-f", str(write())]) == 1

    assert "runs on one machine" in capsys.readouterr().err
