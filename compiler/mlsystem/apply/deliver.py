"""Apply to a cluster, whole: the lease, the checks, the stages in order, the commit. Like `apply.py` for one machine.

The manifest commits when the run is submitted: training takes as long as it takes, and its last step, not this one,
releases what it made.
"""

from __future__ import annotations

from typing import assert_never

from mlsystem.apply.apply import Outcome, Target, manifest_of, new_run_id
from mlsystem.apply.cluster import ClusterEngine
from mlsystem.apply.events import Says, Watch
from mlsystem.apply.stages import (
    BuildImages,
    CheckCluster,
    ClusterStage,
    CollectConfigs,
    HandOver,
    SubmitRun,
    UpdateStack,
    WriteFiles,
    cluster_stages,
)
from mlsystem.errors import MlsystemError
from mlsystem.plan.change import NodeRenamed
from mlsystem.plan.plan import Plan, check_fresh
from mlsystem.plan.preview import surprises
from mlsystem.state.manifest import Manifest, StepProof
from mlsystem.state.store import StateStore


def deliver(
    plan: Plan,
    target: Target,
    engine: ClusterEngine,
    store: StateStore,
    watch: Watch,
    *,
    retry: bool = False,
    wait: bool = False,
) -> Outcome:
    """Carry out exactly `plan`. Raises MlsystemError when it is stale or the world says no.

    `retry` runs the pipeline though no input changed; `wait` until the run has ended.
    """
    with store.lease("mlsystem apply"):
        manifest = store.read()
        check_fresh(plan, manifest, target.desired, target.observe())
        steps = steps_to_run(plan, target, engine, manifest, retry=retry)
        if plan.empty and not steps and store.journal.read() is None:
            return Outcome(run_id=None)
        refuse_renames(plan)
        engine.write_files(target.tree)
        engine.check()
        refuse_surprises(plan, engine)
        run_id = _begin(plan, store, watch)
        delivery = engine.inside.cluster.target.delivery
        for stage in cluster_stages(steps, delivery, engine.below, new=not engine.cluster_there):
            _do(stage, target, engine, run_id, plan, watch)
        submitted = run_id if steps and not engine.by_gitops else manifest.run_id if manifest is not None else ""
        store.commit(manifest_of(plan, target, manifest, engine.outputs, submitted, asked_for(target)))
        store.journal.close()
    if wait and submitted:
        engine.wait_for_run(submitted, watch)
    return Outcome(run_id=submitted or None)


def steps_to_run(
    plan: Plan, target: Target, engine: ClusterEngine, manifest: Manifest | None, *, retry: bool
) -> tuple[str, ...]:
    """Those of the plan; all of them where the last run failed. A step whose output stands costs its pod only."""
    everything = tuple(step.name for step in target.config.steps)
    if engine.by_gitops or not everything:
        return ()
    if retry or (manifest is not None and engine.run_state(manifest).phase == "failed"):
        return everything
    return () if plan.empty else plan.steps


def refuse_surprises(plan: Plan, engine: ClusterEngine) -> None:
    """Raises MlsystemError when the engine would now do what the plan did not show."""
    if engine.by_gitops and not engine.below:
        return
    unseen = surprises(plan.preview, engine.preview(engine.generated))
    if unseen:
        raise MlsystemError(
            f"the plan does not show what would be done in the cluster: {'; '.join(unseen)}",
            "look at a new one, made where the cluster's engine can be asked: mlsystem plan",
        )


def refuse_renames(plan: Plan) -> None:
    renamed = [change for change in plan.changes if isinstance(change, NodeRenamed)]
    if renamed:
        raise MlsystemError(
            f"what was made for {renamed[0].old} cannot be carried over to {renamed[0].node} in a cluster yet",
            "keep the old name; without `renamed_from` the new name starts from nothing",
        )


def _begin(plan: Plan, store: StateStore, watch: Watch) -> str:
    progress = store.journal.read()
    if progress is not None and progress.plan == plan.course:
        watch(Says(f"goes on with run {progress.run_id}, which was interrupted"))
        return progress.run_id
    run_id = new_run_id()
    store.journal.begin(plan.course, run_id)
    return run_id


def _do(stage: ClusterStage, target: Target, engine: ClusterEngine, run_id: str, plan: Plan, watch: Watch) -> None:
    match stage:
        case WriteFiles():
            engine.write_files(target.tree)
        case BuildImages():
            engine.build_images(watch)
        case UpdateStack(name=name):
            engine.update_stack(name, watch)
        case CheckCluster():
            engine.check_cluster()
        case SubmitRun(steps=steps):
            engine.submit_run(run_id, steps, f"apply, serial {plan.base_serial + 1}", watch)
        case CollectConfigs():
            engine.collect_configs(watch)
        case HandOver():
            engine.hand_over(target.tree, watch)
        case _:
            assert_never(stage)


def asked_for(target: Target) -> dict[str, StepProof]:
    """What was submitted counts as asked for: these proofs say what, not what came of it."""
    steps = target.desired.steps.items()
    return {name: StepProof(fingerprint=fingerprint, observed=None, reads={}) for name, fingerprint in steps}
