"""Carries out a workflow as GitHub would, as far as ours use it: conditions, needs, outputs, environments, permissions,
five actions, and every `run` step in a shell. What a job may do is what its `permissions` say, and less for a fork."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from github_server import FakeGitHub

TOKENS = re.compile(r"\s*(&&|\|\||==|!=|!|\(|\)|'[^']*'|[A-Za-z_][\w.-]*\(\)|[A-Za-z_][\w.-]*)")
STATUS = ("always()", "cancelled()", "failure()", "success()")
ISSUED = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "aws-secret-of-{role}", "AWS_SESSION_TOKEN": "t"}


@dataclass
class Job:
    """`credentials` are the roles that it got; `log` is all that its steps said."""

    result: str = "skipped"
    outputs: dict[str, str] = field(default_factory=dict)
    roles: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    log: str = ""


@dataclass
class Runner:
    """`origin` is the repository; `approve` is asked for every job of an environment, None where none asks anybody."""

    origin: Path
    folder: Path
    github: FakeGitHub
    path: str
    approve: Callable[[str], bool] | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    runs: int = 0

    def run(
        self, event: str, commit: str, *, number: int | None = None, fork: bool = False, before: str = ""
    ) -> dict[str, Job]:
        """The jobs of one run, by name, in order; `before` is the commit that a push found."""
        self.runs += 1
        one = WorkflowRun(self, event, commit, number, fork, before, str(1000 + self.runs))
        return one.carry_out()


@dataclass
class WorkflowRun:
    runner: Runner
    event: str
    commit: str
    number: int | None
    fork: bool
    before: str
    run_id: str
    jobs: dict[str, Job] = field(default_factory=dict)
    steps: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def ref(self) -> str:
        return f"refs/pull/{self.number}/merge" if self.event == "pull_request" else "refs/heads/main"

    def carry_out(self) -> dict[str, Job]:
        text = git(self.runner.origin, "show", f"{self.commit}:.github/workflows/mlsystem.yml")
        workflow = yaml.load(text, Loader=yaml.BaseLoader)
        for name, written in workflow["jobs"].items():
            self.jobs[name] = Job()
            needs = [written["needs"]] if isinstance(written.get("needs"), str) else written.get("needs", [])
            if self.wanted(written.get("if", "success()"), needs):
                self.job(name, {**workflow.get("env", {})}, written)
        return self.jobs

    def wanted(self, condition: str, needs: list[str]) -> bool:
        implied = "" if any(one in condition for one in STATUS) else "success() && "
        return bool(self.value(f"{implied}({condition})", needs))

    def value(self, expression: str, needs: list[str]) -> Any:
        """As GitHub evaluates it; an unknown name is nothing."""
        words = []
        for word in TOKENS.findall(expression):
            words.append({"&&": "and", "||": "or", "!": "not"}.get(word) or self.word(word, needs))
        assert "".join(TOKENS.findall(expression)) == re.sub(r"\s", "", expression), f"not understood: {expression}"
        return eval(" ".join(words), {"__builtins__": {}})

    def word(self, word: str, needs: list[str]) -> str:
        if word in ("==", "!=", "(", ")") or word.startswith("'"):
            return word
        results = [one.result for one in self.jobs.values()]  # ours: every job before is an ancestor, or no failure
        direct = [self.jobs[one].result for one in needs]
        known = {
            "always()": True, "cancelled()": False, "failure()": "failure" in results,
            "success()": all(one == "success" for one in direct), "true": True, "false": False,
        }  # fmt: skip
        return repr(known[word] if word in known else self.context(word))

    def context(self, path: str) -> Any:
        head, _, rest = path.partition(".")
        match head:
            case "github":
                return self.of_github(rest)
            case "needs":
                name, _, part = rest.partition(".")
                return self.jobs[name].result if part == "result" else self.jobs[name].outputs.get(part[8:], "")
            case "steps":
                name, _, part = rest.partition(".outputs.")
                return self.steps.get(name, {}).get(part, "")
            case "vars":
                return self.runner.environ.get(rest, "")
        raise AssertionError(f"not understood: {path}")

    def of_github(self, name: str) -> Any:
        head = "somebody/bikes" if self.fork else self.runner.github.repository
        known = {
            "event_name": self.event, "repository": self.runner.github.repository, "ref": self.ref,
            "event.pull_request.head.repo.full_name": head if self.number else "", "token": "TOKEN",
        }  # fmt: skip
        return known[name]

    def text(self, written: str, token: str) -> str:
        found = re.sub(r"\$\{\{ *(.+?) *\}\}", lambda one: str(self.value(one[1], [])), written)
        return found.replace("TOKEN", token) if written == "${{ github.token }}" else found

    def job(self, name: str, environ: dict[str, str], written: dict[str, Any]) -> None:
        job = self.jobs[name]
        environment = written.get("environment")
        if environment is not None and self.runner.approve is not None:
            agreed = self.runner.approve(environment)
            self.runner.github.approve(self.run_id, environment, "approved" if agreed else "rejected")
            if not agreed:
                job.result = "failure"
                return
        token, permissions = secrets.token_hex(16), dict(written["permissions"])
        if self.fork:
            permissions = {what: "read" for what in permissions if what != "id-token"}
        self.runner.github.tokens[token] = permissions
        place = self.runner.folder / f"{self.run_id}-{name}"
        place.mkdir(parents=True)
        self.steps = {}
        job.result = "success"
        for step in written["steps"]:
            environ = {**environ, **self.step(step, job, place, environ, token, permissions, environment)}
            if job.result == "failure":
                break
        job.outputs = {key: self.text(value, token) for key, value in written.get("outputs", {}).items()}
        del self.runner.github.tokens[token]

    def step(
        self, step: dict[str, Any], job: Job, place: Path, environ: dict[str, str], token: str,
        permissions: Mapping[str, str], environment: str | None,
    ) -> dict[str, str]:  # fmt: skip
        """The environment variables that it leaves behind."""
        if "run" in step:
            own = {key: self.text(value, token) for key, value in step.get("env", {}).items()}
            self.shell(step, job, place, {**environ, **own})
            return {}
        action, commit = step["uses"].split("@")
        assert re.fullmatch(r"[0-9a-f]{40}", commit), "actions are pinned by commit"
        options = step.get("with", {})
        match action:
            case "actions/checkout":
                assert options["persist-credentials"] == "false", "later steps find no token in the checkout"
                self.check_out(place / "repository", int(self.text(options["fetch-depth"], token)))
            case "actions/setup-python":
                pass
            case "actions/upload-artifact":
                found = {one.name: one.read_bytes() for one in (place / "repository").glob(options["path"])}
                assert found, "if-no-files-found: error"
                self.runner.github.artifacts[self.run_id, options["name"]] = found
            case "actions/download-artifact":
                self.download(options, place / "repository")
            case "aws-actions/configure-aws-credentials":
                return self.assume(options, job, permissions, environment)
            case _:
                raise AssertionError(f"an action that no test knows: {action}")
        return {}

    def check_out(self, folder: Path, depth: int) -> None:
        """The commit, with so much of what was before; 0: all of it."""
        history = [f"--depth={depth}"] if depth else []
        git(folder.parent, "init", "-q", str(folder))
        git(folder, "fetch", "-q", *history, f"file://{self.runner.origin.resolve()}", self.commit)
        git(folder, "checkout", "-q", "FETCH_HEAD")

    def download(self, options: Mapping[str, str], repository: Path) -> None:
        pattern = re.compile(options["pattern"].replace("*", ".*"))
        folder = repository / options["path"]
        folder.mkdir(parents=True, exist_ok=True)
        for (run, name), files in self.runner.github.artifacts.items():
            if run == self.run_id and pattern.fullmatch(name):
                for one, content in files.items():
                    (folder / one).write_bytes(content)

    def assume(
        self, options: Mapping[str, str], job: Job, permissions: Mapping[str, str], environment: str | None
    ) -> dict[str, str]:
        """As STS: by the document that says who may take the role, which is the one on the branch."""
        role, repository = options["role-to-assume"], self.runner.github.repository
        subject = f"repo:{repository}:" + (
            f"environment:{environment}" if environment else
            "pull_request" if self.event == "pull_request" else f"ref:{self.ref}"
        )  # fmt: skip
        if permissions.get("id-token") != "write" or subject not in self.trusted(role):
            job.result = "failure"
            job.log += f"{subject} may not assume {role}\n"
            return {}
        job.roles.append(role)
        return {name: value.format(role=role.rpartition("/")[2]) for name, value in ISSUED.items()}

    def trusted(self, role: str) -> list[str]:
        names = git(self.runner.origin, "ls-tree", "--name-only", "main", ".github/mlsystem/").split()
        found = next(one for one in names if one.endswith(f"-{role.rpartition('/')[2]}.trust.json"))
        statement = json.loads(git(self.runner.origin, "show", f"main:{found}"))["Statement"][0]
        subjects: list[str] = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
        return subjects

    def shell(self, step: dict[str, Any], job: Job, place: Path, environ: dict[str, str]) -> None:
        event, output = place / "event.json", place / "output"
        told = {"before": self.before} if self.event == "push" else {}
        event.write_text(json.dumps({"pull_request": {"number": self.number}} if self.number else told))
        output.write_text("")
        given = {
            **self.runner.environ, "PATH": self.runner.path, "HOME": str(place), "CI": "true",
            "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": self.event, "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": self.runner.github.repository, "GITHUB_RUN_ID": self.run_id,
            "GITHUB_SHA": self.commit, "GITHUB_API_URL": self.runner.github.url,
            "GITHUB_SERVER_URL": "https://github.example.com", "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(place / "summary.md"), **environ,
        }  # fmt: skip
        shell = [shutil.which("bash") or "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(shell, cwd=place / "repository", env=given, capture_output=True, text=True, check=False)
        job.commands.append(step["run"])
        job.log += f"$ {step['run']}\n{done.stdout}{done.stderr}"
        said = (line.partition("=") for line in output.read_text().splitlines())
        self.steps[step.get("id", "")] = {name: value for name, _, value in said}
        job.result = "success" if done.returncode == 0 else "failure"


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
