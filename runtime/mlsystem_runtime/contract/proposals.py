"""Deciding a proposal: bound to the evidence that whoever decides has seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import Ledger, ProposalDecided, ProposalOpened, open_proposals


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
