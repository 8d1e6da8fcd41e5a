"""What the monitor proposes, and when it keeps quiet. How a proposal is decided stands in `contract.proposals`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.ledger import (
    AnyEvent,
    Ledger,
    ProposalDecided,
    ProposalOpened,
    RunStarted,
    open_among,
)
from mlsystem_runtime.contract.monitor_state import WindowState

MONITOR = "monitor"


def evidence_of(model: str, window: WindowState) -> str:
    """Hashes what a retraining rests on: which columns of which version drifted in which window."""
    drifting = sorted([test.column, test.test] for test in window.tests if test.verdict == "drift")
    return digest([model, window.version, window.start_us, window.end_us, drifting])


def open_retraining(ledger: Ledger, model: str, reason: str, evidence: str) -> ProposalOpened | None:
    """None where one for this model is open already, or one on this evidence ever was."""
    proposal = ProposalOpened(
        proposal=f"retrain-{model}-{evidence[:8]}", kind="retrain", model=model, reason=reason, evidence=evidence,
    )

    def known(events: Sequence[AnyEvent]) -> bool:
        earlier = [one for one in events if isinstance(one, ProposalOpened) and one.model == model]
        waiting = [one for one in open_among(events).values() if one.model == model and one.kind == "retrain"]
        return bool(waiting) or any(one.evidence == evidence for one in earlier)

    return None if ledger.append_new(proposal, known) is None else proposal


def reason_of(proposal: str) -> str:
    """Why a run of the monitor began."""
    return f"proposal {proposal}"


def not_begun(events: Iterable[AnyEvent], model: str) -> list[ProposalOpened]:
    """Retrainings of this model that the monitor approved, and that no run began with."""
    waiting, of_model = dict[str, None](), dict[str, ProposalOpened]()
    for event in events:
        match event:
            case ProposalOpened(kind="retrain") if event.model == model:
                of_model[event.proposal] = event
            case ProposalDecided(decision="approved", by=by, proposal=proposal) if by == MONITOR:
                waiting[proposal] = None
            case RunStarted(reason=reason):
                waiting = {one: None for one in waiting if reason_of(one) != reason}
            case _:
                pass
    return [of_model[one] for one in waiting if one in of_model]
