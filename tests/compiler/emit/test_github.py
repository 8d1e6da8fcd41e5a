"""The workflow of a review, as values and as text."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from mlsystem.emit.github import ACTIONS, emit_github, workflow, workflow_path, workflow_text
from mlsystem.emit.github_access import FOLDER, access_documents
from mlsystem.system.review import Review, ReviewedEnvironment

ROLE = "arn:aws:iam::111122223333:role/delay"
STAGING = ReviewedEnvironment("staging", "eu-central-1", f"{ROLE}-staging-plan", f"{ROLE}-staging-apply")
PROD = ReviewedEnvironment("prod", "eu-central-1", f"{ROLE}-prod-plan", f"{ROLE}-prod-apply")
REVIEW = Review(
    system="delay",
    repository="acme@12/delay@34",
    branch="main",
    drift="0 5 * * *",
    folder=None,
    runner="ubuntu-24.04",
    requirements=None,
    variables=("PEAK",),
    environments=(STAGING, PROD),
)


@pytest.fixture
def jobs() -> dict[str, Any]:
    found: dict[str, Any] = workflow(REVIEW)["jobs"]
    return found


def steps(jobs: dict[str, Any], action: str) -> dict[str, Any]:
    """What each job that uses an action gives it."""
    return {
        name: step["with"] for name, job in jobs.items() for step in job["steps"]
        if step.get("uses", "").startswith(f"{action}@")
    }  # fmt: skip


def test_the_text_is_the_value(jobs: dict[str, Any]) -> None:
    read = yaml.load(workflow_text(REVIEW), Loader=yaml.BaseLoader)

    assert list(read) == ["name", "on", "permissions", "concurrency", "env", "defaults", "jobs"]
    assert list(read["jobs"]) == list(jobs)


def test_every_action_is_pinned_by_its_commit_and_says_its_version() -> None:
    used = re.findall(r"uses: (\S+)@(\S+) # (v\d+\.\d+\.\d+)\n", workflow_text(REVIEW))

    assert len(used) == workflow_text(REVIEW).count("uses:")
    assert {name: (commit, version) for name, commit, version in used} == ACTIONS
    assert all(re.fullmatch(r"[0-9a-f]{40}", commit) for commit, _ in ACTIONS.values())


def test_a_job_has_no_permission_that_it_does_not_name(jobs: dict[str, Any]) -> None:
    assert workflow(REVIEW)["permissions"] == {}
    assert {name: job["permissions"] for name, job in jobs.items() if "write" in job["permissions"].values()} == {
        "plan-staging": {"actions": "read", "contents": "read", "pull-requests": "read", "id-token": "write"},
        "plan-prod": {"actions": "read", "contents": "read", "pull-requests": "read", "id-token": "write"},
        "comment": {"contents": "read", "pull-requests": "write"},
        "apply-staging": {"actions": "read", "contents": "read", "pull-requests": "write", "id-token": "write"},
        "apply-prod": {"actions": "read", "contents": "read", "pull-requests": "write", "id-token": "write"},
        "drift": {"contents": "read", "issues": "write"},
    }


def test_a_plan_of_a_push_has_the_history_in_which_the_commit_before_is(jobs: dict[str, Any]) -> None:
    """However many commits came with it; of a pull request the merge and its parents are enough."""
    depths = {name: one["fetch-depth"] for name, one in steps(jobs, "actions/checkout").items()}

    assert depths.pop("plan-staging") == depths.pop("plan-prod") == "${{ github.event_name == 'push' && '0' || '2' }}"
    assert set(depths.values()) == {1}


def test_only_the_job_behind_the_approval_gets_the_role_that_changes_things(jobs: dict[str, Any]) -> None:
    asked = steps(jobs, "aws-actions/configure-aws-credentials")
    taken = {name: one["role-to-assume"] for name, one in asked.items()}

    assert taken == {
        "plan-staging": STAGING.plan_role, "plan-prod": PROD.plan_role,
        "apply-staging": STAGING.apply_role, "apply-prod": PROD.apply_role,
    }  # fmt: skip
    assert {name: job["environment"] for name, job in jobs.items() if "environment" in job} == {
        "apply-staging": "staging", "apply-prod": "prod",
    }  # fmt: skip


def test_nothing_is_installed_or_checked_out_with_credentials(jobs: dict[str, Any]) -> None:
    for job in jobs.values():
        names = [step.get("uses", step.get("run", "")).split("@")[0] for step in job["steps"]]
        last = max(index for index, name in enumerate(names) if "checkout" in name or "pip install" in name)
        assert all("credentials" not in name for name in names[:last])
    assert {str(one["persist-credentials"]) for one in steps(jobs, "actions/checkout").values()} == {"False"}


def test_what_somebody_else_writes_reaches_no_shell(jobs: dict[str, Any]) -> None:
    """Titles, names of branches and bodies stand in the event's file, which commands read."""
    ran = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]

    assert not [command for command in ran if "${{" in command]
    assert "pull_request_target" not in workflow_text(REVIEW)
    assert "workflow_run" not in workflow_text(REVIEW)
    assert "secrets." not in workflow_text(REVIEW)


