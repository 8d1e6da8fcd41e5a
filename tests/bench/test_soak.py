"""What a long run says of a server, and when it ends with a failure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench" / "serving"))

import soak
from support.open_loop import GAVE_UP, LOST, Answers, Outcome

SECONDS = 400


def outcome(**others: int) -> Outcome:
    answers = {how: Answers(count, 1.0, 2.0, 3.0) for how, count in {"200": 4000, **others}.items()}
    return Outcome(4000, SECONDS, answers, late_ms=1.0, idle_ms=1.0, recovery_ms=1.0)


def series(memory_mb_a_second: float = 0.0, files_a_second: float = 0.0) -> soak.Series:
    """Growing steeply at first, as caches fill."""
    seconds = [float(second) for second in range(SECONDS)]
    return soak.Series(
        seconds, [100.0 + min(50.0, second) + memory_mb_a_second * second for second in seconds],
        [20.0 + files_a_second * second for second in seconds])


@pytest.mark.parametrize(("ends", "grown", "code"), [
    (outcome(), series(), 0), (outcome(**{"503": 7}), series(), 0),
    (outcome(**{LOST: 1}), series(), 1), (outcome(**{GAVE_UP: 1}), series(), 1),
    (outcome(), series(memory_mb_a_second=0.1), 1), (outcome(), series(files_a_second=0.1), 1),
])  # fmt: skip
def test_growth_and_lost_requests_are_failures_and_the_page_has_the_figures(
    ends: Outcome, grown: soak.Series, code: int, tmp_path: Path
) -> None:
    assert soak.told(soak.part(ends, grown, rate=10.0, share=0.8), tmp_path / "soak.md") == code
    assert "80% of what the server carried" in (tmp_path / "soak.md").read_text()
    assert "| 200 | 4,000 |" in (tmp_path / "soak.md").read_text()
