"""What a run of the pipeline writes down beside its steps, where an engine of its own runs them: its beginning, its
end, and that somebody should decide about one. On one machine `apply` and the monitor do this themselves.

Each may be run again: what stands there already is not written twice.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Literal

from msgspec.structs import replace

from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.bucket_collection import collect_bucket
from mlsystem_runtime.contract.collection import collect
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import RunFinished, RunStarted, open_ledger
from mlsystem_runtime.contract.monitor_state import REFRESHES, Refreshes, RefreshState
from mlsystem_runtime.contract.names import PROPOSE
from mlsystem_runtime.contract.run import Refresh, RunConfig, refresh_entrypoint
from mlsystem_runtime.contract.workspace import StepRecord, Workspace
from mlsystem_runtime.monitor.proposals import open_retraining
from mlsystem_runtime.steps.base import emit

SUCCEEDED = "Succeeded"
LONGEST_DETAIL = 2000

Outcome = Literal["done", "failed", "blocked"]


def begin(workspace: Workspace, run_id: str, reason: str) -> None:
    event = RunStarted(run_id=run_id, reason=reason)
    open_ledger(workspace).append_new(event, lambda known: event in known)
    emit("finished", status="done", summary=f"{run_id} began: {reason}")


def end(
    config: RunConfig, workspace: Workspace, run_id: str, entrypoint: str, outcome: str, failures: str
) -> None:
    """`outcome` and `failures` as Argo has them: `workflow.status`, `workflow.failures`."""
    detail = "" if outcome == SUCCEEDED else described(failures)
    refresh = next((one for one in config.monitor.refreshes if entrypoint == refresh_entrypoint(one)), None)
    if refresh is not None:
        end_refresh(workspace, run_id, refresh, None if outcome == SUCCEEDED else detail)
    elif entrypoint != PROPOSE:
        end_run(workspace, run_id, outcome == SUCCEEDED, detail)
    tidy(workspace)
    emit("finished", status="done", summary=f"{run_id} ended: {detail or outcome}")


def tidy(workspace: Workspace) -> None:
    """What cannot be collected now is collected at the end of another run; that this one ended is written down."""
    try:
        if workspace.bucket is None:
            collect(workspace)
        else:
            collect_bucket(workspace.bucket, time.time())
    except (OSError, MlsystemError) as error:
        sys.stderr.write(f"warning: what nobody needs any more stays for now: {error}\n")


def end_refresh(workspace: Workspace, run_id: str, refresh: Refresh, failure: str | None) -> None:
    """The state that the monitor shows and exports; there is no entry in the ledger, for there would be thousands."""
    now_us, name = time.time_ns() // 1000, refresh_entrypoint(refresh)

    def ended(known: Refreshes | None) -> Refreshes:
        states = {} if known is None else known.states
        before = states.get(name, RefreshState(
            steps=refresh.steps, every_us=refresh.every_us, runs=0, failures=0, started_us=None, finished_us=None,
            failure=None,
        ))
        if known is not None and before.run == run_id:
            return known
        state = replace(
            before, steps=refresh.steps, runs=before.runs + 1, failures=before.failures + (failure is not None),
            run=run_id, finished_us=now_us, failure=failure, done_us=now_us if failure is None else before.done_us,
        )
        return Refreshes(states={**states, name: state})

    workspace.update(Refreshes, ended, REFRESHES)


def end_run(workspace: Workspace, run_id: str, succeeded: bool, detail: str) -> None:
    """A gate that said no is an answer, not a failure: its step ends well, and the run is `blocked`."""
    blocked = [record for record in records(workspace, run_id) if record.status == "blocked"]
    outcome: Outcome = "failed" if not succeeded else "blocked" if blocked else "done"
    text = detail or "; ".join(f"{record.step}: {record.summary}" for record in blocked)
    event = RunFinished(run_id=run_id, outcome=outcome, detail=text[:LONGEST_DETAIL])
    open_ledger(workspace).append_new(
        event, lambda known: any(isinstance(one, RunFinished) and one.run_id == run_id for one in known)
    )


def records(workspace: Workspace, run_id: str) -> list[StepRecord]:
    """Of the steps that ran."""
    return [workspace.read(StepRecord, "runs", run_id, name) for name in workspace.storage.documents(f"runs/{run_id}")]


def described(failures: str) -> str:
    """Which tasks failed, and how. Argo gives a JSON list, in any order, as the text of a JSON string; the run itself
    may be in it, without a message."""
    try:
        decoded = json.loads(failures)
        found = json.loads(decoded) if isinstance(decoded, str) else decoded
        named = sorted((one["displayName"], one["message"]) for one in found)
        return "; ".join(f"{name}: {message}" for name, message in named if message) or "it ended without saying why"
    except (ValueError, KeyError, TypeError):
        return failures.strip() or "it ended without saying why"


def propose(workspace: Workspace, run_id: str, model: str, reason: str) -> None:
    """Opens a proposal to retrain; none where one waits already."""
    opened = open_retraining(open_ledger(workspace), model, reason, digest([model, run_id]))
    said = "one waits already" if opened is None else f"proposal {opened.proposal} is open"
    emit("finished", status="done", summary=f"{model}: {said}")
