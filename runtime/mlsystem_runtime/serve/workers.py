"""The parent of several workers on one port: starts them, starts a dead one again, kills one that hangs, stops all.

It imports nothing heavy and never runs more than one thread, so that a worker is a fork of it: socket, shared memory
and contract are inherited, and one that is started again is like the first one even if files have changed meanwhile.
Signals are waited for instead of handled, which also makes it a sound process number 1.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.parent import die_with
from mlsystem_runtime.serve.slots import BEAT, RESTARTS, Fleet, Slot, State, new_fleet

LOOK_SECONDS = 0.2
SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGCHLD})
TRACEBACK = signal.SIGUSR2   # makes a worker say where each of its threads is
FIRST_WAIT, LONGEST_WAIT = 0.1, 10.0
SETTLED_SECONDS = 10.0       # a worker that lived for that long is no failed start
MOST_FAILED_STARTS = 5       # in a row, while nobody is ready: then the server is what fails

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Seconds: for how long a worker's loop may be silent, and how long all may take to stop."""

    silent: float = 15.0
    stopping: float = 30.0


@dataclass
class Worker:
    """`pid` 0 while it does not run; then it starts at `start_at`. `beat` was the same at so many `looks`."""

    slot: Slot
    pid: int = 0
    started: float = 0.0
    start_at: float = 0.0
    failures: int = 0
    beat: float = 0.0
    looks: int = 0


@dataclass
class Parent:
    """`work` is what a worker does with the fleet as it sees it; what it returns is its exit status. `stopping` is
    called once, when no worker will be started any more."""

    count: int
    work: Callable[[Fleet], int]
    stopping: Callable[[], None]
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.fleet = new_fleet(self.count, os.getpid())
        self.workers = [Worker(slot) for slot in self.fleet.slots]
        self.stop_by: float | None = None
        self.status = 0

    def run(self) -> int:
        """Until all have stopped after SIGTERM or SIGINT. 0 when each worker ended as it was told to."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            while self.stop_by is None or any(worker.pid for worker in self.workers):
                self._look()
                caught = signal.sigtimedwait(SIGNALS, LOOK_SECONDS)
                if caught is not None and caught.si_signo != signal.SIGCHLD:
                    self._stop()
                self._reap()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self.status

    def _look(self) -> None:
        now = time.monotonic()
        for number, worker in enumerate(self.workers):
            if not worker.pid and self.stop_by is None and now >= worker.start_at:
                self._start(number, worker, now)
            elif worker.pid and self.stop_by is None:
                self._judge(worker)
        if self.stop_by is not None and now > self.stop_by:
            self._kill_the_rest()

    def _start(self, number: int, worker: Worker, now: float) -> None:
        worker.started, worker.beat, worker.looks = now, 0.0, 0
        try:
            worker.pid = self._fork(number)
        except OSError as error:
            worker.start_at = now + LONGEST_WAIT
            logger.error("a worker cannot be started: %s", error)

    def _stop(self) -> None:
        """A second signal is passed on too: it cuts the drain short."""
        if self.stop_by is None:
            self.stopping()
            self.stop_by = time.monotonic() + self.limits.stopping
        for worker in self.workers:
            send(worker.pid, signal.SIGTERM)

    def _kill_the_rest(self) -> None:
        for worker in self.workers:
            if worker.pid:
                logger.error("worker %d does not stop and is killed", worker.pid)
                self.status = 1
                send(worker.pid, signal.SIGKILL)

    def _judge(self, worker: Worker) -> None:
        """By our own looks, not by the clock: when the whole machine stood still, nobody hangs."""
        beat = worker.slot.values[BEAT]
        worker.looks = worker.looks + 1 if beat == worker.beat and beat > 0.0 else 0
        worker.beat = beat
        allowed = self.limits.silent / LOOK_SECONDS
        if worker.looks > allowed + 1:
            send(worker.pid, signal.SIGKILL)
        elif worker.looks > allowed:
            logger.error("the loop of worker %d hangs; it is killed, and was here:", worker.pid)
            send(worker.pid, TRACEBACK)

    def _reap(self) -> None:
        """Also orphans, of which process number 1 is the parent."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                for worker in self.workers:
                    if worker.pid == ended[0]:
                        self._ended(worker, os.waitstatus_to_exitcode(ended[1]))

    def _ended(self, worker: Worker, code: int) -> None:
        pid, worker.pid = worker.pid, 0
        worker.slot.vacate()
        if self.stop_by is not None:
            self.status = self.status or int(code != 0)
            return
        settled = time.monotonic() - worker.started > SETTLED_SECONDS
        worker.failures = 1 if settled or worker.slot.state is State.READY else worker.failures + 1
        worker.slot.values[RESTARTS] += 1.0
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (worker.failures - 1))
        worker.start_at = time.monotonic() + wait
        logger.error("worker %d ended with status %d; another one starts in %.1f s", pid, code, wait)
        if worker.failures >= MOST_FAILED_STARTS and not any(slot.state is State.READY for slot in self.fleet.running):
            logger.error("no worker becomes ready")
            self.status = 1
            self._stop()

    def _fork(self, number: int) -> int:
        pid, parent = os.fork(), self.fleet.parent
        if pid:
            return pid
        assert parent is not None
        status = 1
        try:
            signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # until it has something to finish
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            die_with(parent)
            faulthandler.register(TRACEBACK, all_threads=True)
            fleet = replace(self.fleet, number=number)
            fleet.own.occupy()
            status = self.work(fleet)
        except MlsystemError as error:
            sys.stderr.write(f"error: {error}\n")
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:  # whatever it is, it must not go on in the parent's frames
            logger.exception("a worker fails")
        finally:
            logging.shutdown()
            os._exit(status)


def send(pid: int, number: signal.Signals) -> None:
    """To a child that was not waited for yet, so the pid is no other process's."""
    if pid:
        os.kill(pid, number)
