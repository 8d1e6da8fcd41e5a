"""The run of a workflow, as GitHub describes it to its steps.

https://docs.github.com/en/actions/reference/workflows-and-actions/variables
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from mlsystem.errors import MlsystemError

PARENT = "HEAD^1"
NEEDED = ("GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_SERVER_URL")
Occasion = Literal["pull_request", "merge", "drift"]
OCCASIONS: Mapping[str, Occasion] = {
    "pull_request": "pull_request", "push": "merge", "workflow_dispatch": "merge", "schedule": "drift",
}  # fmt: skip


@dataclass(frozen=True)
class Run:
    """`pull_request` None: of none, or not yet known of which. `commit` is what is checked out, `before` what there was
    before the change: the branch as it was pushed to, by however many commits, or the first parent, which for a pull
    request is the branch that it would be merged into."""

    occasion: Occasion
    repository: str
    commit: str
    before: str
    run_id: str
    url: str
    pull_request: int | None
    environ: Mapping[str, str]

    def put_out(self, name: str, value: str) -> None:
        """An output of the step; `value` is one line."""
        self._append("GITHUB_OUTPUT", f"{name}={value}\n")

    def summarise(self, markdown: str) -> None:
        """On the page of the run."""
        self._append("GITHUB_STEP_SUMMARY", markdown + "\n")

    def _append(self, variable: str, text: str) -> None:
        if path := self.environ.get(variable):
            with open(path, "a", encoding="utf-8") as file:
                file.write(text)


class PullRequest(msgspec.Struct):
    """What is read of an event: another program's words, so fields that are not known are left out."""

    number: int


class Event(msgspec.Struct):
    pull_request: PullRequest | None = None
    before: str | None = None


def run_of(environ: Mapping[str, str]) -> Run:
    """Raises MlsystemError outside a workflow, and in one for another occasion."""
    missing = [name for name in NEEDED if not environ.get(name)]
    if missing:
        raise MlsystemError(
            f"this is no step of a GitHub workflow: {', '.join(missing)} is not set",
            "here, `mlsystem plan` and `mlsystem apply` do the same",
        )
    name, repository, run_id = (environ[f"GITHUB_{one}"] for one in ("EVENT_NAME", "REPOSITORY", "RUN_ID"))
    if name not in OCCASIONS:
        raise MlsystemError(f"nothing is reviewed on the event '{name}'", f"it is on {', '.join(OCCASIONS)}")
    event = msgspec.json.decode(Path(environ["GITHUB_EVENT_PATH"]).read_bytes(), type=Event)
    return Run(
        occasion=OCCASIONS[name],
        repository=repository,
        commit=environ.get("GITHUB_SHA", ""),
        before=PARENT if name != "push" or event.before is None else event.before,
        run_id=run_id,
        url=f"{environ['GITHUB_SERVER_URL']}/{repository}/actions/runs/{run_id}",
        pull_request=None if event.pull_request is None else event.pull_request.number,
        environ=environ,
    )


