"""The workflow of GitHub Actions that plans pull requests, applies what was merged, and looks for drift.

Its jobs have what they need and no more: plans are made with a role that may read, changes with one that only the job
behind the environment's approval gets, and what writes to the pull request has no role at all. What a pull request
says reaches no shell: commands read it from the event's file. A fork's gets neither a role nor a token that writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from mlsystem.emit.github_access import FOLDER, access_documents
from mlsystem.emit.manifests import block
from mlsystem.emit.tree import Artifact
from mlsystem.system.review import Review, ReviewedEnvironment

Body = dict[str, Any]
ACTIONS = {
    "actions/checkout": ("de0fac2e4500dabe0009e67214ff5f5447ce83dd", "v6.0.2"),
    "actions/setup-python": ("a309ff8b426b58ec0e2a45f0f869d46889d02405", "v6.2.0"),
    "actions/upload-artifact": ("b7c566a772e6b6bfb58ed0dc250532a479d7789f", "v6.0.0"),
    "actions/download-artifact": ("37930b1c2abaa49bbe596cd826c3c89aef350131", "v7.0.0"),
    "aws-actions/configure-aws-credentials": ("8df5847569e6427dd6c4fb1cf565c83acfa8afa7", "v6.0.0"),
}
"""Pinned by commit: a tag can be moved."""

PYTHON = "3.12"
DEPTH = "${{ github.event_name == 'push' && '0' || '2' }}"
"""A push may bring any number of commits; a pull request is checked out as one, merged."""

DAYS = 30
"""How long a reviewed plan waits for its merge."""

PLACES = (".github/workflows/mlsystem*.yml", f"{FOLDER}/*.json")
"""Where all files of all reviews are."""

MERGED = "github.event_name != 'pull_request' && github.event_name != 'schedule'"
TOKEN = {"GITHUB_TOKEN": "${{ github.token }}"}


def emit_github(review: Review) -> Iterator[Artifact]:
    """Paths are those of the repository."""
    yield Artifact(workflow_path(review), workflow_text(review))
    yield from access_documents(review)


def workflow_path(review: Review) -> str:
    name = "mlsystem" if review.folder is None else f"mlsystem-{review.system}"
    return f".github/workflows/{name}.yml"


def workflow_text(review: Review) -> str:
    """As YAML; behind each action the version that its commit is."""
    text = "\n".join(block(workflow(review), "")) + "\n"
    for name, (commit, version) in ACTIONS.items():
        text = text.replace(f"{name}@{commit}\n", f"{name}@{commit} # {version}\n")
    return f"# Written by `mlsystem compile` from `review` in mlsystem.yaml.\n{text}"


def workflow(review: Review) -> Body:
    passed = {name: f"${{{{ vars.{name} }}}}" for name in review.variables}
    where = {} if review.folder is None else {"working-directory": review.folder}
    return {
        "name": f"mlsystem {review.system}",
        "on": {
            "pull_request": {"branches": [review.branch]},
            "push": {"branches": [review.branch]},
            "schedule": [{"cron": review.drift}],
            "workflow_dispatch": {},
        },
        "permissions": {},
        "concurrency": {  # merges are applied one after the other; of a pull request only the newest commit matters
            "group": f"mlsystem-{review.system}-${{{{ github.event_name }}}}-${{{{ github.ref }}}}",
            "cancel-in-progress": "${{ github.event_name == 'pull_request' }}",
        },
        **({"env": passed} if passed else {}),
        "defaults": {"run": {"shell": "bash", **where}},
        "jobs": dict(jobs(review)),
    }


def own(review: Review) -> str:
    """Neither a fork's pull request nor a fork itself."""
    name = re.sub(r"@[0-9]+", "", review.repository)
    ours = "github.event.pull_request.head.repo.full_name == github.repository"
    return f"github.repository == '{name}' && (github.event_name != 'pull_request' || {ours})"


def jobs(review: Review) -> Iterator[tuple[str, Body]]:
    yield "check", check_job(review)
    for one in review.environments:
        yield f"plan-{one.name}", plan_job(review, one)
    yield "comment", comment_job(review)
    before: list[str] = []
    for one in review.environments:
        yield f"apply-{one.name}", apply_job(review, one, before)
        before = [f"apply-{one.name}"]
    yield "drift", drift_job(review)


def check_job(review: Review) -> Body:
    """For everybody, forks too: it needs nothing but the files."""
    names = [one.name for one in review.environments]
    compiled = [run(f"mlsystem compile --check -e {name}") for name in names]
    steps = [*installed(review), run(f"mlsystem validate -e {names[0]}"), *compiled]
    return {
        # never on a machine of the company's own: a fork's pull request runs here
        "runs-on": "ubuntu-24.04", "timeout-minutes": 15, "permissions": {"contents": "read"}, "steps": steps,
    }  # fmt: skip


