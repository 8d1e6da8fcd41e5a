"""What the monitor proposes, and when it keeps quiet. How a proposal is decided stands in `contract.proposals`."""

from __future__ import annotations

from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.ledger import Ledger, ProposalOpened, open_proposals
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
