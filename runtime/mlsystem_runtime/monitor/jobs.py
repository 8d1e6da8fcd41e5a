"""Steps that the monitor runs: refreshes of the online store when they are due, retrainings that nobody has to approve.
In a cluster these are runs of the pipeline (see `submitting`).

One step at a time, each a process with the command line that the engine uses, which dies with the monitor. Nothing here
waits: `Jobs.poll` is called again and again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mlsystem_runtime.contract.monitor_state import RefreshState
from mlsystem_runtime.contract.names import DIE_WITH_PARENT, PROPOSES
from mlsystem_runtime.contract.run import Refresh
from mlsystem_runtime.contract.workspace import Workspace

LAST_LINES = 15
KEPT_REFRESHES = 20      # run folders; a refresh leaves nothing that a later one needs
STOP_SECONDS = 10.0
STOPPED = "the monitor was stopped"

Command = Callable[[str, str], Sequence[str]]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """`finished` is told the last lines of the step that failed, or None, and never raises."""

    run_id: str
    steps: tuple[str, ...]
    finished: Callable[[str | None], None]


@dataclass
class Running:
    """The job under way, what is left of it, and the process of its current step."""

    job: Job
    left: deque[str]
    process: subprocess.Popen[bytes]
    log: Path


class Jobs:
    """A queue of jobs, first come, first served. `command` gives the arguments for (step, run id)."""

    def __init__(self, workspace: Workspace, command: Command) -> None:
        self._workspace = workspace
        self._command = command
        self._waiting: deque[Job] = deque()
        self._running: Running | None = None

    @property
    def idle(self) -> bool:
        return self._running is None and not self._waiting

    def add(self, job: Job) -> None:
        self._waiting.append(job)

    def poll(self) -> None:
        """Takes note of a step that has ended and starts what comes next."""
        running = self._running
        if running is not None and running.process.poll() is not None:
            self._running = None
            self._next(running)
        if self._running is None and self._waiting:
            job = self._waiting.popleft()
            self._start(job, deque(job.steps))

    def stop(self) -> None:
        """Ends the step under way and drops what waits. A step's output is published whole or not at all."""
        running, self._running = self._running, None
        dropped = [] if running is None else [running.job]
        if running is not None:
            end(running.process)
        for job in (*dropped, *self._waiting):
            job.finished(STOPPED)
        self._waiting.clear()

    def _next(self, running: Running) -> None:
        if (status := running.process.returncode) != 0:
            running.job.finished(last_lines(running.log) or f"it ended with status {status} silently")
        elif running.left:
            self._start(running.job, running.left)
        else:
            running.job.finished(None)

    def _start(self, job: Job, left: deque[str]) -> None:
        step = left.popleft()
        try:
            self._running = self._begun(job, step, left)
        except OSError as error:  # a disk that is full, say: it is this job that fails
            job.finished(f"step {step} cannot be started: {error}")

    def _begun(self, job: Job, step: str, left: deque[str]) -> Running:
        log = self._workspace.path("runs", job.run_id, f"{step}.log")
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "wb") as output:
            process = subprocess.Popen(
                self._command(step, job.run_id), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env={**os.environ, DIE_WITH_PARENT: str(os.getpid()), PROPOSES: "1"},
            )
        return Running(job, left, process, log)


def last_lines(log: Path) -> str:
    """Nothing where the log is gone."""
    with contextlib.suppress(OSError):
        return "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
    return ""


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and SIGKILL for what has not ended STOP_SECONDS later."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def runtime_command(config_path: Path, workspace: Workspace, release: str | None = None) -> Command:
    """The same command line as the engine's; `release` is where the release is, None for the file of the workspace."""
    released = () if release is None else ("--release", release)

    def command(step: str, run_id: str) -> Sequence[str]:
        return (sys.executable, "-m", "mlsystem_runtime", "step", step, "--config", str(config_path),
                "--workspace", workspace.storage.uri, "--run-id", run_id, *released)

    return command


def new_run_id(kind: str) -> str:
    return f"{kind}-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"


class Schedule:
    """One refresh: due `every_us` after it last ended, by wall time, across restarts of the monitor."""

    def __init__(self, refresh: Refresh, earlier: RefreshState | None, workspace: Workspace, now_us: int) -> None:
        self._workspace = workspace
        self._queued = False
        self._begun_us = now_us
        self.refresh = refresh
        self.state = earlier if earlier is not None else RefreshState(
            steps=refresh.steps, every_us=refresh.every_us, runs=0, failures=0, started_us=None, finished_us=None,
            failure=None,
        )

    def due(self, now_us: int) -> bool:
        """A store that has just been filled is not filled again at once."""
        last_us = self.state.finished_us if self.state.finished_us is not None else self._begun_us
        return not self._queued and now_us - last_us >= self.refresh.every_us

    def start(self, jobs: Jobs, now_us: int) -> None:
        self._queued = True
        self.state = msgspec.structs.replace(self.state, started_us=now_us)
        prune_refreshes(self._workspace)
        jobs.add(Job(new_run_id("refresh"), self.refresh.steps, self._finished))

    def _finished(self, failure: str | None) -> None:
        self._queued = False
        if failure == STOPPED:
            return
        now_us = time.time_ns() // 1000
        self.state = msgspec.structs.replace(
            self.state, runs=self.state.runs + 1, failures=self.state.failures + (failure is not None),
            finished_us=now_us, failure=failure, done_us=now_us if failure is None else self.state.done_us,
        )
        if failure is not None:
            logger.error("refreshing %s failed; it is tried again:\n%s", ", ".join(self.refresh.steps), failure)


def prune_refreshes(workspace: Workspace) -> None:
    """Removes the run folders of all but the newest refreshes; their ids sort by time."""
    runs = workspace.path("runs")
    found = sorted(path for path in runs.glob("refresh-*") if path.is_dir())
    for path in found[:-KEPT_REFRESHES]:
        with contextlib.suppress(OSError):
            shutil.rmtree(path)
