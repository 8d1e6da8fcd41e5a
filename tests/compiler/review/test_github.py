"""GitHub's REST API, through a double that asks for the permissions that GitHub asks for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from github_server import FakeGitHub, fake_github

from mlsystem.errors import MlsystemError
from mlsystem.review.github import GitHub, github_of, unpacked

EVERYTHING = {"actions": "read", "pull-requests": "write", "issues": "write"}


@pytest.fixture
def server() -> Iterator[FakeGitHub]:
    with fake_github() as one:
        one.tokens["t0ken"] = EVERYTHING
        yield one


@pytest.fixture
def github(server: FakeGitHub) -> GitHub:
    return GitHub(server.url, server.repository, "t0ken", pause=lambda seconds: None)


def test_every_page_of_comments_is_read(server: FakeGitHub, github: GitHub) -> None:
    for index in range(230):
        server.say(7, f"comment {index}", {"login": "ada", "type": "User"})

    assert [one.text for one in github.comments(7)] == [f"comment {index}" for index in range(230)]


def test_an_artifact_comes_from_elsewhere_without_the_token(server: FakeGitHub, github: GitHub) -> None:
    server.artifacts["12", "plan-staging"] = {"staging.json": b"{}"}
    server.artifacts["13", "plan-staging"] = {"staging.json": b"of another run"}

    assert github.artifact("12", "plan-staging") == {"staging.json": b"{}"}
    assert github.artifact("12", "plan-prod") is None


def test_what_may_be_repeated_is_when_github_is_busy(server: FakeGitHub, github: GitHub) -> None:
    server.failing += [502, 429]
    comment = server.say(7, "before", {"login": "ada", "type": "User"})

    github.edit_comment(comment["id"], "after")

    assert comment["body"] == "after"


def test_a_comment_is_not_written_twice_though_the_first_answer_was_lost(server: FakeGitHub, github: GitHub) -> None:
    server.failing.append(502)

    with pytest.raises(MlsystemError, match="GitHub answers 502 to POST acme/bikes/issues/7/comments"):
        github.write_comment(7, "once")


def test_a_job_that_lacks_a_permission_is_told_so(server: FakeGitHub, github: GitHub) -> None:
    server.tokens["t0ken"] = {"pull-requests": "read"}

    with pytest.raises(MlsystemError, match="403") as raised:
        github.write_comment(7, "not allowed")
    assert raised.value.hint is not None
    assert "permissions" in raised.value.hint


def test_a_token_is_shown_nowhere(github: GitHub) -> None:
    assert "t0ken" not in repr(github)


def test_without_a_token_it_says_where_one_comes_from() -> None:
    with pytest.raises(MlsystemError, match="GITHUB_TOKEN is not set"):
        github_of({"GITHUB_REPOSITORY": "acme/bikes"})


def test_github_out_of_reach_is_an_error_of_the_world() -> None:
    with pytest.raises(MlsystemError, match="GitHub does not answer"):
        GitHub("http://127.0.0.1:9", "acme/bikes", "t").pulls_of("0" * 40)


def test_a_damaged_artifact_is_refused() -> None:
    with pytest.raises(MlsystemError, match="damaged"):
        unpacked(b"no archive", "plan-staging")
