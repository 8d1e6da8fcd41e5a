"""Apply, whole: the lease, the checks, the stages in order, the commit. Read this first."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from mlsystem.apply.carry import carry_back, carry_over
from mlsystem.apply.engine import Engine
from mlsystem.apply.events import Says, Watch
from mlsystem.apply.pipeline import Pipeline
from mlsystem.apply.stages import (
    CarryOver,
    DeleteModel,
    DeleteWorkspace,
    RunSteps,
    Stage,
    StartProcesses,
    WriteFiles,
    stages,
)
from mlsystem.emit.tree import ArtifactTree
from mlsystem.errors import MlsystemError
from mlsystem.plan.carried import carried
from mlsystem.plan.plan import Desired, Plan, check_fresh
from mlsystem.state.manifest import FORMAT, Manifest, Observation, Outputs, StepProof
from mlsystem.state.store import StateStore
from mlsystem_runtime.contract.run import RunConfig


@dataclass(frozen=True)
class Target:
    """What is to be applied. `observe` looks at the data again; `tool` is this program's version."""

    desired: Desired
    tree: ArtifactTree
    config: RunConfig
    observe: Callable[[], tuple[Observation, ...]]
    tool: str


@dataclass(frozen=True)
class Outcome:
    """`blocked` names the steps at which a gate said no, with what it said."""

    run_id: str | None
    blocked: tuple[tuple[str, str], ...] = ()


def apply_plan(
    plan: Plan, target: Target, engine: Engine, store: StateStore, watch: Watch, *, retry: bool = False
) -> Outcome:
    """Carry out exactly `plan`. Raises MlsystemError when it is stale, and when the world says no on the way.

    `retry` runs what a gate blocked once more, though none of its inputs changed.
    """
    with store.lease("mlsystem apply"):
        manifest = store.read()
        check_fresh(plan, manifest, target.desired, target.observe())
        if plan.empty and not (retry and manifest is not None and manifest.blocked):
            _abandon(target, engine, store, watch)
            return Outcome(run_id=None)
        engine.check()
        run_id, finished = _begin(plan, engine, store, watch)
        proven = None if manifest is None else carried(manifest, plan.changes)
        pipeline = Pipeline(target.config, plan.observations, proven, engine, store.journal, watch, run_id, finished)
        if retry:
            pipeline.retry()
        try:
            for stage in stages(plan):
                _do(stage, target, engine, store, manifest, pipeline, watch)
        except MlsystemError as error:
            engine.end_run(run_id, "failed", error.message)
            raise
        engine.end_run(run_id, "blocked" if pipeline.blocked else "done", "; ".join(pipeline.blocked.values()))
        done = manifest_of(plan, target, manifest, engine.outputs, pipeline.run_id, pipeline.proofs, pipeline.blocked)
        store.commit(done)
        store.journal.close()
        return Outcome(run_id=run_id, blocked=tuple(pipeline.blocked.items()))


def _begin(plan: Plan, engine: Engine, store: StateStore, watch: Watch) -> tuple[str, frozenset[str]]:
    """Go on where the same plan was interrupted, else start a run."""
    progress = store.journal.read()
    if progress is not None and progress.running is not None:
        engine.settle(progress.running)
    if progress is not None and progress.plan != plan.course:
        carry_back(engine, store.journal, watch)
    if progress is not None and progress.plan == plan.course:
        watch(Says(f"goes on with run {progress.run_id}, which was interrupted"))
        run_id, finished = progress.run_id, progress.finished
    else:
        run_id, finished = new_run_id(), frozenset[str]()
        store.journal.begin(plan.course, run_id)
    engine.start_run(run_id, f"apply, serial {plan.base_serial + 1}")
    return run_id, finished


def _abandon(target: Target, engine: Engine, store: StateStore, watch: Watch) -> None:
    """The file says again what the manifest says: an apply that was stopped amid renames is not gone on with."""
    progress = store.journal.read()
    if progress is None or not progress.carried:
        return
    engine.check()
    carry_back(engine, store.journal, watch)
    engine.write_files(target.tree)
    engine.start_processes(watch)
    store.journal.close()


def new_run_id() -> str:
    """Sorts by time; the tail tells two of one second apart."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def _do(
    stage: Stage,
    target: Target,
    engine: Engine,
    store: StateStore,
    manifest: Manifest | None,
    pipeline: Pipeline,
    watch: Watch,
) -> None:
    match stage:
        case CarryOver():
            carry_over(stage, engine, store.journal)
        case WriteFiles():
            engine.write_files(target.tree)
        case RunSteps():
            _run_steps(engine, store, pipeline, watch)
        case StartProcesses():
            engine.start_processes(watch)
        case DeleteModel():
            engine.delete_model(stage.model)
        case DeleteWorkspace():
            assert manifest is not None, "a first apply replaces nothing"
            engine.delete_workspace(manifest)
        case _:
            assert_never(stage)


def _run_steps(engine: Engine, store: StateStore, pipeline: Pipeline, watch: Watch) -> None:
    """Where a step fails, what runs goes on under the names that it knows."""
    try:
        pipeline.run()
    except MlsystemError:
        carry_back(engine, store.journal, watch)
        raise


def manifest_of(
    plan: Plan,
    target: Target,
    before: Manifest | None,
    outputs: Outputs,
    run_id: str,
    proofs: Mapping[str, StepProof],
    blocked: Iterable[str] = (),
) -> Manifest:
    """What stands once `plan` is carried out; `before` is what stood until then."""
    return Manifest(
        format=FORMAT,
        serial=plan.base_serial + 1,
        lineage=secrets.token_hex(8) if before is None else before.lineage,
        tool=target.tool,
        closure=target.desired.closure,
        snapshot=target.desired.snapshot,
        files=dict(target.desired.files),
        observations=plan.observations,
        run_id=run_id,
        proofs=dict(proofs),
        blocked=tuple(blocked),
        outputs=outputs,
        consumption=None if target.desired.costs is None else target.desired.costs.used,
        inputs=target.desired.inputs,
    )
