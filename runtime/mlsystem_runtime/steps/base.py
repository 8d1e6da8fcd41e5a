"""How any step runs: resolve its inputs, skip it if an output with the same key exists, else run and publish it whole.

The key hashes the step's fingerprint (what the compiler says decides its output), the digests of exactly those parts
of its inputs that it reads, and what it observed of the outside world (an ingest step: its file's content).
"""

from __future__ import annotations

import contextlib
import importlib
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from mlsystem_runtime.contract.attempts import attempt_name, attempting
from mlsystem_runtime.contract.base import canonical_json, digest
from mlsystem_runtime.contract.bucket import UnreachableError
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.release_store import FileReleaseStore, ReleaseStore
from mlsystem_runtime.contract.run import AnyPayload, RunConfig, Step
from mlsystem_runtime.contract.workspace import StepRecord, Workspace, read_struct, write_struct
from mlsystem_runtime.steps.order import next_order

if TYPE_CHECKING:
    from mlsystem_runtime.train.gang import Gang  # brings torch, which most steps do without

MODULES = {
    "IngestStep": "mlsystem_runtime.steps.ingest",
    "FeaturesStep": "mlsystem_runtime.steps.features",
    "TrainStep": "mlsystem_runtime.steps.train",
    "EvaluateStep": "mlsystem_runtime.steps.evaluate",
    "RegisterStep": "mlsystem_runtime.steps.register",
    "MaterializeStep": "mlsystem_runtime.steps.materialize",
}
RESULT = "result.json"


@dataclass(frozen=True)
class StepResult:
    """`digests` names what later steps may read; `facts` are JSON values; `summary` is one line for people."""

    digests: Mapping[str, str]
    facts: Mapping[str, Any]
    summary: str
    status: Literal["done", "blocked"] = "done"


@dataclass(frozen=True)
class Input:
    """The published output of an earlier step. `order` is greater the later that step started in its run."""

    workspace: Workspace
    output: str
    digests: Mapping[str, str]
    facts: Mapping[str, Any]
    order: int = 0

    @cached_property
    def path(self) -> Path:
        """The folder with its files, brought here when they are first asked for."""
        return self.workspace.storage.fetch(self.output)


@dataclass(frozen=True)
class StepContext:
    """What a step's code may use. It writes only below `out` (published when it returns) and `scratch`.

    `scratch` belongs to the step's key and survives a crash: a trainer keeps its checkpoints there. `gang` is None for
    a process that is alone.
    """

    config: RunConfig
    step: Step
    workspace: Workspace
    releases: ReleaseStore
    run_id: str
    key: str
    out: Path
    scratch: Path
    inputs: Mapping[str, Input] = field(default_factory=dict)
    gang: Gang | None = None

    def progress(self, done: float, total: float, text: str) -> None:
        """Tell whoever watches how far this step is; one JSON line on standard output."""
        emit("progress", done=done, total=total, text=text)

    def keep(self, path: Path) -> None:
        """A file below `scratch` survives the loss of this machine. When that fails the step goes on all the same."""
        try:
            self.workspace.storage.keep(str(path.relative_to(self.workspace.root)))
        except MlsystemError as error:
            sys.stderr.write(f"warning: {error}\n")


class StepModule(Protocol):
    """A file of this package. `observe` names what outside the workspace decides the output.

    A module may also have `revisit(payload, context, record)`: what there is to do where an earlier output answers; and
    `attend(payload, context)`: the part of other processes than the first, where several carry out the step.
    """

    def observe(self, payload: Any) -> Mapping[str, str]: ...

    def run(self, payload: Any, context: StepContext) -> StepResult: ...


def emit(event: str, **values: object) -> None:
    """One event for whoever started this process. People read standard error."""
    sys.stdout.write(canonical_json({"event": event, **values}).decode() + "\n")
    sys.stdout.flush()


