"""A person decides on a proposal, or takes a release back."""

from __future__ import annotations

from typing import Literal

from mlsystem.apply.apply import Outcome
from mlsystem.apply.environment import Environment
from mlsystem.apply.events import Says, Watch
from mlsystem.apply.rerun import applied_as_written, rerun, retrain_steps
from mlsystem.errors import MlsystemError
from mlsystem.state.lease import person
from mlsystem_runtime.contract import proposals
from mlsystem_runtime.contract.identity import group_fingerprint, stored_groups
from mlsystem_runtime.contract.ledger import FileLedger, ProposalOpened, VersionRegistered
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.releases import find_proposal, previous_version, release_version, rollback
from mlsystem_runtime.contract.run import MaterializeStep
from mlsystem_runtime.contract.workspace import read_struct


def decide(environment: Environment, name: str | None, decision: Literal["approved", "rejected"]) -> ProposalOpened:
    """Decide on the proposal `name` (None: the only open one), on the evidence that it shows; the proposal."""
    ledger = FileLedger(environment.engine.workspace.ledger)
    shown = find_proposal(ledger, name)
    return proposals.decide(ledger, shown.proposal, decision, shown.evidence, person())


def approve(environment: Environment, name: str | None, watch: Watch) -> Outcome:
    """Approve a proposal and carry it out: train again, or release the version it names."""
    applied_as_written(environment)  # before the decision: a proposal is not used up by a run that cannot start
    proposal = decide(environment, name, "approved")
    reason = f"proposal {proposal.proposal}: {proposal.reason}"
    if proposal.kind == "retrain":
        steps = retrain_steps(environment.compiled.config, proposal.model)
        environment.engine.proposes = True
        return rerun(environment, steps, reason, watch)
    assert proposal.version is not None, "a promotion names its version"
    engine = environment.engine
    release_version(engine.workspace, proposal.model, proposal.version, reason, person(), engine.releases)
    watch(Says(f"version {proposal.version} of {proposal.model} answers"))
    return Outcome(run_id=None)


def roll_back(environment: Environment, model: str | None, to: int | None, *, rejected: bool = False) -> str:
    """One sentence about what answers now.

    Raises MlsystemError where a gate said no to the version that would answer, unless `rejected` ones may.
    """
    models = [endpoint.model for endpoint in environment.compiled.config.server.endpoints]
    if model is None and len(models) > 1:
        raise MlsystemError(f"there are {len(models)} models", f"name one: mlsystem rollback {models[0]}")
    chosen = model or models[0]
    if chosen not in models:
        raise MlsystemError(f"there is no model '{chosen}'", f"models are: {', '.join(models)}")
    workspace = environment.engine.workspace
    target = previous_version(workspace, chosen) if to is None else to
    if not rejected:
        check_accepted(environment, chosen, target)
    stale = stale_groups(environment, chosen, target)
    release = rollback(workspace, chosen, target, person(), environment.engine.releases)
    answer = f"version {release.models[chosen].champion} of {chosen} answers (release {release.serial})"
    return answer + (f"; nothing keeps {', '.join(stale)} fresh any more" if stale else "")


def stale_groups(environment: Environment, model: str, version: int) -> list[str]:
    """The groups that the version reads from the online store, and that no step of today keeps fresh."""
    path = environment.engine.workspace.version(model, version) / "model.json"
    if not path.exists():
        raise MlsystemError(f"model '{model}' has no version {version}", "mlsystem status lists the versions")
    card = read_struct(path, ModelCard)
    payloads = [step.payload for step in environment.compiled.config.steps]
    sources = [payload.source for payload in payloads if isinstance(payload, MaterializeStep)]
    return [
        group.name for group in stored_groups(card.contract)
        if not any(group_fingerprint(group, source) == group.fingerprint for source in sources)
    ]


def check_accepted(environment: Environment, model: str, version: int) -> None:
    """Raises MlsystemError that says which gates said no to version `version` of `model`."""
    bodies = [entry.body for entry in FileLedger(environment.engine.workspace.ledger).entries()]
    entered = [
        one for one in bodies if isinstance(one, VersionRegistered) and (one.model, one.version) == (model, version)
    ]
    if entered and entered[-1].status == "rejected":
        reasons = "; ".join(f"gate {gate.gate}: {gate.detail}" for gate in entered[-1].gates if not gate.passed)
        raise MlsystemError(
            f"version {version} of '{model}' was rejected: {reasons}",
            f"to let it answer all the same: mlsystem rollback {model} --to {version} --yes -e {environment.name}",
        )
