"""The register step: a trained and evaluated model becomes a version, which answers if its gates passed."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Literal

import msgspec

from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import (
    Ledger,
    ProposalDecided,
    ProposalOpened,
    Released,
    VersionRegistered,
    open_ledger,
)
from mlsystem_runtime.contract.names import PROPOSES
from mlsystem_runtime.contract.releases import ROLLBACK, release_version, shadow_version
from mlsystem_runtime.contract.run import RegisterStep, TrainStep
from mlsystem_runtime.contract.workspace import StepRecord, read_struct
from mlsystem_runtime.evaluate.evaluation import Evaluation
from mlsystem_runtime.registry.card import CARD, EVALUATION, read_card
from mlsystem_runtime.registry.versions import Registration, register_version
from mlsystem_runtime.steps.base import StepContext, StepResult

log = logging.getLogger(__name__)

GATES_PASSED, CHOSEN_AGAIN = "gates passed", "the spec chose this version again"

Consequence = Literal["released", "proposed", "rejected"]


def observe(_payload: RegisterStep) -> Mapping[str, str]:
    """Nothing outside the workspace decides a version."""
    return {}


def run(payload: RegisterStep, context: StepContext) -> StepResult:
    """Status `blocked` when a gate failed: the version is kept as rejected, and what answers goes on answering."""
    trained = context.inputs[f"train.{payload.model}"]
    evaluated = context.inputs[f"evaluate.{payload.model}"]
    evaluation = read_struct(evaluated.path / EVALUATION, Evaluation)
    gates = evaluation.judged(payload.engine)
    failed = [gate for gate in gates if not gate.passed]
    registration = Registration(
        key=context.key, run_id=context.run_id, digest=trained.digests["model"],
        status="rejected" if failed else "accepted",
    )
    version = register_version(context.workspace, payload.model, trained.path, evaluated.path, gates, registration)

    context.progress(1, 2, f"version {version}")
    evidence = evaluated.digests["evaluation"]
    consequence: Consequence = "rejected" if failed else promote(payload, context, version, evidence)
    tracked = track(payload, context, version, evidence, passed=not failed)
    reasons = "; ".join(f"{gate.gate}: {gate.detail}" for gate in failed)
    return StepResult(
        digests={"version": digest([payload.model, version, registration])},
        facts={"version": version, "consequence": consequence, "failed_gates": reasons, "mlflow_run": tracked},
        summary=f"version {version} {consequence}" + (f" ({reasons})" if failed else ""),
        status="blocked" if failed else "done",
    )


def promote(payload: RegisterStep, context: StepContext, version: int, evidence: str) -> Consequence:
    """Release it, or open a proposal that is bound to its evaluation. Doing it twice changes nothing.

    A proposal only where the system started the run itself: an apply was reviewed, and that is the approval.
    """
    if payload.promote == "release" or os.environ.get(PROPOSES) != "1":
        release_version(
            context.workspace, payload.model, version, GATES_PASSED, context.run_id, context.releases)
        return "released"
    name = f"promote-{payload.model}-{version}"
    proposal = ProposalOpened(
        proposal=name, kind="promote", model=payload.model, reason=f"version {version} passed its gates",
        evidence=evidence, version=version,
    )
    open_ledger(context.workspace).append_new(
        proposal, lambda events: any(isinstance(one, ProposalOpened) and one.proposal == name for one in events))
    shadow_version(context.workspace, payload.model, version, context.releases)
    return "proposed"


def revisit(payload: RegisterStep, context: StepContext, record: StepRecord) -> None:
    """An earlier output answers: the spec went back to what made that version (A, B, A), so it answers again.

    A rollback does not count: after one, a run that changes nothing here leaves the release alone. Nor does a proposal
    that nobody has approved.
    """
    version = record.facts["version"]
    answered = chosen(open_ledger(context.workspace), payload.model)
    if record.facts["consequence"] != "rejected" and version in answered and answered[-1] != version:
        release_version(
            context.workspace, payload.model, version, CHOSEN_AGAIN, context.run_id, context.releases)


def chosen(ledger: Ledger, model: str) -> list[int]:
    """The versions of `model` that passed on to answer, by themselves or by an approved proposal, in that order.

    A number that is used again, after the model was deleted, counts from then on.
    """
    found: list[int] = []
    proposed: dict[str, int] = {}
    for entry in ledger.entries():
        match entry.body:
            case VersionRegistered() as one if one.model == model:
                found = [version for version in found if version != one.version]
            case ProposalOpened(version=int(version)) as one if one.model == model:
                proposed[one.proposal] = version
            case ProposalDecided() as one if one.decision == "approved" and one.proposal in proposed:
                found.append(proposed[one.proposal])
            case Released() as one if one.model == model and one.reason != ROLLBACK:
                found.append(max(one.shares, key=lambda share: share.share).version)
            case _:
                pass
    return found


def track(payload: RegisterStep, context: StepContext, version: int, evidence: str, passed: bool) -> str | None:
    """The id of its MLflow run. A tracking store that fails is a warning: the version stands without it."""
    from mlsystem_runtime.registry.tracking import tags_of  # lazy: MLflow's import costs seconds
    from mlsystem_runtime.registry.tracking import track as track_version

    card = read_card(context.workspace.fetch_version(payload.model, version, CARD))
    try:
        return track_version(
            context.workspace, payload.experiment, card, context.key, parameters(context, payload.model),
            tags_of(card, evidence, passed),
        )
    except MlsystemError as error:
        log.warning("%s", error)
        return None


def parameters(context: StepContext, model: str) -> dict[str, object]:
    """What training was told, flat."""
    payloads = (step.payload for step in context.config.steps)
    train = next(one for one in payloads if isinstance(one, TrainStep) and one.model == model)
    split = {f"split.{name}": value for name, value in msgspec.to_builtins(train.split).items()}
    return {**msgspec.to_builtins(train.parameters), **split, "task": train.task, "seed": train.seed}