def test_a_fork_is_checked_and_no_more(jobs: dict[str, Any]) -> None:
    guarded = "github.event.pull_request.head.repo.full_name == github.repository"
    own = {name for name, job in jobs.items() if guarded in job.get("if", "")}

    assert set(jobs) - own == {"check", "apply-staging", "apply-prod"}
    assert all("github.event_name != 'pull_request'" in jobs[f"apply-{name}"]["if"] for name in ("staging", "prod"))
    assert jobs["check"]["permissions"] == {"contents": "read"}
    assert [one for step in jobs["check"]["steps"] for one in step if one == "env"] == []


def test_environments_are_applied_one_after_the_other_and_one_at_a_time(jobs: dict[str, Any]) -> None:
    assert jobs["apply-prod"]["needs"] == ["plan-prod", "comment", "apply-staging"]
    assert jobs["apply-prod"]["concurrency"] == {"group": "mlsystem-delay-prod", "cancel-in-progress": False}
    assert jobs["apply-staging"]["concurrency"]["group"] == "mlsystem-delay-staging"


def test_a_runner_is_given_the_variables_that_the_file_has_no_value_for() -> None:
    assert workflow(REVIEW)["env"] == {"PEAK": "${{ vars.PEAK }}"}


def test_one_system_of_many_in_a_repository_has_a_workflow_of_its_own() -> None:
    review = replace(REVIEW, folder="systems/delay")
    jobs = workflow(review)["jobs"]

    assert workflow_path(review) == ".github/workflows/mlsystem-delay.yml"
    assert review.root == "../.."
    assert workflow(review)["defaults"]["run"]["working-directory"] == "systems/delay"
    assert steps(jobs, "actions/upload-artifact")["plan-prod"]["path"] == "systems/delay/plan/prod.*"
    assert steps(jobs, "actions/download-artifact")["comment"]["path"] == "systems/delay/plan"


def test_a_runner_with_access_of_its_own_takes_no_role() -> None:
    inside = ReviewedEnvironment("staging", None, None, None)
    review = replace(REVIEW, environments=(inside,), runner="in-the-cluster")
    jobs = workflow(review)["jobs"]

    assert steps(jobs, "aws-actions/configure-aws-credentials") == {}
    assert all("id-token" not in job["permissions"] for job in jobs.values())
    assert jobs["apply-staging"]["runs-on"] == "in-the-cluster"
    assert jobs["check"]["runs-on"] == "ubuntu-24.04", "a fork's pull request runs there"
    assert list(access_documents(review)) == []


def test_requirements_are_installed_with_their_hashes() -> None:
    text = workflow_text(replace(REVIEW, requirements="mlsystem.txt"))

    assert "python -m pip install --require-hashes -r mlsystem.txt" in text
    assert "mlsystem[kubernetes]" not in text


