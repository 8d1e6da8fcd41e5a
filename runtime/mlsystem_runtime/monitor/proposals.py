"""Proposals in the ledger: opened by the monitor, decided by a person or, where none is asked, by the monitor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import Ledger, ProposalDecided, ProposalOpened, open_proposals
from mlsystem_runtime.contract.monitor_state import WindowState

MONITOR = "monitor"


def evidence_of(model: str, window: WindowState) -> str:
    """Hashes what a retraining rests on: which columns of which version drifted in which window."""
    drifting = sorted([test.column, test.test] for test in window.tests if test.verdict == "drift")
    return digest([model, window.version, window.start_us, window.end_us, drifting])


def open_retraining(ledger: Ledger, model: str, reason: str, evidence: str) -> ProposalOpened | None:
    """None where one for this model is open already, or one on this evidence ever was."""
    proposals = [entry.body for entry in ledger.entries() if isinstance(entry.body, ProposalOpened)]
    known = any(one.evidence == evidence and one.model == model for one in proposals)
    waiting = any(one.model == model and one.kind == "retrain" for one in open_proposals(ledger).values())
    if known or waiting:
        return None
    proposal = ProposalOpened(
        proposal=f"retrain-{model}-{evidence[:8]}", kind="retrain", model=model, reason=reason, evidence=evidence,
    )
    ledger.append(proposal)
    return proposal


def approve(ledger: Ledger, proposal: str, evidence: str | None, by: str) -> ProposalOpened:
    """Records the approval and returns what was approved. See `decide` for what it raises."""
    return decide(ledger, proposal, "approved", evidence, by)


def reject(ledger: Ledger, proposal: str, evidence: str | None, by: str) -> ProposalOpened:
    """Records the rejection and returns what was rejected. See `decide` for what it raises."""
    return decide(ledger, proposal, "rejected", evidence, by)


def decide(
    ledger: Ledger, proposal: str, decision: Literal["approved", "rejected"], evidence: str | None, by: str,
) -> ProposalOpened:
    """`evidence` is the hash that the decider saw; None trusts what is open.

    Raises MlsystemError when the proposal is not open, or rests on other evidence than the decider saw.
    """
    opened = open_proposals(ledger)
    if proposal not in opened:
        raise MlsystemError(f"no proposal '{proposal}' is open", _waiting(list(opened)))
    found = opened[proposal]
    if evidence is not None and evidence != found.evidence:
        raise MlsystemError(
            f"proposal '{proposal}' rests on evidence {found.evidence}, not on {evidence}",
            "look at it again (`mlsystem status`), then decide",
        )
    ledger.append(ProposalDecided(proposal=proposal, decision=decision, evidence=found.evidence, by=by))
    return found


def _waiting(names: Sequence[str]) -> str:
    return f"open are: {', '.join(names)}" if names else "none is open"
