"""What one does with an environment in a cluster: run its pipeline again, decide on a proposal, roll back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mlsystem.apply.apply import Outcome, new_run_id
from mlsystem.apply.cluster_api import Reference
from mlsystem.apply.cluster_environment import ClusterEnvironment
from mlsystem.apply.decide import approved_reason, decide, release_approved, roll_back
from mlsystem.apply.events import Says, Watch
from mlsystem.apply.pipeline import BLOCKED
from mlsystem.apply.rerun import needed, not_as_written
from mlsystem.apply.running import Running
from mlsystem.apply.status import steps_of
from mlsystem.apply.workflow import run_of, submit, template_at, workflow_name
from mlsystem.emit.argo import ALL, API, all_steps, chosen_steps, model_steps, workflow_template
from mlsystem.emit.kubernetes.objects import Body, Cluster
from mlsystem.emit.kubernetes.processes import in_bucket, release_name, workspace_claim
from mlsystem.emit.submission import model_entrypoint, pipeline_name
from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.ledger import ProposalOpened, open_ledger
from mlsystem_runtime.contract.releases import find_proposal


def run_there(environment: ClusterEnvironment, steps: Iterable[str], watch: Watch) -> Outcome:
    """Submit a run of `steps` (none: all) and those whose output they need; nobody waits for it. Raises MlsystemError
    when the file was changed since the last apply: what is run is what was applied."""
    wanted = needed(environment.compiled.config, steps) or None
    with environment.store.lease("mlsystem run"):
        check_applied(environment)
        spec = specification(environment.engine.inside.cluster, wanted)
        return submitted(environment, spec, watch, reason="mlsystem run")


def specification(cluster: Cluster, steps: set[str] | None) -> Body:
    """An entrypoint of the template where one has just these steps (None: all), else a graph of their own."""
    everything = [step.name for step in all_steps(cluster)]
    if steps is None or steps == set(everything):
        return template_at(cluster, ALL)
    for model in cluster.system.models:
        if steps == set(model_steps(cluster, model)):
            return template_at(cluster, model_entrypoint(model.name))
    return chosen_steps(cluster, [name for name in everything if name in steps])


def judged(running: Running, outcome: Outcome) -> Outcome:
    """Of a run that has ended, with the gates that said no. Raises MlsystemError where its records are out of reach."""
    assert outcome.run_id is not None, "a run was submitted"
    run, order = workflow_name(running.cluster, outcome.run_id), tuple(step.name for step in all_steps(running.cluster))
    steps = steps_of(running.workspace, run, order)
    return replace(outcome, blocked=tuple((one.step, one.summary) for one in steps if one.status == BLOCKED))


def submitted(environment: ClusterEnvironment, spec: Body, watch: Watch, **values: str) -> Outcome:
    body = run_of(environment.engine.inside.cluster, new_run_id(), spec, **values)
    submit(environment.engine.api, body)
    name = body["metadata"]["name"]
    watch(Says(f"run {name} is submitted; to watch it: mlsystem status -e {environment.name}"))
    return Outcome(run_id=name)


def check_applied(environment: ClusterEnvironment) -> None:
    """By what is remembered here; where it was applied elsewhere, by the pipeline that is in the cluster."""
    cluster, manifest = environment.engine.inside.cluster, environment.store.read()
    live = environment.engine.api.get(
        Reference(API, "WorkflowTemplate", pipeline_name(cluster), cluster.target.namespace)
    )
    if live is None:
        raise MlsystemError(
            f"the cluster has no WorkflowTemplate {cluster.target.namespace}/{pipeline_name(cluster)}",
            f"apply makes it: mlsystem apply -e {environment.name}",
        )
    if manifest is None:
        same = live["spec"] == workflow_template(cluster)["spec"]
    else:
        same = dict(environment.compiled.tree.digests) == manifest.files
    if not same:
        raise not_as_written()


def approve_there(running: Running, name: str | None, watch: Watch) -> Outcome:
    """Approve a proposal and carry it out: submit a training, or release the version it names."""
    check_reach(running, f"mlsystem run -e {running.name} --model NAME trains again; a version is released by hand")
    shown = find_proposal(open_ledger(running.workspace), name)
    if shown.kind == "retrain":
        return train_again(running, shown, watch)
    release_approved(running, decide(running, shown.proposal, "approved"), watch)
    return Outcome(run_id=None)


def train_again(running: Running, shown: ProposalOpened, watch: Watch) -> Outcome:
    """What it makes may have to be approved again: the system thought of it."""
    environment, cluster = running.environment, running.cluster
    with environment.store.lease("mlsystem approve"):
        check_applied(environment)  # before the decision: a proposal is not used up by a run that cannot start
        if shown.model not in {model.name for model in cluster.system.models}:
            raise MlsystemError(f"there is no model '{shown.model}' any more", f"mlsystem reject {shown.proposal}")
        decided = decide(running, shown.proposal, "approved")
        spec = template_at(cluster, model_entrypoint(decided.model))
        try:
            return submitted(environment, spec, watch, reason=approved_reason(decided), proposes="1")
        except MlsystemError as error:
            raise MlsystemError(
                f"proposal {decided.proposal} is approved, but its run could not be submitted: {error.message}",
                f"submit it: mlsystem run -e {running.name} --model {decided.model}",
            ) from error


def reject_there(running: Running, name: str | None) -> ProposalOpened:
    check_reach(running, "a proposal that nobody decides on changes nothing")
    return decide(running, name, "rejected")


def roll_back_there(running: Running, model: str | None, to: int | None, *, rejected: bool = False) -> str:
    """One sentence about what answers now; servers follow within a second."""
    place = f"-n {running.namespace} edit configmap {release_name(running.cluster)}"
    check_reach(running, f"`kubectl {place}` does it too, but nobody finds it in the ledger")
    return roll_back(running, model, to, rejected=rejected)


def check_reach(running: Running, instead: str) -> None:
    """Raises MlsystemError where the ledger is in a claim; `instead` is what can be done all the same."""
    if not in_bucket(running.cluster):
        raise MlsystemError(
            f"the ledger is in claim {workspace_claim(running.cluster)}, which only pods of the cluster can reach",
            f"{instead}; to decide from here, put it in a bucket: environments.{running.name}.workspace",
        )