def test_a_role_is_for_the_jobs_that_need_it() -> None:
    documents = [one for one in access_documents(REVIEW) if one.path.endswith(".trust.json")]
    found = {one.path.rpartition("/")[2]: json.loads(one.content)["Statement"][0] for one in documents}
    subjects = {
        name: one["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] for name, one in found.items()
    }

    assert subjects["delay-staging-delay-staging-plan.trust.json"] == [
        "repo:acme@12/delay@34:pull_request", "repo:acme@12/delay@34:ref:refs/heads/main",
    ]  # fmt: skip
    assert subjects["delay-prod-delay-prod-apply.trust.json"] == ["repo:acme@12/delay@34:environment:prod"]
    assert {one["Action"] for one in found.values()} == {"sts:AssumeRoleWithWebIdentity"}
    assert "*" not in json.dumps(found)


def test_all_stand_below_the_folder_that_github_reads() -> None:
    paths = [one.path for one in emit_github(REVIEW)]

    assert paths[0] == ".github/workflows/mlsystem.yml"
    assert len(paths) == len(set(paths)) == 5
    assert all(path.startswith(f"{FOLDER}/") for path in paths[1:])


ACCOUNT = replace(
    PROD, account=True, places=("s3://acme-pulumi/delay?region=eu-central-1",), entry="delay-prod",
    bucket="delay-prod-111122223333",
)  # fmt: skip


def rights(role: str) -> list[dict[str, Any]]:
    """What a role may do, with an environment that is an AWS account."""
    documents = access_documents(replace(REVIEW, environments=(ACCOUNT,)))
    text = next(one.content for one in documents if one.path.endswith(f"-{role}.rights.json"))
    found: list[dict[str, Any]] = json.loads(text)["Statement"]
    return found


def test_a_plan_reads_how_things_are_set_up_and_nothing_that_they_hold() -> None:
    actions = {action for one in rights("plan") for action in one["Action"]}
    reading = re.compile(r"\w+:(Describe|List|Get|View)\w*\*?")

    assert all(reading.fullmatch(action) for action in actions)
    assert not actions & {"secretsmanager:GetSecretValue", "dynamodb:GetItem", "kms:Decrypt", "logs:GetLogEvents"}
    assert [one["Resource"] for one in rights("plan") if "s3:GetObject" in one["Action"]] == [
        ["arn:aws:s3:::acme-pulumi/delay/*"]
    ]


def test_what_has_no_name_is_bound_to_the_region() -> None:
    for one in (*rights("plan"), *rights("apply")):
        if one["Resource"] == ["*"]:
            assert one["Condition"]["StringEquals"]["aws:RequestedRegion"] == "eu-central-1"


def test_the_first_apply_of_an_account_makes_the_roles_of_the_services_that_it_uses() -> None:
    (linked,) = (one["Resource"] for one in rights("apply") if one["Action"] == ["iam:CreateServiceLinkedRole"])

    assert "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/*" in linked
    assert all(one.endswith(".amazonaws.com/*") for one in linked)


def test_nobody_changes_the_roles_of_the_review() -> None:
    denied = [one for one in rights("apply") if one["Effect"] == "Deny"]

    assert denied == [{"Effect": "Deny", "Action": ["iam:*"], "Resource": [PROD.plan_role, PROD.apply_role]}]


def test_documents_fit_where_aws_keeps_them() -> None:
    """An inline policy of a role: 10,240 characters without white space; a trust: 2,048."""
    for one in access_documents(replace(REVIEW, environments=(ACCOUNT,))):
        longest = 2048 if one.path.endswith(".trust.json") else 10_240
        assert len(json.dumps(json.loads(one.content), separators=(",", ":"))) <= longest


def test_a_cluster_alone_wants_no_more_than_what_is_remembered() -> None:
    assert [one for one in access_documents(REVIEW) if one.path.endswith(".rights.json")] == []
    remembering = replace(STAGING, places=("s3://acme-pulumi",))
    documents = access_documents(replace(REVIEW, environments=(remembering,)))
    found = [json.loads(one.content)["Statement"] for one in documents if one.path.endswith(".rights.json")]

    assert [[action for one in statements for action in one["Action"]] for statements in found] == [
        ["s3:ListBucket", "s3:GetObject"], ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
    ]  # fmt: skip
