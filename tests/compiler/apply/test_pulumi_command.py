"""Pulumi's program as a process of an apply."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from mlsystem.apply.pulumi_command import EngineCommand, Run, born
from mlsystem_runtime.contract.bucket import UnreachableError

PROGRAM = """#!/bin/sh
if [ "$1" = version ]; then echo v3.100.0; else exec sleep 60; fi
"""


def test_a_change_that_cannot_be_written_down_does_not_go_on(tmp_path: Path) -> None:
    program = tmp_path / "pulumi"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    runs: list[Run] = []

    def record(run: Run) -> None:
        runs.append(run)
        raise UnreachableError("the bucket cannot be written")

    command = EngineCommand(str(program), record, lambda: math.inf)
    with pytest.raises(UnreachableError):
        command.run(["up"], str(tmp_path), {})

    assert [born(run.pid) for run in runs] == [None]
