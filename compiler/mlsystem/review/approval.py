"""Whether a plan may be carried out: it was reviewed before the merge, or a person said yes to this run."""

from __future__ import annotations

from mlsystem.errors import MlsystemError
from mlsystem.review.github import GitHub
from mlsystem.review.planned import Planned


class UnapprovedError(MlsystemError):
    """Nobody has said yes to what would be done."""


def check_approved(planned: Planned, github: GitHub, run: str) -> None:
    """Raises UnapprovedError. Whether a reviewed plan waits for an approval too is the environment's to say: GitHub
    starts the job after it."""
    if planned.reviewed:
        return
    said = [one for one in github.approvals(run) if planned.environment in {place.name for place in one.environments}]
    if not any(one.state == "approved" for one in said):
        raise UnapprovedError(
            f"the plan of {planned.environment} was made anew after the merge, and nobody has approved it",
            f"let environment '{planned.environment}' of the repository ask for reviewers, and run the workflow again",
        )
