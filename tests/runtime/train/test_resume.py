"""Killed at any moment and run again, training ends with bit-equal weights."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import killed_training
import pytest

from mlsystem_runtime.contract.names import PREEMPTED

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("resume")]  # one process does all the trainings

KILLED = ["train:1", "train:7", "train:20", "train:103", "validation:2", "write:9", "rename:12", "write:1"]
ASKED = ["term:train:1", "term:train:33", "term:validation:1", "term:validation:3"]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[int]]]:
    """Where every training left its weights, and how its first and second attempt ended."""
    folder = tmp_path_factory.mktemp("trainings")
    output = subprocess.run(
        [sys.executable, killed_training.__file__, str(folder), "never", *KILLED, *ASKED],
        capture_output=True, text=True, check=True, timeout=300,
    ).stdout
    lines = [json.loads(line) for line in output.splitlines()]
    return folder, {line["moment"]: line["statuses"] for line in lines}


def weights(folder: Path, moment: str) -> bytes:
    return (folder / moment / killed_training.FINAL).read_bytes()


@pytest.mark.parametrize("moment", KILLED)
def test_killed_outright_it_goes_on_to_equal_weights(ended: tuple[Path, dict[str, list[int]]], moment: str) -> None:
    folder, statuses = ended

    assert statuses[moment] == [-signal.SIGKILL, 0]
    assert weights(folder, moment) == weights(folder, "never")


@pytest.mark.parametrize("moment", ASKED)
def test_asked_to_leave_it_saves_and_goes_on_to_equal_weights(
    ended: tuple[Path, dict[str, list[int]]], moment: str,
) -> None:
    folder, statuses = ended

    assert statuses[moment] == [PREEMPTED, 0]
    assert weights(folder, moment) == weights(folder, "never")
