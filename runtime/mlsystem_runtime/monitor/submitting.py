"""A retraining that the monitor of a cluster begins: a run of the pipeline, in pods of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from mlsystem_runtime.contract.api_server import CONFLICT, CREATED, OK, ApiServer, refused
from mlsystem_runtime.contract.ledger import AnyEvent, ProposalOpened, RunFinished, RunStarted
from mlsystem_runtime.contract.run import Submission
from mlsystem_runtime.monitor.proposals import reason_of

API = "argoproj.io/v1alpha1"
HINTS = {
    403: "give the monitor's Role get and create on workflows: mlsystem apply does",
    404: "the cluster runs Argo Workflows, of which the pipeline is made: install it",
}


def submit(api: ApiServer, submission: Submission, proposal: ProposalOpened) -> str:
    """The name of the Workflow, which is its run's id: one for each proposal, however often this is asked for.

    Raises MlsystemError where it is not in the cluster after that, or nobody can say.
    """
    name = run_name(submission, proposal)
    folder = f"/apis/{API}/namespaces/{quote(submission.namespace, safe='')}/workflows"
    status, answer = api.ask("POST", folder, workflow(submission, proposal))
    if status == CONFLICT:  # it is there, or a quota was overtaken
        status = api.ask("GET", f"{folder}/{name}")[0]
        status = status if status == OK else CONFLICT
    if status not in (OK, CREATED):
        raise refused(status, answer, f"submit {submission.namespace}/{name}", HINTS)
    return name


def workflow(submission: Submission, proposal: ProposalOpened) -> dict[str, Any]:
    """What it makes may have to be approved: the system thought of it."""
    values = {"reason": reason_of(proposal.proposal), "proposes": "1"}
    return {
        "apiVersion": API,
        "kind": "Workflow",
        "metadata": {"name": run_name(submission, proposal), "labels": dict(submission.labels)},
        "spec": {
            "workflowTemplateRef": {"name": submission.template},
            "entrypoint": submission.entrypoint,
            "arguments": {"parameters": [{"name": name, "value": value} for name, value in values.items()]},
        },
    }


def run_name(submission: Submission, proposal: ProposalOpened) -> str:
    return f"{submission.name}-{proposal.evidence[:8]}"


def is_recorded(events: Iterable[AnyEvent], run: str) -> bool:
    """Whether the ledger knows of this run. One whose first pod never ran has an end alone."""
    return any(isinstance(one, RunStarted | RunFinished) and one.run_id == run for one in events)
