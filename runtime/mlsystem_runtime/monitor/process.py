"""The monitor process: looks at every model, keeps the online store fresh, leaves nothing behind on SIGTERM."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.ledger import open_ledger
from mlsystem_runtime.contract.monitor_state import REFRESHES, Refreshes, RefreshState
from mlsystem_runtime.contract.run import Refresh, RunConfig
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.monitor.alerts import CLOSE_SECONDS, Webhook, channels
from mlsystem_runtime.monitor.jobs import Command, Jobs, Schedule, runtime_command
from mlsystem_runtime.monitor.watching import Watched
from mlsystem_runtime.serve.clock import environment_clock

TICK_SECONDS = 0.5       # how often jobs are looked after
LOOK_SECONDS = 5.0       # how often models are looked at

if TYPE_CHECKING:
    from mlsystem_runtime.monitor.metrics import MonitorMetrics

logger = logging.getLogger(__name__)


def monitor(
    config: RunConfig, workspace: Workspace, config_path: Path, release: str | None = None,
    metrics_port: int | None = None,
) -> int:
    """Runs until SIGTERM or SIGINT; always 0, for what goes wrong in the system is what it reports."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    ending = Ending()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.ask())
    loop = Monitor(config, workspace, runtime_command(config_path.absolute(), workspace, release))
    logger.info("watching %s", ", ".join(watched.model.model for watched in loop.models) or "no model")
    if metrics_port is not None:
        loop.export(metrics_port)
    try:
        loop.run(ending.asked, ending.wait)
    finally:
        loop.close()
    return 0


class Ending:
    """A signal handler may ask for it at any moment.

    An Event would wait for the lock of the `wait` that the handler interrupts, and never get it.
    """

    def __init__(self) -> None:
        self._asked = False
        self._woken: SimpleQueue[None] = SimpleQueue()

    def ask(self) -> None:
        self._asked = True
        self._woken.put(None)

    def asked(self) -> bool:
        return self._asked

    def wait(self, seconds: float) -> None:
        """Returns early when somebody asks."""
        with contextlib.suppress(Empty):
            self._woken.get(timeout=seconds)


class Monitor:
    """Everything that one monitor watches. `command` starts a step."""

    def __init__(self, config: RunConfig, workspace: Workspace, command: Command) -> None:
        section = config.monitor
        self.metrics: MonitorMetrics | None = None
        self._workspace = workspace
        self._ledger = open_ledger(workspace)  # one for all looks: it brings each entry from a bucket once
        self.clock = environment_clock(section.clock, workspace)
        self.jobs = Jobs(workspace, command)
        self.channels = {model.model: channels(model.alerts) for model in section.models}
        self.models = tuple(
            Watched(config, model, workspace, self.jobs, self.channels[model.model]) for model in section.models
        )
        known = [state for watched in self.models for state in watched.state.refreshes]
        now_us = time.time_ns() // 1000
        self.schedules = tuple(
            Schedule(refresh, _earlier(refresh, known), workspace, now_us) for refresh in section.refreshes
        )

    def run(self, stopping: Callable[[], bool], wait: Callable[[float], object]) -> None:
        """Until `stopping`; `wait` sleeps, or returns early when it is time to stop."""
        next_look = 0.0
        while not stopping():
            self.work()
            if time.monotonic() >= next_look:
                self.look()
                next_look = time.monotonic() + LOOK_SECONDS
            wait(TICK_SECONDS)

    def work(self) -> None:
        """Starts what is due and takes note of what has ended."""
        now_us = time.time_ns() // 1000
        for schedule in self.schedules:
            if schedule.due(now_us):
                schedule.start(self.jobs, now_us)
        self.jobs.poll()

    def look(self) -> None:
        """Looks at every model. A disk that is full or a damaged file stops one look, not the monitor."""
        self.clock.refresh()
        refreshes = (*(schedule.state for schedule in self.schedules), *recorded(self._workspace))
        for watched in self.models:
            try:
                watched.look(self.clock.now_us(), refreshes)
            except (OSError, MlsystemError):
                logger.exception("'%s' could not be looked at; it is tried again", watched.model.model)
        self._show(refreshes)
        self._workspace.storage.trim()

    def export(self, port: int) -> None:
        """From now on Prometheus reads on `port` what was seen last. The process ends with it."""
        from mlsystem_runtime.monitor.metrics import MonitorMetrics, export  # weight: one machine has no Prometheus

        self.metrics = MonitorMetrics()
        export(self.metrics, port)

    def _show(self, refreshes: tuple[RefreshState, ...]) -> None:
        if self.metrics is None:
            return
        try:
            entries = list(self._ledger.entries())
        except (OSError, MlsystemError):
            logger.exception("the ledger cannot be read; it is tried again")
            return
        self.metrics.show((watched.state for watched in self.models), refreshes, entries)

    def close(self) -> None:
        """In bounded time, however many webhooks there are: within what a pod is given to end."""
        self.jobs.stop()
        deadline = time.monotonic() + CLOSE_SECONDS
        for made in self.channels.values():
            for channel in made:
                if isinstance(channel, Webhook):
                    channel.close(max(0.0, deadline - time.monotonic()))


def recorded(workspace: Workspace) -> tuple[RefreshState, ...]:
    """Of refreshes that schedules of a cluster run."""
    try:
        return tuple(workspace.read(Refreshes, REFRESHES).states.values())
    except FileNotFoundError:
        return ()
    except (OSError, MlsystemError):
        logger.exception("how refreshes ended cannot be read; it is tried again")
        return ()


def _earlier(refresh: Refresh, known: list[RefreshState]) -> RefreshState | None:
    """What an earlier monitor knew of the same steps; a changed period starts over."""
    for state in known:
        if (state.steps, state.every_us) == (refresh.steps, refresh.every_us):
            return state
    return None
