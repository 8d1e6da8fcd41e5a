"""One step as a process of its own: its events read, its log kept, stopped with whoever started it."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mlsystem.apply.events import StepProgresses, Waits, Watch
from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.names import DIE_WITH_PARENT, PREEMPTED

HEARTBEAT_SECONDS = 10.0
GRACE_SECONDS = 60.0
TAIL_LINES = 20
READ_BYTES = 65536


@dataclass(frozen=True)
class Command:
    """`log` gets what the process says to people; standard output carries events."""

    name: str
    arguments: Sequence[str]
    folder: Path
    log: Path
    environment: Mapping[str, str]


def run_process(command: Command, watch: Watch, started: Callable[[int], None]) -> None:
    """Returns when the process ended well. Raises MlsystemError with the end of its log when it did not.

    An interrupt (Ctrl-C, SIGTERM) asks the process to stop, waits for it, and becomes an MlsystemError that says how
    to go on; a second one kills it.
    """
    command.log.parent.mkdir(parents=True, exist_ok=True)
    with open(command.log, "ab") as log:
        process = subprocess.Popen(
            command.arguments,
            cwd=command.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**command.environment, DIE_WITH_PARENT: str(os.getpid())},
            process_group=0,
        )
        with process:
            try:
                started(process.pid)
                _watch(process, command.name, watch)
            except KeyboardInterrupt:
                stop(process)
                raise MlsystemError(
                    f"stopped during step '{command.name}'", "go on where it stopped: mlsystem apply"
                ) from None
            except BaseException:
                stop(process)
                raise
    if process.returncode != 0:
        raise failed(command, process.returncode)


def _watch(process: subprocess.Popen[bytes], name: str, watch: Watch) -> None:
    assert process.stdout is not None, "standard output is a pipe"
    began = heard = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        rest = b""
        while True:
            if selector.select(timeout=1.0):
                data = os.read(process.stdout.fileno(), READ_BYTES)
                if not data:
                    break
                *lines, rest = (rest + data).split(b"\n")
                for event in _events(lines, name):
                    watch(event)
                heard = time.monotonic()
            elif time.monotonic() - heard > HEARTBEAT_SECONDS:
                heard = time.monotonic()
                watch(Waits(name, heard - began))
    process.wait()


def _events(lines: Sequence[bytes], name: str) -> Iterator[StepProgresses]:
    """Progress events. What ends a step is read from its record; a library's stray print is no event."""
    for line in lines:
        try:
            event = msgspec.json.decode(line)
        except msgspec.DecodeError:
            continue
        if isinstance(event, dict) and event.get("event") == "progress":
            yield StepProgresses(name, float(event["done"]), float(event["total"]), str(event["text"]))


def stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the whole group, time to save what can be gone on with, then SIGKILL."""
    try:
        _signal(process.pid, signal.SIGTERM)
        process.wait(GRACE_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        pass
    finally:
        _signal(process.pid, signal.SIGKILL)
        process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def failed(command: Command, code: int) -> MlsystemError:
    """What went wrong, in the process's own last words, and where to read more."""
    if code == -signal.SIGKILL:
        how = "was killed (signal 9; when nobody did that, the machine ran out of memory)"
    elif code == PREEMPTED:
        how = "was asked to stop and has saved its work"
    elif code < 0:
        how = f"was stopped by signal {-code}"
    else:
        how = f"failed (exit code {code})"
    said = tail(command.log)
    words = "".join(f"\n  | {line}" for line in said)
    return MlsystemError(
        f"step '{command.name}' {how}{':' if said else ''}{words}",
        f"the whole log is {shown(command.log, command.folder)}; go on when that is mended: mlsystem apply",
    )


def tail(log: Path, lines: int = TAIL_LINES) -> list[str]:
    """The last lines of a log; none where there is no log."""
    try:
        with open(log, errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, maxlen=lines)]
    except FileNotFoundError:
        return []


def shown(path: Path, folder: Path) -> str:
    """A path as a person in `folder` would write it."""
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def wait_for_end(pid: int, mark: str) -> None:
    """Wait until the process `pid` is gone, if its command line has `mark` in it; after a while, kill it."""
    deadline = time.monotonic() + GRACE_SECONDS
    while runs(pid, mark):
        if time.monotonic() > deadline:
            _signal(pid, signal.SIGKILL)
        time.sleep(0.05)


def runs(pid: int, mark: str) -> bool:
    """Whether `pid` is alive and has `mark` in its command line (process ids are used again)."""
    try:
        return mark.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
