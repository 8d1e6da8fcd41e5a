"""Pulumi's CLI as a child that dies with this process, and is remembered so that its lock can be told from others'."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import IO

import msgspec
from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from mlsystem_runtime.contract.base import Struct

END_SECONDS, KILL_SECONDS = 120.0, 5.0
CHANGES = ("up", "destroy", "refresh")
LEASH = (
    "import ctypes, os, sys\n"
    f"ctypes.CDLL(None).prctl(1, {int(signal.SIGTERM)})\n"  # PR_SET_PDEATHSIG, which outlives exec
    "os.execvp(sys.argv[1], sys.argv[1:])"
)


class Run(Struct):
    """The last change that this environment's engine was asked for. `born` tells a process from a later one of the
    same number: clock ticks after boot."""

    host: str
    pid: int
    born: str | None


class EngineCommand(PulumiCommand):
    """`record` writes the running change down. Told to end with this process it has `patience_s` to do so."""

    def __init__(self, program: str, record: Callable[[Run], None], patience_s: Callable[[], float]) -> None:
        self.command = program
        self.version = version_of(program)
        self.record = record
        self.patience_s = patience_s

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Raises CommandError, like the one that it replaces."""
        leash = (sys.executable, "-I", "-S", "-c", LEASH) if sys.platform == "linux" else ()
        process = subprocess.Popen(
            [*leash, self.command, "--non-interactive", *args], cwd=cwd, encoding="utf-8", stdin=subprocess.DEVNULL,
            env={**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,  # ^C reaches it through us, once
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        texts: tuple[list[str], list[str]] = ([], [])
        readers = [
            threading.Thread(target=read, args=(stream, text, told))
            for stream, text, told in zip((process.stdout, process.stderr), texts, (on_output, on_error), strict=True)
        ]
        try:
            for reader in readers:
                reader.start()
            if args[0] in CHANGES and "--preview-only" not in args:
                self.record(Run(socket.gethostname(), process.pid, born(process.pid)))
            code = process.wait()
        except BaseException:
            end(process, self.patience_s)
            raise
        finally:
            for reader in readers:
                reader.join()
        result = CommandResult(stdout="\n".join(texts[0]), stderr="\n".join(texts[1]), code=code)
        if code != 0:
            raise create_command_error(result)
        return result


@cache
def version_of(program: str) -> VersionInfo | None:
    said = subprocess.run([program, "version"], capture_output=True, text=True, check=False).stdout.strip()
    return VersionInfo.parse(said.removeprefix("v")) if VersionInfo.is_valid(said.removeprefix("v")) else None


def read(stream: IO[str], lines: list[str], told: OnOutput | None) -> None:
    with stream:
        for line in stream:
            lines.append(line.rstrip())
            if told is not None:
                told(line.rstrip())


def end(process: subprocess.Popen[str], patience_s: Callable[[], float]) -> None:
    """It ends what it has begun, and gives its lock back; before others may begin it is gone."""
    process.terminate()
    while patience_s() > KILL_SECONDS:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
            return
    process.kill()
    process.wait()


def recorded_run(data: bytes | None) -> Run | None:
    try:
        return None if data is None else msgspec.json.decode(data, type=Run)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def settle(run: Run) -> None:
    """Wait for a change of a dead apply to end: it was told to when its parent died. One that does not is killed."""
    deadline = time.monotonic() + END_SECONDS
    while run.host == socket.gethostname() and run.born is not None and born(run.pid) == run.born:
        if time.monotonic() > deadline:
            os.kill(run.pid, signal.SIGKILL)
        time.sleep(0.1)


def born(pid: int) -> str | None:
    """None where there is no such process, or it is one only in name."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]
