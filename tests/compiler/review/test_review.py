"""Which plan a merge carries out, and what is said about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from github_server import BOT, FakeGitHub, fake_github
from msgspec.structs import replace

from mlsystem.errors import MlsystemError
from mlsystem.plan.change import NodeAdded
from mlsystem.plan.consequence import Consequence
from mlsystem.plan.plan import FORMAT, Plan, save_plan
from mlsystem.plan.preview import ObjectChange, Preview
from mlsystem.review.approval import UnapprovedError, check_approved
from mlsystem.review.comment import LIMIT, MERGE, PLAN, kept_in, merge_comment, plan_comment, put_comment
from mlsystem.review.drift import report_drift
from mlsystem.review.github import GitHub
from mlsystem.review.merge import planned_for_merge, planned_now
from mlsystem.review.planned import Planned, Shown, read_planned, read_shown, write_planned
from mlsystem.review.run import PARENT, Run, run_of
from mlsystem.state.manifest import Observation
from mlsystem.system.snapshot import Kind

COMMIT = "c0ffee"
ADDED = NodeAdded(node="source.rides", kind=Kind.SOURCE, consequence=Consequence.RE_INGEST)
PLANNED = Plan(
    format=FORMAT, tool="1", system="bikes", environment="staging", closure="c1", lineage="l", base_serial=3,
    observations=(Observation(source="rides", uri="s3://bikes/rides.csv", digest="d1"),), changes=(ADDED,),
    steps=("ingest.rides",), deletes=(), notes=("Run 7 is under way.",), unchanged=4,
)  # fmt: skip
RUN = "https://github.example.com/acme/bikes/actions/runs/20"
HERE = Run("merge", "acme/bikes", COMMIT, PARENT, "20", RUN, None, {})
MARKDOWN = "### `staging`: ingests rides\n"


@pytest.fixture
def server() -> Iterator[FakeGitHub]:
    with fake_github() as one:
        one.tokens["t"] = {"actions": "read", "pull-requests": "write", "issues": "write"}
        one.pulls[COMMIT] = [{"number": 7, "merged_at": "2026-01-01", "base": {"ref": "main"}}]
        yield one


@pytest.fixture
def github(server: FakeGitHub) -> GitHub:
    return GitHub(server.url, server.repository, "t", pause=lambda seconds: None)


def shown(plan: Plan = PLANNED, **differing: Any) -> Shown:
    return Shown(plan.environment, replace(planned_now(plan), **differing), MARKDOWN)


def reviewed(server: FakeGitHub, plan: Plan = PLANNED, user: dict[str, str] = BOT) -> None:
    """As if the run 12 had planned pull request 7."""
    body = plan_comment([shown(plan)], "bikes", Run("pull_request", "acme/bikes", "1", PARENT, "12", "URL", 7, {}))
    server.say(7, body, user)
    server.artifacts["12", "plan-staging"] = {"staging.json": save_plan(plan).encode()}


def test_the_reviewed_plan_comes_back_byte_for_byte(server: FakeGitHub, github: GitHub) -> None:
    reviewed(server)
    now = replace(PLANNED, notes=("Run 8 is under way.",))

    plan, planned = planned_for_merge(now, github, HERE, "main")

    assert (plan, planned.digest, planned.reviewed, planned.reasons) == (PLANNED, PLANNED.digest, True, ())
    assert planned.pull_request == 7


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (replace(PLANNED, base_serial=4), "it was made against serial 3 of the state, which is now at 4"),
        (replace(PLANNED, closure="c2"), "the files that it was made from have changed"),
        (
            replace(PLANNED, observations=(Observation(source="rides", uri="s3://bikes/rides.csv", digest="d2"),)),
            "the data of source 'rides' has changed",
        ),
        (
            replace(PLANNED, preview=Preview((ObjectChange("delete", "Service", "other"),), 0)),
            "it would not do the same any more",
        ),
    ],
    ids=["serial", "files", "data", "preview"],
)
def test_a_plan_that_something_moved_under_is_made_anew_and_says_what(
    now: Plan, reason: str, server: FakeGitHub, github: GitHub
) -> None:
    reviewed(server)

    plan, planned = planned_for_merge(now, github, HERE, "main")

    assert (plan, planned.reviewed, planned.digest) == (now, False, now.digest)
    assert len(planned.reasons) == 1
    assert reason in planned.reasons[0]


def test_a_plan_that_was_forged_is_not_carried_out(server: FakeGitHub, github: GitHub) -> None:
    """Who may write to the repository could replace the artifact and edit the comment: the branch says otherwise."""
    forged = replace(PLANNED, deletes=("everything",), changes=())
    reviewed(server, forged)

    plan, planned = planned_for_merge(PLANNED, github, HERE, "main")

    assert (plan, planned.reviewed) == (PLANNED, False)


def test_an_artifact_that_is_not_what_the_comment_shows_is_refused(server: FakeGitHub, github: GitHub) -> None:
    reviewed(server)
    server.artifacts["12", "plan-staging"] = {"staging.json": save_plan(replace(PLANNED, unchanged=5)).encode()}

    _, planned = planned_for_merge(PLANNED, github, HERE, "main")

    assert planned.reasons == ("what is kept as the reviewed plan of staging is not what its comment shows",)


def test_a_comment_of_somebody_else_counts_for_nothing(server: FakeGitHub, github: GitHub) -> None:
    reviewed(server, user={"login": "mallory", "type": "User"})
    reviewed(server, user={"login": "github-actions[bot]", "type": "User"})

    _, planned = planned_for_merge(PLANNED, github, HERE, "main")

    assert planned.reasons == ("pull request 7 showed no plan of staging",)


def test_a_comment_of_a_run_that_quotes_our_line_or_of_nobody_counts_for_nothing(
    server: FakeGitHub, github: GitHub
) -> None:
    another = Run("pull_request", "acme/bikes", "1", PARENT, "9", "URL", 7, {})
    forged = plan_comment([shown(digest="f")], "bikes", another)
    server.say(7, f"The linter found:\n\n{forged}", BOT)
    server.comments[7].append({"id": 99, "user": None, "body": forged})
    reviewed(server)

    _, planned = planned_for_merge(PLANNED, github, HERE, "main")

    assert planned.reviewed


def test_a_plan_that_is_not_kept_any_more_is_made_anew(server: FakeGitHub, github: GitHub) -> None:
    reviewed(server)
    server.artifacts.clear()

    _, planned = planned_for_merge(PLANNED, github, HERE, "main")

    assert planned.reasons == ("the reviewed plan of staging is not kept any more",)


def test_what_came_without_a_pull_request_was_not_reviewed(server: FakeGitHub, github: GitHub) -> None:
    server.pulls.clear()

    _, planned = planned_for_merge(PLANNED, github, HERE, "main")

    assert (planned.reasons, planned.pull_request) == (("it came with no pull request",), None)


def test_a_pull_request_into_another_branch_is_not_the_one(server: FakeGitHub, github: GitHub) -> None:
    server.pulls[COMMIT][0]["base"]["ref"] = "release"

    assert planned_for_merge(PLANNED, github, HERE, "main")[1].pull_request is None


def test_where_nothing_changes_nothing_is_asked(server: FakeGitHub, github: GitHub) -> None:
    planned_for_merge(replace(PLANNED, changes=()), github, HERE, "main")

    assert server.calls == []


def test_a_plan_made_anew_wants_the_approval_of_this_run(server: FakeGitHub, github: GitHub) -> None:
    planned = planned_now(PLANNED)
    server.approve("20", "staging", "rejected")
    server.approve("20", "prod")
    server.approve("19", "staging")

    with pytest.raises(UnapprovedError, match="nobody has approved it"):
        check_approved(planned, github, "20")
    server.approve("20", "staging")
    check_approved(planned, github, "20")


def test_one_comment_is_written_anew_in_place(server: FakeGitHub, github: GitHub) -> None:
    server.say(7, "looks good <!-- mlsystem plan of bikes: {} -->", {"login": "mallory", "type": "User"})
    first, second = (plan_comment([shown(replace(PLANNED, unchanged=one))], "bikes", HERE) for one in (1, 2))

    assert [put_comment(github, 7, PLAN, "bikes", body) for body in (first, second, second)] == [True, False, False]
    assert [one["body"] for one in server.comments[7]][1:] == [second]
    assert [call.split()[0] for call in server.calls].count("PATCH") == 1


def test_two_systems_of_a_repository_do_not_share_a_comment(server: FakeGitHub, github: GitHub) -> None:
    put_comment(github, 7, PLAN, "bikes", plan_comment([shown()], "bikes", HERE))
    put_comment(github, 7, PLAN, "bikes-two", plan_comment([shown()], "bikes-two", HERE))

    assert len(server.comments[7]) == 2


def test_the_comment_carries_the_digest_and_the_run_for_people_and_for_the_merge() -> None:
    body = plan_comment([shown()], "bikes", HERE)

    assert body.count(PLANNED.digest) == 2
    assert kept_in(body, PLAN, "bikes")["staging"].run == "20"
    assert kept_in(body, MERGE, "bikes") == kept_in("<!-- mlsystem plan of bikes: {no -->", PLAN, "bikes") == {}


def test_what_is_lost_and_what_failed_comes_first() -> None:
    calm, lossy = shown(), Shown("prod", planned_now(PLANNED), "### `prod`: x\n> [!CAUTION]\n")
    body = plan_comment([calm, lossy, Shown("edge")], "bikes", HERE)

    assert body.index("`edge` could not be planned") < body.index("### `prod`") < body.index("### `staging`")


def test_a_comment_fits_whatever_it_is_made_of() -> None:
    body = plan_comment([Shown(f"e{one}", planned_now(PLANNED), "é" * 30_000) for one in range(4)], "bikes", HERE)

    assert len(body.encode()) <= LIMIT
    assert body.endswith("shows all of it.\n")
    assert kept_in(body, PLAN, "bikes")["e3"].digest == PLANNED.digest


def test_after_a_merge_only_what_was_not_reviewed_is_spoken_of() -> None:
    assert merge_comment([shown(reviewed=True), shown(empty=True)], "bikes", HERE) is None
    said = merge_comment([shown(reasons=("the data of source 'rides' has changed",))], "bikes", HERE)

    assert said is not None
    assert "The plan is stale: the data of source 'rides' has changed." in said
    assert MARKDOWN.strip() in said


def test_drift_opens_one_issue_keeps_it_up_to_date_and_closes_it(server: FakeGitHub, github: GitHub) -> None:
    outside = replace(PLANNED, changes=(), preview=Preview((), 3, (ObjectChange("update", "Service", "server"),)))
    other = Shown("staging", planned_now(outside), "### another\n")
    calm = [shown(replace(PLANNED, changes=()))]

    assert "an issue is opened" in report_drift([shown(outside)], "bikes", github, HERE)[0]
    assert "says how" in report_drift([other], "bikes", github, HERE)[0]
    assert len(server.issues) == 1
    assert "### another" in server.issues[0]["body"]
    assert "is closed" in report_drift(calm, "bikes", github, HERE)[0]
    assert server.issues[0]["state"] == "closed"
    assert report_drift(calm, "bikes", github, HERE) == ("staging is as it was applied",)
    assert report_drift([Shown("staging")], "bikes", github, HERE)[0].startswith("staging could not be looked at")
    assert len(server.issues) == 1


def test_a_plan_travels_with_what_is_known_of_it(tmp_path: Path) -> None:
    file = tmp_path / "staging.json"
    write_planned(file, PLANNED, planned_now(PLANNED), MARKDOWN)

    assert read_planned(file) == (PLANNED, planned_now(PLANNED))
    assert [one.environment for one in read_shown([file, tmp_path / "prod.json"]) if one.planned is None] == ["prod"]


def test_a_plan_beside_words_about_another_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "staging.json"
    write_planned(file, PLANNED, replace(planned_now(PLANNED), digest="0" * 32), MARKDOWN)

    with pytest.raises(MlsystemError, match="is not the plan 0000"):
        read_planned(file)


def test_outside_a_workflow_it_says_what_to_do_instead() -> None:
    with pytest.raises(MlsystemError, match="no step of a GitHub workflow") as raised:
        run_of({})
    assert raised.value.hint == "here, `mlsystem plan` and `mlsystem apply` do the same"


@pytest.mark.parametrize("name", ["pull_request_target", "issue_comment"])
def test_an_event_that_anybody_can_cause_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text("{}")
    environ = {
        "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(tmp_path / "event.json"), "GITHUB_RUN_ID": "1",
        "GITHUB_REPOSITORY": "acme/bikes", "GITHUB_SERVER_URL": "https://github.example.com",
    }  # fmt: skip

    with pytest.raises(MlsystemError, match=f"nothing is reviewed on the event '{name}'"):
        run_of(environ)


def test_a_saved_plan_is_the_same_after_a_journey() -> None:
    assert isinstance(planned_now(PLANNED), Planned)
    assert planned_now(PLANNED).digest == PLANNED.digest
