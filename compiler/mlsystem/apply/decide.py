"""A person decides on a proposal, or takes a release back."""

from __future__ import annotations

from typing import Literal, Protocol

from mlsystem.apply.apply import Outcome
from mlsystem.apply.environment import Environment
from mlsystem.apply.events import Says, Watch
from mlsystem.apply.rerun import applied_as_written, rerun, retrain_steps
from mlsystem.compile import Compiled
from mlsystem.errors import MlsystemError
from mlsystem.state.lease import person
from mlsystem_runtime.contract import proposals
from mlsystem_runtime.contract.identity import group_fingerprint, stored_groups
from mlsystem_runtime.contract.ledger import ProposalOpened, VersionRegistered, open_ledger
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.release_store import ReleaseStore
from mlsystem_runtime.contract.releases import (
    end_shadow,
    find_proposal,
    previous_version,
    release_version,
    rollback,
)
from mlsystem_runtime.contract.run import MaterializeStep
from mlsystem_runtime.contract.workspace import Workspace, read_struct


class Decidable(Protocol):
    """An environment about which one decides, wherever it runs."""

    @property
    def name(self) -> str: ...

    @property
    def compiled(self) -> Compiled: ...

    @property
    def workspace(self) -> Workspace: ...

    @property
    def releases(self) -> ReleaseStore: ...


def decide(environment: Decidable, name: str | None, decision: Literal["approved", "rejected"]) -> ProposalOpened:
    """Decide on the proposal `name` (None: the only open one), on the evidence that it shows; the proposal."""
    ledger = open_ledger(environment.workspace)
    shown = find_proposal(ledger, name)
    decided = proposals.decide(ledger, shown.proposal, decision, shown.evidence, person())
    if decision == "rejected" and decided.version is not None:
        end_shadow(environment.workspace, decided.model, decided.version, environment.releases)
    return decided


def approve(environment: Environment, name: str | None, watch: Watch) -> Outcome:
    """Approve a proposal and carry it out: train again, or release the version it names."""
    applied_as_written(environment)  # before the decision: a proposal is not used up by a run that cannot start
    proposal = decide(environment, name, "approved")
    if proposal.kind == "retrain":
        steps = retrain_steps(environment.compiled.config, proposal.model)
        environment.engine.proposes = True
        return rerun(environment, steps, approved_reason(proposal), watch)
    release_approved(environment, proposal, watch)
    return Outcome(run_id=None)


def release_approved(environment: Decidable, proposal: ProposalOpened, watch: Watch) -> None:
    """Let the version answer that an approved proposal names."""
    assert proposal.version is not None, "a promotion names its version"
    reason = approved_reason(proposal)
    release_version(
        environment.workspace, proposal.model, proposal.version, reason, person(), environment.releases
    )
    watch(Says(f"version {proposal.version} of {proposal.model} answers"))


def approved_reason(proposal: ProposalOpened) -> str:
    """Of what an approved proposal makes happen."""
    return f"proposal {proposal.proposal}: {proposal.reason}"


def roll_back(environment: Decidable, model: str | None, to: int | None, *, rejected: bool = False) -> str:
    """One sentence about what answers now.

    Raises MlsystemError where a gate said no to the version that would answer, unless `rejected` ones may.
    """
    models = [endpoint.model for endpoint in environment.compiled.config.server.endpoints]
    if model is None and len(models) > 1:
        raise MlsystemError(f"there are {len(models)} models", f"name one: mlsystem rollback {models[0]}")
    chosen = model or models[0]
    if chosen not in models:
        raise MlsystemError(f"there is no model '{chosen}'", f"models are: {', '.join(models)}")
    workspace = environment.workspace
    target = previous_version(workspace, chosen) if to is None else to
    if not rejected:
        check_accepted(environment, chosen, target)
    stale = stale_groups(environment, chosen, target)
    release = rollback(workspace, chosen, target, person(), environment.releases)
    answer = f"version {release.models[chosen].champion} of {chosen} answers (release {release.serial})"
    return answer + (f"; nothing keeps {', '.join(stale)} fresh any more" if stale else "")


def stale_groups(environment: Decidable, model: str, version: int) -> list[str]:
    """The groups that the version reads from the online store, and that no step of today keeps fresh."""
    path = environment.workspace.fetch_version(model, version, "model.json") / "model.json"
    if not path.exists():
        raise MlsystemError(f"model '{model}' has no version {version}", "mlsystem status lists the versions")
    card = read_struct(path, ModelCard)
    payloads = [step.payload for step in environment.compiled.config.steps]
    sources = [payload.source for payload in payloads if isinstance(payload, MaterializeStep)]
    return [
        group.name for group in stored_groups(card.contract)
        if not any(group_fingerprint(group, source) == group.fingerprint for source in sources)
    ]


def check_accepted(environment: Decidable, model: str, version: int) -> None:
    """Raises MlsystemError that says which gates said no to version `version` of `model`."""
    bodies = [entry.body for entry in open_ledger(environment.workspace).entries()]
    entered = [
        one for one in bodies if isinstance(one, VersionRegistered) and (one.model, one.version) == (model, version)
    ]
    if entered and entered[-1].status == "rejected":
        reasons = "; ".join(f"gate {gate.gate}: {gate.detail}" for gate in entered[-1].gates if not gate.passed)
        raise MlsystemError(
            f"version {version} of '{model}' was rejected: {reasons}",
            f"to let it answer all the same: mlsystem rollback {model} --to {version} --yes -e {environment.name}",
        )
