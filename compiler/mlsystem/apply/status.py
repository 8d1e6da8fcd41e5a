"""What an environment is at this moment, gathered from state, workspace and processes; as a value and as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal, TypeVar

from mlsystem.apply.local import HOST, LocalEngine, scheme
from mlsystem.errors import MlsystemError
from mlsystem.state.manifest import Manifest
from mlsystem_runtime.contract.base import Struct, pretty_json
from mlsystem_runtime.contract.ledger import (
    ProposalOpened,
    RunFinished,
    RunStarted,
    VersionRegistered,
    open_ledger,
    open_proposals,
)
from mlsystem_runtime.contract.monitor_state import MonitorState
from mlsystem_runtime.contract.release import Release, Share, read_release
from mlsystem_runtime.contract.workspace import StepRecord, Workspace

S = TypeVar("S", bound=Struct)
SHOWN_VERSIONS = 3


class StepStatus(Struct):
    step: str
    status: str
    summary: str
    seconds: float


class RunStatus(Struct):
    """`outcome` None: it is under way, or was killed."""

    run_id: str
    reason: str
    outcome: Literal["done", "failed", "blocked"] | None
    steps: tuple[StepStatus, ...]


class ModelStatus(Struct):
    """`versions` newest first; `monitor` None until the monitor has looked."""

    model: str
    routes: tuple[str, ...]
    shares: tuple[Share, ...]
    versions: tuple[VersionRegistered, ...]
    monitor: MonitorState | None


class Status(Struct):
    """`processes` maps server and monitor to what the supervisor calls their state."""

    system: str
    environment: str
    serial: int
    url: str
    processes: dict[str, str]
    run: RunStatus | None
    models: tuple[ModelStatus, ...]
    proposals: tuple[ProposalOpened, ...]
    blocked: tuple[str, ...]


def status_of(engine: LocalEngine, manifest: Manifest) -> Status:
    states = engine.supervisor.states()
    config, workspace = engine.config, engine.workspace
    release = read_release(workspace.release)
    return Status(
        system=config.system,
        environment=config.environment,
        serial=manifest.serial,
        url=f"{scheme(config)}://{HOST}:{manifest.outputs.port}",
        processes={program.name: states.get(program.name, "DOWN") for program in engine.programs()},
        run=last_run(workspace, tuple(step.name for step in config.steps)),
        models=tuple(model_status(workspace, release, one.model, one.routes) for one in config.server.endpoints),
        proposals=tuple(open_proposals(open_ledger(workspace)).values()),
        blocked=manifest.blocked,
    )


def last_run(workspace: Workspace, order: tuple[str, ...]) -> RunStatus | None:
    started: RunStarted | None = None
    finished: RunFinished | None = None
    for entry in open_ledger(workspace).entries():
        if isinstance(entry.body, RunStarted):
            started, finished = entry.body, None
        elif isinstance(entry.body, RunFinished):
            finished = entry.body
    if started is None:
        return None
    same = finished is not None and finished.run_id == started.run_id
    return RunStatus(
        run_id=started.run_id,
        reason=started.reason,
        outcome=finished.outcome if finished is not None and same else None,
        steps=tuple(steps_of(workspace, started.run_id, order)),
    )


def steps_of(workspace: Workspace, run_id: str, order: tuple[str, ...]) -> Iterator[StepStatus]:
    """Those that have a record in a run."""
    for name in order:
        record = _read(workspace, StepRecord, "runs", run_id, f"{name}.json")
        if record is not None:
            yield StepStatus(step=name, status=record.status, summary=record.summary, seconds=record.seconds)


def model_status(workspace: Workspace, release: Release, model: str, routes: tuple[str, ...]) -> ModelStatus:
    bodies = (entry.body for entry in open_ledger(workspace).entries())
    entered = {one.version: one for one in bodies if isinstance(one, VersionRegistered) and one.model == model}
    kept = set(workspace.versions(model))
    return ModelStatus(
        model=model,
        routes=routes,
        shares=shares_of(release, model),
        versions=tuple(one for number, one in sorted(entered.items(), reverse=True) if number in kept),
        monitor=_read(workspace, MonitorState, "monitor", f"{model}.json"),
    )


def shares_of(release: Release, model: str) -> tuple[Share, ...]:
    released = release.models.get(model)
    return () if released is None else released.shares


def _read(workspace: Workspace, kind: type[S], *parts: str) -> S | None:
    try:
        return workspace.read(kind, *parts)
    except (FileNotFoundError, MlsystemError):
        return None


def status_text(status: Status) -> str:
    return "\n".join(_lines(status)) + "\n"


def _lines(status: Status) -> Iterator[str]:
    processes = ", ".join(f"{name} {state.lower()}" for name, state in status.processes.items())
    yield f"{status.system} in {status.environment}, serial {status.serial}: {processes}"
    yield f"  endpoint {status.url}"
    if status.run is not None:
        yield ""
        yield from run_lines(status.run)
    for model in status.models:
        yield ""
        yield answers_line(model)
        yield from model_lines(model)
    for proposal in status.proposals:
        yield ""
        yield from proposal_lines(proposal)
    if status.blocked:
        yield ""
        yield f"a gate said no in {', '.join(status.blocked)}; to evaluate again: mlsystem apply --retry"


def run_lines(run: RunStatus) -> Iterator[str]:
    yield f"run {run.run_id}: {run.outcome or 'not finished'} ({run.reason})"
    width = max((len(step.step) for step in run.steps), default=0)
    for step in run.steps:
        yield f"  {step.step:<{width}}  {step.status:<9}  {step.seconds:6.1f} s  {step.summary}"


def proposal_lines(proposal: ProposalOpened, suffix: str = "") -> Iterator[str]:
    name = f"{proposal.proposal}{suffix}"
    yield f"proposal {proposal.proposal}: {proposal.kind} {proposal.model}: {proposal.reason}"
    yield f"  mlsystem approve {name} | mlsystem reject {name}"


def answers_line(model: ModelStatus) -> str:
    shares = ", ".join(f"version {one.version} answers {one.share:.0%}" for one in model.shares)
    return f"model {model.model} on {', '.join(model.routes)}: {shares or 'no version answers'}"


def model_lines(model: ModelStatus) -> Iterator[str]:
    for version in model.versions[:SHOWN_VERSIONS]:
        metrics = ", ".join(
            f"{one.metric} {one.value:.4g}" for one in version.metrics if one.slice is None and one.value is not None
        )
        yield f"  version {version.version} {version.status}: {metrics}"
        yield from (f"    gate {gate.gate}: {gate.detail}" for gate in version.gates if not gate.passed)
    if len(model.versions) > SHOWN_VERSIONS:
        yield f"  and {len(model.versions) - SHOWN_VERSIONS} older"
    if model.monitor is not None:
        yield from _monitor_lines(model.monitor)


def _monitor_lines(state: MonitorState) -> Iterator[str]:
    window = state.last or state.window
    seen = "nothing yet" if window is None else f"{window.verdict.replace('_', ' ')} over {window.rows:,} rows"
    clock = "" if state.clock_us is None else f" at {_instant(state.clock_us)}"
    yield f"  monitor{clock}: {seen}; {state.windows_drifted} of {state.windows_judged} windows drifted"
    for one in state.freshness:
        yield f"    source {one.source}: {'fresh' if one.fresh else 'stale'}"
    if state.sli is not None and state.sli.valid:
        met = "met" if state.sli.met else "missed"
        yield f"    objectives {met} over {state.sli.valid:,} requests"
    yield from (f"    alert: {alert.message}" for alert in state.alerts)


def _instant(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds / 1e6, UTC).isoformat(timespec="minutes").replace("+00:00", "Z")


def status_json(status: Status) -> str:
    return pretty_json(status)