def plan_job(review: Review, one: ReviewedEnvironment) -> Body:
    """Of a pull request: what would change. After the merge: what was reviewed, if that still is what would change."""
    command = f"mlsystem review plan -e {one.name} --out {plan_file(one)}"
    return {
        "needs": "check",
        "if": own(review),
        "runs-on": review.runner,
        "timeout-minutes": 30,
        "permissions": {"actions": "read", "contents": "read", "pull-requests": "read", **oidc(one)},
        "outputs": {"changes": "${{ steps.plan.outputs.changes }}"},
        "steps": [
            *installed(review, DEPTH),
            *credentials(one, one.plan_role),
            {"id": "plan", **run(command), "env": TOKEN},
            use("actions/upload-artifact", {
                "name": artifact_name(one), "path": inside(review, f"plan/{one.name}.*"), "retention-days": DAYS,
                "if-no-files-found": "error",
            }),
        ],
    }  # fmt: skip


def comment_job(review: Review) -> Body:
    """One comment, written anew in place. Also where a plan could not be made: then it says so."""
    return {
        "needs": [f"plan-{one.name}" for one in review.environments],
        "if": f"!cancelled() && github.event_name != 'schedule' && {own(review)} && needs.plan-"
              f"{review.environments[0].name}.result != 'skipped'",
        **reporting(review, "pull-requests"),
        "steps": [*downloaded(review, "plan-*"), {**run(f"mlsystem review comment {told(review)}"), "env": TOKEN}],
    }  # fmt: skip


def apply_job(review: Review, one: ReviewedEnvironment, before: list[str]) -> Body:
    """Behind the approval of the environment. `before`: what has to be done first."""
    plan = f"plan-{one.name}"
    return {
        "needs": [plan, "comment", *before],
        "if": f"!cancelled() && !failure() && {MERGED} && github.ref == 'refs/heads/{review.branch}'"
              f" && needs.{plan}.outputs.changes == 'true'",
        "runs-on": review.runner,
        "timeout-minutes": 120,
        "environment": one.name,
        "concurrency": {"group": f"mlsystem-{review.system}-{one.name}", "cancel-in-progress": False},
        "permissions": {"actions": "read", "contents": "read", "pull-requests": "write", **oidc(one)},
        "steps": [
            *downloaded(review, artifact_name(one)),
            *credentials(one, one.apply_role),
            {**run(f"mlsystem review apply -e {one.name} {plan_file(one)}"), "env": TOKEN},
        ],
    }  # fmt: skip


def drift_job(review: Review) -> Body:
    """One issue of each environment that is not what was applied."""
    return {
        "needs": [f"plan-{one.name}" for one in review.environments],
        "if": f"!cancelled() && github.event_name == 'schedule' && {own(review)}",
        **reporting(review, "issues"),
        "steps": [*downloaded(review, "plan-*"), {**run(f"mlsystem review drift {told(review)}"), "env": TOKEN}],
    }


def reporting(review: Review, what: str) -> Body:
    """A job that writes to GitHub, and reaches nothing else."""
    return {"runs-on": review.runner, "timeout-minutes": 10, "permissions": {"contents": "read", what: "write"}}


def downloaded(review: Review, pattern: str) -> list[Body]:
    found = {"pattern": pattern, "path": inside(review, "plan"), "merge-multiple": True}
    return [*installed(review), use("actions/download-artifact", found)]


def installed(review: Review, depth: int | str = 1) -> list[Body]:
    """Before any credentials are there. `depth` of the history, 0: all of it."""
    asked = f'"mlsystem[kubernetes]=={metadata.version("mlsystem")}"'
    if review.requirements is not None:
        asked = f"--require-hashes -r {review.requirements}"
    return [
        use("actions/checkout", {"persist-credentials": False, "fetch-depth": depth}),
        use("actions/setup-python", {"python-version": PYTHON}),
        run(f"python -m pip install {asked}"),
    ]


def credentials(one: ReviewedEnvironment, role: str | None) -> list[Body]:
    """A token of this job for an hour of a role; nothing is stored."""
    if role is None:
        return []
    asked = {"role-to-assume": role, "aws-region": one.region, "mask-aws-account-id": True}
    return [use("aws-actions/configure-aws-credentials", asked)]


def oidc(one: ReviewedEnvironment) -> Body:
    return {} if one.plan_role is None else {"id-token": "write"}


def told(review: Review) -> str:
    return " ".join(["--system", review.system, *(plan_file(one) for one in review.environments)])


def plan_file(one: ReviewedEnvironment) -> str:
    return f"plan/{one.name}.json"


def artifact_name(one: ReviewedEnvironment) -> str:
    return f"plan-{one.name}"


def inside(review: Review, path: str) -> str:
    """A path for an action, which begins at the repository's folder."""
    return path if review.folder is None else f"{review.folder}/{path}"


def use(action: str, options: Body) -> Body:
    commit, _ = ACTIONS[action]
    return {"uses": f"{action}@{commit}", "with": options}


def run(command: str) -> Body:
    return {"run": command}
