"""Deciding a proposal: bound to the evidence that whoever decides has seen."""

from __future__ import annotations

from typing import Literal

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import Ledger, ProposalDecided, ProposalOpened, open_among
from mlsystem_runtime.contract.releases import find_proposal


def approve(ledger: Ledger, proposal: str, evidence: str, by: str) -> ProposalOpened:
    """Records the approval and returns what was approved. See `decide` for what it raises."""
    return decide(ledger, proposal, "approved", evidence, by)


def reject(ledger: Ledger, proposal: str, evidence: str, by: str) -> ProposalOpened:
    """Records the rejection and returns what was rejected. See `decide` for what it raises."""
    return decide(ledger, proposal, "rejected", evidence, by)


def decide(
    ledger: Ledger, proposal: str, decision: Literal["approved", "rejected"], evidence: str, by: str,
) -> ProposalOpened:
    """`evidence` is the hash that the decider saw.

    Raises MlsystemError when the proposal is not open, or rests on other evidence than that.
    """
    found = find_proposal(ledger, proposal)
    if evidence != found.evidence:
        raise MlsystemError(
            f"proposal '{proposal}' rests on evidence {found.evidence}, not on {evidence}",
            "look at it again (`mlsystem status`), then decide",
        )
    event = ProposalDecided(proposal=proposal, decision=decision, evidence=evidence, by=by)
    if ledger.append_new(event, lambda known: found.proposal not in open_among(known)) is None:
        raise MlsystemError(f"somebody else has just decided proposal '{proposal}'", "look at `mlsystem status`")
    return found
