"""Each example is applied once in a whole test run; a test starts from a copy of what that left on the disk."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from buckets import bucket_uri, s3
from environments import Project, copied, finish
from small_examples import started

__all__ = ["bucket_uri", "s3"]
Copy = Callable[[str], Project]


def applied(example: str, folder: Path) -> None:
    """Applies the example in `folder`, notes what was said, and stops its processes."""
    project = started(example, folder)
    said = project.apply()
    notes: dict[str, Any] = {"said": said, "empty": project.empty_plan(), "ready": project.ready()}
    (folder / "first.json").write_text(json.dumps(notes))
    project.halt()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder in which an example was applied; made by the first worker that asks, shared by all."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(example: str) -> Path:
        folder = shared / f"applied-{example}"
        with open(shared / f"{example}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "first.json").exists():
                shutil.rmtree(folder, ignore_errors=True)
                applied(example, folder)
        return folder

    return made


@pytest.fixture
def copy(template: Callable[[str], Path], tmp_path: Path) -> Iterator[Copy]:
    """A copy of an applied example, its processes not started yet; at the end nothing of it runs."""
    made: list[Project] = []

    def take(example: str) -> Project:
        made.append(copied(template(example), tmp_path / example))
        return made[-1]

    yield take
    for project in made:
        finish(project)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Callable[[str], Project]]:
    """An example that was never applied; at the end nothing of it runs."""
    made: list[Project] = []

    def take(example: str) -> Project:
        made.append(started(example, tmp_path / example))
        return made[-1]

    yield take
    for project in made:
        finish(project)


@pytest.fixture
def seattle(copy: Copy) -> Project:
    """The seattle example, applied and running."""
    project = copy("seattle")
    project.apply()
    return project


@pytest.fixture(scope="module")
def start(template: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """An applied and running example, shared by the tests of a module."""
    made: list[Project] = []

    def take(example: str) -> Project:
        made.append(copied(template(example), tmp_path_factory.mktemp("shared") / example))
        made[-1].apply()
        return made[-1]

    yield take
    for project in made:
        finish(project)


@pytest.fixture(scope="module")
def example(start: Copy, request: pytest.FixtureRequest) -> Project:
    """The running example that the parameter names."""
    return start(request.param)
