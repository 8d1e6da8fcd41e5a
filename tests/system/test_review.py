"""The life of a pull request: every step of the generated workflow in order, against a bare repository, a registry, a
bucket for the state and a double of GitHub. A runner has nothing but its checkout, and a role where its job takes one.
What is applied is the real thing, to a cluster that takes its objects from the repository."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from github_server import FakeGitHub, fake_github
from oci_registry import OCI_MANIFEST, StoredRegistry, oci_registry
from workflow_runner import Job, Runner, git

PROJECT = Path(__file__).resolve().parents[1] / "cli" / "project"
ROLE = "arn:aws:iam::111122223333:role/bikes-staging"
REVIEW = f"""
  staging:
    target: kubernetes
    registry: {{registry}}/ml
    delivery: gitops
    state: {{state}}
    workspace: s3://bikes/staging
    platform: {{{{argo_workflows: true}}}}
    clock: data
    override: {{{{sources: {{{{rides: {{{{uri: "s3://bikes/rides.csv"}}}}}}}}}}}}
monitoring:
  alerts: {{{{to: [{{{{kind: webhook, url: "${{{{secret:ALERT_URL}}}}"}}}}]}}}}
review:
  github:
    repository: acme/bikes
    environments:
      staging: {{{{region: eu-central-1, plan_role: "{ROLE}-plan", apply_role: "{ROLE}-apply"}}}}
"""
SECRET = "s3cret-of-the-alert"
PYTHON = """#!/bin/sh
case "$*" in
  "-m pip install "*) echo "$@" >> "{installed}"; echo "already there" ;;
  *) exec "{python}" "$@" ;;
esac
"""


class Everything(dict[tuple[str, str], tuple[str, bytes]]):
    """A registry that has every image already."""

    def get(self, key: tuple[str, str], default: object = None) -> tuple[str, bytes]:
        return OCI_MANIFEST, b"{}"


@dataclass
class Life:
    """A person's clone, and what GitHub makes of what is pushed from it."""

    clone: Path
    runner: Runner
    github: FakeGitHub
    requests: int = 40

    def edit(self, old: str, new: str) -> None:
        spec = self.clone / "mlsystem.yaml"
        text = spec.read_text()
        assert old in text
        spec.write_text(text.replace(old, new))

    def commit(self, message: str) -> str:
        mlsystem(self.clone, "compile", "-e", "staging")
        git(self.clone, "add", "-A")
        git(self.clone, "commit", "-q", "--allow-empty", "-m", message)
        return git(self.clone, "rev-parse", "HEAD").strip()

    def branch(self, name: str) -> int:
        git(self.clone, "checkout", "-q", "-B", name, "main")
        self.requests += 1
        return self.requests

    def push(self, name: str, message: str, number: int, *, fork: bool = False) -> dict[str, Job]:
        commit = self.commit(message)
        git(self.clone, "push", "-q", "-f", "origin", name)
        return self.runner.run("pull_request", commit, number=number, fork=fork)

    def merge(self, name: str, number: int) -> dict[str, Job]:
        """As one commit, as most do it."""
        git(self.clone, "checkout", "-q", "main")
        git(self.clone, "merge", "-q", "--squash", name)
        git(self.clone, "commit", "-qm", f"{name} (#{number})")
        before = git(self.runner.origin, "rev-parse", "main").strip()
        git(self.clone, "push", "-q", "origin", "main")
        commit = git(self.clone, "rev-parse", "HEAD").strip()
        self.github.pulls[commit] = [{"number": number, "merged_at": "2026-01-01T00:00:00Z", "base": {"ref": "main"}}]
        return self.runner.run("push", commit, before=before)

    def apply_by_hand(self) -> None:
        """What is on main, by a person who may."""
        git(self.clone, "checkout", "-q", "main")
        mlsystem(self.clone, "apply", "-e", "staging", path=self.runner.path)

    def scheduled(self) -> dict[str, Job]:
        return self.runner.run("schedule", git(self.clone, "rev-parse", "main").strip())

    def bodies(self, number: int) -> list[str]:
        return [one["body"] for one in self.github.comments.get(number, [])]


