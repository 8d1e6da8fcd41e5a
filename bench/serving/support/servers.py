"""A server as a process tree of its own on loopback: started, asked until it answers, stopped."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from support.processes import tree

START_SECONDS, STOP_SECONDS = 120.0, 10.0
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Server:
    """`command` makes the command line for a port; it runs in an empty folder. `path` and `body` are its request; a
    closed loop sends `others` too, in turn."""

    name: str
    command: Callable[[int], list[str]]
    path: str
    body: bytes
    environ: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    others: Sequence[bytes] = ()


@dataclass(frozen=True)
class Running:
    server: Server
    pid: int
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.server.path}"

    def ask(self, seconds: float = 30.0) -> tuple[int, bytes]:
        """Status and body of one request. Raises OSError where nobody answers."""
        headers = {"Content-Type": "application/json", **self.server.headers}
        request = urllib.request.Request(self.url, data=self.server.body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def get(self, path: str, seconds: float = 30.0) -> bytes:
        """Raises OSError where it is not answered with 200."""
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(urllib.request.Request(url, headers=self.server.headers), timeout=seconds) as found:
            body: bytes = found.read()
            return body


@contextlib.contextmanager
def running(server: Server) -> Iterator[Running]:
    """Answers with 200 by the time it is yielded. Whatever it started is gone afterwards."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, open(Path(folder, "log"), "wb") as log:
        process = subprocess.Popen(
            server.command(port), cwd=folder, env={**os.environ, **ONE_THREAD, **server.environ},
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            yield answering(Running(server, process.pid, port), process)
        except NotStartedError:
            sys.stderr.write(Path(folder, "log").read_text(errors="replace")[-3000:])
            raise
        finally:
            stop(process)


class NotStartedError(Exception):
    pass


def answering(started: Running, process: subprocess.Popen[bytes]) -> Running:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError):
            if started.ask(5.0)[0] == 200:
                return started
        time.sleep(0.1)
    raise NotStartedError(f"{started.server.name} does not answer at {started.server.path}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the first process; SIGKILL to those of its tree that stay."""
    members = [one.pid for one in tree(process.pid)]
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    for pid in {*members, *(one.pid for one in tree(process.pid))}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(STOP_SECONDS)


def free_port() -> int:
    """The first of three in a row, which some servers take, below those that the kernel gives to clients."""
    while True:
        port = random.randrange(15_000, 32_000)
        if all(free(port + more) for more in range(3)):
            return port


def free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return True
    return False
