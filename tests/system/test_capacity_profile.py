"""`mlsystem capacity profile` against a real server: what it writes, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from environments import Project, processes

from mlsystem.capacity.profile import read_profiles

pytestmark = pytest.mark.slow
TRIES, BUSY = 3, "after they were due"


def written(project: Project) -> set[str]:
    """The files of the workspace that a server writes."""
    root = project.workspace.root
    return {f"{path}" for name in ("predictions", "counts", "feedback") for path in (root / name).rglob("*")}


def measured(project: Project) -> str:
    """What the command says. A machine that does other things refuses to measure, and rightly."""
    for _ in range(TRIES):
        done = project.run("capacity", "profile", "--seconds", "8")
        if done.returncode == 0:
            return done.stdout
        assert BUSY in done.stderr, done.stderr
        assert read_profiles(project.folder) == {}
    pytest.skip(f"this machine is too busy to measure anything: {done.stderr}")


def test_a_server_is_measured_and_the_environment_is_as_it_was(copy: Callable[[str], Project]) -> None:
    project = copy("seattle")
    before = written(project)

    said = measured(project)

    ((name, profile),) = read_profiles(project.folder).items()
    alone = next(cell for cell in profile.cells if cell.requests == 1)
    assert name == "dev/main"
    assert profile.version == 1
    assert alone.samples >= 20
    assert len(profile.cells) >= 2
    assert len(profile.cold_starts) == 3
    assert profile.memory_bytes > 2**25
    assert profile.machine.limit in ("quota", "affinity")
    assert f"{profile.memory_bytes / 2**20:.0f} MiB" in said
    assert written(project) == before
    assert not {pid: line for pid, line in processes(project.folder).items() if "serve" in line}
