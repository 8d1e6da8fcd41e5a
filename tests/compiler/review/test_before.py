"""The folder of a spec as it was before a change."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mlsystem.review.before import folder_before


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits, each with a text of its own in `systems/delay/mlsystem.yaml`."""
    folder = tmp_path / "repository" / "systems" / "delay"
    folder.mkdir(parents=True)
    git(tmp_path / "repository", "init", "-q", "-b", "main")
    for text in ("before", "after"):
        (folder / "mlsystem.yaml").write_text(text)
        git(tmp_path / "repository", "add", "-A")
        git(tmp_path / "repository", "commit", "-qm", text)
    return tmp_path / "repository"


def test_it_is_that_of_the_parent_below_the_same_path(repository: Path) -> None:
    with folder_before(repository / "systems" / "delay") as before:
        assert before is not None
        assert (before / "mlsystem.yaml").read_text() == "before"

    assert not before.exists()


def test_a_folder_that_is_new_has_none(repository: Path) -> None:
    (repository / "systems" / "other").mkdir()
    (repository / "systems" / "other" / "mlsystem.yaml").write_text("new")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Another system")

    with folder_before(repository / "systems" / "other") as before:
        assert before is None


def test_without_a_history_there_is_none(tmp_path: Path) -> None:
    with folder_before(tmp_path) as before:
        assert before is None


def test_links_that_lead_out_of_the_repository_are_left_out(repository: Path) -> None:
    folder = repository / "systems" / "delay"
    for name, target in (("data", "/mnt/data"), ("up", "../../../elsewhere"), ("same", "mlsystem.yaml")):
        (folder / name).symlink_to(target)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Links")
    (folder / "mlsystem.yaml").write_text("later")
    git(repository, "commit", "-qam", "later")

    with folder_before(folder) as before:
        assert before is not None
        assert sorted(path.name for path in before.iterdir()) == ["mlsystem.yaml", "same"]
