"""Pulumi's CLI as a child that dies with this process, and is remembered so that its lock can be told from others'."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO

from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from mlsystem.errors import MlsystemError
from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.workspace import read_struct, write_struct

CHANGES = ("up", "destroy", "refresh")
END_SECONDS = 120.0
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
    """`record` is where the running change is written down."""

    def __init__(self, program: str, record: Path) -> None:
        self.command = program
        self.version = version_of(program)
        self.record = record

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
        if args[0] in CHANGES and "--preview-only" not in args:
            write_struct(self.record, Run(socket.gethostname(), process.pid, born(process.pid)))
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
            code = process.wait()
        except BaseException:
            process.terminate()  # it ends what it has begun, and gives its lock back
            process.wait()
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


def last_run(record: Path) -> Run | None:
    try:
        return read_struct(record, Run)
    except (FileNotFoundError, MlsystemError):
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