def mlsystem(folder: Path, *arguments: str, path: str | None = None) -> str:
    program = Path(sys.executable).parent / "mlsystem"
    environ = {**os.environ, "PATH": path or os.environ["PATH"]}
    done = subprocess.run([program, *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def life(tmp_path: Path, bucket_uri: str, s3: Mapping[str, str]) -> Iterator[Life]:
    """A repository whose first commit on main is what no environment has yet."""
    origin, clone, programs = (tmp_path / name for name in ("origin.git", "clone", "bin"))
    for folder in (clone, programs):
        folder.mkdir()
    real = Path(sys.executable).parent
    program(programs / "python", PYTHON.format(installed=tmp_path / "installed", python=sys.executable))
    program(programs / "docker", "#!/bin/sh\nexit 0\n")
    (programs / "mlsystem").symlink_to(real / "mlsystem")
    with fake_github() as github, oci_registry(StoredRegistry(manifests=Everything())) as registry:
        git(tmp_path, "init", "-q", "--bare", "-b", "main", str(origin))
        reviewed = REVIEW.format(registry=registry.host, state=bucket_uri).lstrip("\n")
        (clone / "mlsystem.yaml").write_text((PROJECT / "mlsystem.yaml").read_text() + reviewed)
        (clone / ".gitignore").write_text(".mlsystem/\n")
        git(clone, "init", "-q", "-b", "main")
        git(clone, "config", "user.email", "ada@example.com")
        git(clone, "config", "user.name", "Ada")
        git(clone, "remote", "add", "origin", str(origin))
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        known = {name: value for name, value in s3.items() if "KEY" not in name}
        runner = Runner(origin, tmp_path / "runs", github, path, environ={**known, "ALERT_URL": SECRET})
        one = Life(clone, runner, github)
        one.commit("The first of all")
        git(clone, "push", "-q", "origin", "main")
        yield one


def results(jobs: dict[str, Job]) -> dict[str, str]:
    return {name: job.result for name, job in jobs.items()}


def everything_said(life: Life, *runs: dict[str, Job]) -> str:
    """Logs, comments, issues, summaries and artifacts."""
    logs = [job.log for run in runs for job in run.values()]
    written = [one["body"] for said in life.github.comments.values() for one in said]
    kept = [content.decode() for files in life.github.artifacts.values() for content in files.values()]
    summaries = [path.read_text() for path in life.runner.folder.rglob("summary.md")]
    return "\n".join([*logs, *written, *kept, *summaries, *(one["body"] for one in life.github.issues)])


@pytest.mark.slow
def test_what_was_reviewed_is_carried_out_and_nothing_else(life: Life) -> None:
    number = life.branch("first")
    life.edit("epochs: 2", "epochs: 3")
    pushed = life.push("first", "Train longer", number)

    assert results(pushed) == {
        "check": "success", "plan-staging": "success", "comment": "success", "apply-staging": "skipped",
        "drift": "skipped",
    }, "".join(job.log for job in pushed.values())  # fmt: skip
    assert pushed["plan-staging"].roles == [f"{ROLE}-plan"]
    assert pushed["comment"].roles == pushed["check"].roles == []

    for epochs in (4, 5, 6):
        life.edit(f"epochs: {epochs - 1}", f"epochs: {epochs}")
        pushed = life.push("first", f"Train for {epochs}", number)
        assert pushed["comment"].result == "success"

    (comment,) = life.bodies(number)
    digest = re.search(r"plan ([0-9a-f]{32})", pushed["plan-staging"].log)
    assert digest is not None
    assert digest[1] in comment

    merged = life.merge("first", number)

    assert merged["apply-staging"].result == "success", merged["apply-staging"].log
    assert merged["apply-staging"].roles == [f"{ROLE}-apply"]
    assert f"plan {digest[1]} of staging, as it was reviewed" in merged["plan-staging"].log
    assert life.bodies(number) == [comment]

    quiet = life.scheduled()

    assert "staging is as it was applied" in quiet["drift"].log
    assert life.github.issues == []
    said = everything_said(life, pushed, merged, quiet)
    assert SECRET not in said
    assert "aws-secret" not in said


@pytest.mark.slow
def test_a_stale_plan_is_not_carried_out_and_the_pull_request_says_why(life: Life) -> None:
    """While it was reviewed, somebody applied what is on the branch by hand."""
    number = life.branch("safer")
    life.edit("at_least: 0.5", "at_least: 0.6")
    life.push("safer", "Safer", number)
    reviewed = life.bodies(number)
    life.apply_by_hand()

    merged = life.merge("safer", number)

    assert results(merged)["plan-staging"] == results(merged)["comment"] == "success"
    assert results(merged)["apply-staging"] == "failure"
    assert "nobody has approved it" in merged["apply-staging"].log
    before, anew, refused = life.bodies(number)
    assert [before] == reviewed
    assert "The plan is stale: it was made against serial 0 of the state, which is now at 1." in anew
    assert "nothing was carried out" in refused

    drifted, again = life.scheduled(), life.scheduled()

    assert "an issue is opened" in drifted["drift"].log
    assert "still not what was applied" in again["drift"].log
    (issue,) = life.github.issues
    assert "made anew" not in issue["body"]
    assert issue["state"] == "open"

    life.runner.approve = lambda environment: environment == "staging"
    main = git(life.clone, "rev-parse", "main").strip()
    approved = life.runner.run("workflow_dispatch", main)

    assert approved["apply-staging"].result == "success", approved["apply-staging"].log
    assert len(life.bodies(number)) == 3
    assert "is closed" in life.scheduled()["drift"].log


@pytest.mark.slow
def test_a_fork_gets_no_credentials(life: Life) -> None:
    number = life.branch("foreign")
    life.edit("epochs: 2", "epochs: 3")

    pushed = life.push("foreign", "From afar", number, fork=True)

    assert results(pushed) == {
        "check": "success", "plan-staging": "skipped", "comment": "skipped", "apply-staging": "skipped",
        "drift": "skipped",
    }  # fmt: skip
    assert pushed["check"].commands == [
        'python -m pip install "mlsystem[kubernetes]==0.1.0"', "mlsystem validate -e staging",
        "mlsystem compile --check -e staging",
    ]  # fmt: skip
    assert "AWS" not in pushed["check"].log
    assert life.github.calls == []


@pytest.mark.slow
def test_a_person_who_says_no_is_heard(life: Life) -> None:
    life.runner.approve = lambda environment: False
    number = life.branch("first")
    life.edit("epochs: 2", "epochs: 3")
    life.push("first", "Train longer", number)

    merged = life.merge("first", number)

    assert merged["apply-staging"].result == "failure"
    assert merged["apply-staging"].roles == []
    assert "staging is not what was applied" in life.scheduled()["drift"].log


@pytest.mark.slow
def test_generated_files_that_nobody_committed_stop_the_pull_request(life: Life) -> None:
    number = life.branch("lazy")
    workflow = life.clone / ".github" / "workflows" / "mlsystem.yml"
    commit = life.commit("As it was")
    workflow.write_text(workflow.read_text().replace("timeout-minutes: 15", "timeout-minutes: 16"))
    git(life.clone, "commit", "-qam", "By hand")
    git(life.clone, "push", "-q", "origin", "lazy")
    changed = git(life.clone, "rev-parse", "HEAD").strip()

    pushed = life.runner.run("pull_request", changed, number=number)

    assert commit != changed
    assert results(pushed)["check"] == "failure"
    assert results(pushed)["plan-staging"] == "skipped"
    assert "different  .github/workflows/mlsystem.yml" in pushed["check"].log