def run_step(
    config: RunConfig, name: str, workspace: Workspace, run_id: str, releases: ReleaseStore | None = None,
    gang: Gang | None = None,
) -> StepRecord:
    """Run step `name` as part of `run_id`, or find that an earlier output answers; record and return which.

    `releases` None is the file of the workspace. Of a `gang` this is the first process.
    """
    started = time.monotonic()
    step = config.step(name)
    module = load(step.payload)
    inputs = {read.step: read_input(workspace, run_id, read.step) for read in step.reads}
    order = next_order(workspace)
    observed = dict(module.observe(step.payload))
    key = step_key(step, inputs, observed)
    published = f"steps/{name}/{key}"
    context = StepContext(
        config=config,
        step=step,
        workspace=workspace,
        releases=releases or FileReleaseStore(workspace),
        run_id=run_id,
        key=key,
        inputs=inputs,
        out=workspace.path("steps", name, attempt_name(key)),
        scratch=workspace.path("scratch", name, key),
        gang=gang,
    )

    earlier = answer_of(workspace, published)
    if earlier is None and gang is not None:
        gathered = gang.gather(key, there=lambda: answer_of(workspace, published) is not None)
        earlier = None if gathered else answer_of(workspace, published)
    if earlier is not None:
        record = recorded(earlier, "unchanged", time.monotonic() - started)
        if hasattr(module, "revisit"):
            module.revisit(step.payload, context, record)
    else:
        record = execute(module, context, published, started)
    record = msgspec.structs.replace(record, observed=observed, order=order)
    workspace.write(record, "runs", run_id, f"{name}.json")
    emit("finished", status=record.status, summary=record.summary, seconds=record.seconds)
    return record


def answer_of(workspace: Workspace, published: str) -> StepRecord | None:
    """What an earlier output says of itself. A damaged one is removed: it answers as little as an absent one."""
    try:
        return read_struct(workspace.storage.fetch(published, RESULT) / RESULT, StepRecord)
    except FileNotFoundError:
        return None
    except UnreachableError:
        raise
    except MlsystemError as error:
        sys.stderr.write(f"{error.message}: the step runs again\n")
        workspace.storage.discard(published)
        return None


def load(payload: AnyPayload) -> StepModule:
    module: StepModule = importlib.import_module(
        MODULES[type(payload).__name__]
    )  # lazy: each step has heavy imports of its own
    return module


def read_input(workspace: Workspace, run_id: str, step: str) -> Input:
    try:
        record = workspace.read(StepRecord, "runs", run_id, f"{step}.json")
    except FileNotFoundError as error:
        raise MlsystemError(
            f"step '{step}' has not run in {run_id}", f"run it first: mlsystem_runtime step {step}"
        ) from error
    return Input(workspace, record.output, digests=record.digests, facts=record.facts, order=record.order)


def step_key(step: Step, inputs: Mapping[str, Input], observed: Mapping[str, str]) -> str:
    read = {one.step: {part: inputs[one.step].digests[part] for part in one.parts} for one in step.reads}
    return digest({"fingerprint": step.fingerprint, "reads": read, "observed": observed})


def execute(module: StepModule, context: StepContext, published: str, started: float) -> StepRecord:
    """Of two attempts at once the first to publish answers for both."""
    storage, scratch = context.workspace.storage, f"scratch/{context.step.name}/{context.key}"
    with attempting(context.out):
        storage.restore(scratch)
        context.scratch.mkdir(parents=True, exist_ok=True)
        result = module.run(context.step.payload, context)
        record = StepRecord(
            step=context.step.name,
            key=context.key,
            status=result.status,
            output=published,
            digests=dict(result.digests),
            facts=dict(result.facts),
            summary=result.summary,
            seconds=round(time.monotonic() - started, 3),
        )
        write_struct(context.out / RESULT, record)
        if not storage.publish(context.out, published):
            first = answer_of(context.workspace, published)
            if first is None:
                raise MlsystemError(f"{storage.uri}/{published} holds no output", "run the step again")
            record = recorded(first, "unchanged", time.monotonic() - started)
    shutil.rmtree(context.scratch, ignore_errors=True)
    with contextlib.suppress(UnreachableError):  # checkpoints that stay are collected one day
        storage.discard(scratch)
    return record


def recorded(record: StepRecord, status: str, seconds: float) -> StepRecord:
    """An earlier answer, as it counts in this run. A gate that said no still says no."""
    return StepRecord(
        step=record.step,
        key=record.key,
        status="blocked" if record.status == "blocked" else status,
        output=record.output,
        digests=record.digests,
        facts=record.facts,
        summary=record.summary,
        seconds=round(seconds, 3),
    )
