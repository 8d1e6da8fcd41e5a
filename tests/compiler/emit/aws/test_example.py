"""The programs of the flights example in an account, as they stand in its golden tree."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from generated_types import type_errors

PULUMI = Path(__file__).resolve().parents[4] / "examples" / "flights" / "expected" / "prod" / "pulumi"


@pytest.mark.slow
@pytest.mark.parametrize("stack", ["foundation", "cluster"])
def test_a_strict_type_checker_finds_nothing_to_say(stack: str, tmp_path: Path) -> None:
    place = Path(shutil.copytree(PULUMI / stack, tmp_path / stack))

    assert type_errors(place) == ""
