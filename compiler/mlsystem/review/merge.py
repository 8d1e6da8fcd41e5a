"""After a merge: the plan that was reviewed, if that is still what would be done; else a new one, and why."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from mlsystem.errors import MlsystemError
from mlsystem.plan.plan import Plan, ground_of, load_plan, moved
from mlsystem.plan.render.words import headline
from mlsystem.review.comment import PLAN, Kept, find, kept_in
from mlsystem.review.github import GitHub
from mlsystem.review.planned import Planned
from mlsystem.review.run import Run


def planned_now(plan: Plan) -> Planned:
    """Of a plan that nobody has seen yet."""
    drift = plan.preview is not None and bool(plan.preview.drift)
    return Planned(plan.system, plan.environment, plan.digest, headline(plan), plan.empty, drift)


def planned_for_merge(now: Plan, github: GitHub, run: Run, branch: str) -> tuple[Plan, Planned]:
    """`now` is made from what was merged. The reviewed plan comes back only where it would do the very same."""
    planned = planned_now(now)
    if now.empty:
        return now, planned
    number = next((one.number for one in github.pulls_of(run.commit) if one.merged_at and one.base.ref == branch), None)
    if number is None:
        return now, msgspec.structs.replace(planned, reasons=("it came with no pull request",))
    planned = msgspec.structs.replace(planned, pull_request=number)
    try:
        reviewed = reviewed_plan(github, number, now)
    except MlsystemError as error:
        return now, msgspec.structs.replace(planned, reasons=(error.message,))
    reasons = differences(reviewed, now)
    if reasons:
        return now, msgspec.structs.replace(planned, reasons=reasons)
    return reviewed, msgspec.structs.replace(planned, digest=reviewed.digest, reviewed=True)


def reviewed_plan(github: GitHub, number: int, now: Plan) -> Plan:
    """The plan whose digest stands in our comment. Raises MlsystemError where there is none, in the words of a reason.

    Who may write to the repository could put another artifact there, or edit our comment: therefore a reviewed plan is
    carried out only where it is what a plan made from the branch says as well (`differences`).
    """
    comment = find(github.comments(number), PLAN, now.system)
    kept = {} if comment is None else kept_in(comment.text, PLAN, now.system)
    if now.environment not in kept:
        raise MlsystemError(f"pull request {number} showed no plan of {now.environment}")
    return fetched(github, kept[now.environment], now.environment)


def fetched(github: GitHub, kept: Kept, environment: str) -> Plan:
    files = github.artifact(kept.run, f"plan-{environment}")
    name = f"{environment}.json"
    if files is None or name not in files:
        raise MlsystemError(f"the reviewed plan of {environment} is not kept any more")
    with tempfile.TemporaryDirectory(prefix="mlsystem-review-") as folder:
        place = Path(folder, name)
        place.write_bytes(files[name])
        plan = load_plan(place)
    if plan.digest != kept.digest:
        raise MlsystemError(f"what is kept as the reviewed plan of {environment} is not what its comment shows")
    return plan


def differences(reviewed: Plan, now: Plan) -> tuple[str, ...]:
    """Why the reviewed plan is not what would be done now; nothing where it is."""
    reasons = moved(ground_of(reviewed), ground_of(now))
    if reasons or same(reviewed, now):
        return reasons
    return (f"it would not do the same any more ({headline(reviewed)})",)


def same(one: Plan, other: Plan) -> bool:
    """Whatever is told of the day: notes, what the last training took, who of author and tool made a difference."""
    first, second = ((plan.changes, plan.steps, plan.deletes, plan.preview) for plan in (one, other))
    return first == second
