"""The folder of a spec as it was before a change."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from mlsystem.review.before import folder_before
from mlsystem.review.run import PARENT, run_of


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    return subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


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
    with folder_before(repository / "systems" / "delay", PARENT) as before:
        assert before is not None
        assert (before / "mlsystem.yaml").read_text() == "before"

    assert not before.exists()


def test_of_a_push_of_several_commits_it_is_that_before_all_of_them(repository: Path, tmp_path: Path) -> None:
    """As a rebase merge makes it: the first parent is a commit of the same pull request."""
    origin, runner, event = tmp_path / "origin.git", tmp_path / "runner", tmp_path / "event.json"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(origin))
    before = git(origin, "rev-parse", "main").strip()
    for text in ("one", "two", "three"):
        (repository / "systems" / "delay" / "mlsystem.yaml").write_text(text)
        git(repository, "commit", "-qam", text)
    git(repository, "push", "-q", str(origin), "main")
    git(tmp_path, "clone", "-q", str(origin), str(runner))
    event.write_text(json.dumps({"before": before, "after": git(origin, "rev-parse", "main").strip()}))
    run = run_of(environ("push", event))

    with folder_before(runner / "systems" / "delay", run.before) as found:
        assert found is not None
        assert (found / "mlsystem.yaml").read_text() == "after"


def environ(name: str, event: Path) -> dict[str, str]:
    return {
        "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(event), "GITHUB_REPOSITORY": "acme/delay",
        "GITHUB_RUN_ID": "1", "GITHUB_SERVER_URL": "https://github.example.com",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["pull_request", "schedule", "workflow_dispatch"])
def test_where_nothing_was_pushed_it_is_that_of_the_parent(name: str, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"before": "0" * 40}))

    assert run_of(environ(name, event)).before == PARENT


def test_a_branch_that_is_new_has_none(repository: Path) -> None:
    with folder_before(repository / "systems" / "delay", "0" * 40) as before:
        assert before is None


def test_a_folder_that_is_new_has_none(repository: Path) -> None:
    (repository / "systems" / "other").mkdir()
    (repository / "systems" / "other" / "mlsystem.yaml").write_text("new")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Another system")

    with folder_before(repository / "systems" / "other", PARENT) as before:
        assert before is None


def test_without_a_history_there_is_none(tmp_path: Path) -> None:
    with folder_before(tmp_path, PARENT) as before:
        assert before is None


def test_links_that_lead_out_of_the_repository_are_left_out(repository: Path) -> None:
    folder = repository / "systems" / "delay"
    for name, target in (("data", "/mnt/data"), ("up", "../../../elsewhere"), ("same", "mlsystem.yaml")):
        (folder / name).symlink_to(target)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Links")
    (folder / "mlsystem.yaml").write_text("later")
    git(repository, "commit", "-qam", "later")

    with folder_before(folder, PARENT) as before:
        assert before is not None
        assert sorted(path.name for path in before.iterdir()) == ["mlsystem.yaml", "same"]
