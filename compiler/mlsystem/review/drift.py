"""What is no longer as it was applied: one issue of each environment, open as long as that is so."""

from __future__ import annotations

from collections.abc import Sequence

from mlsystem.review.comment import DRIFT, find, marker, shortened
from mlsystem.review.github import Comment, GitHub
from mlsystem.review.planned import Shown
from mlsystem.review.run import Run


def report_drift(shown: Sequence[Shown], system: str, github: GitHub, run: Run) -> tuple[str, ...]:
    """What was done, in words."""
    issues = tuple(github.open_issues())
    return tuple(_report(one, system, issues, github, run) for one in shown)


def _report(one: Shown, system: str, issues: Sequence[Comment], github: GitHub, run: Run) -> str:
    name = f"{system}/{one.environment}"
    issue = find(issues, DRIFT, name)
    if one.planned is None:
        return f"{one.environment} could not be looked at: its job says why"
    if one.planned.empty and not one.planned.drifted:
        if issue is None:
            return f"{one.environment} is as it was applied"
        github.edit_issue(issue.number, state="closed", state_reason="completed")
        return f"{one.environment} is as it was applied again: issue {issue.number} is closed"
    body = drift_body(one, name, run)
    if issue is None:
        github.open_issue(f"{one.environment} of {system} is not what was applied", body)
        return f"{one.environment} is not what was applied: an issue is opened"
    if issue.text != body:
        github.edit_issue(issue.number, body=body)
    return f"{one.environment} is still not what was applied: issue {issue.number} says how"


def drift_body(one: Shown, name: str, run: Run) -> str:
    said = (
        "What a plan of the branch would change, though nothing was merged: somebody changed it outside, a merge was"
        " not carried out, or the data moved."
    )
    found = f"Found by [this run]({run.url})."
    return shortened(f"{marker(DRIFT, name)}\n{said}\n\n{one.markdown.rstrip()}\n\n{found}\n", run)
