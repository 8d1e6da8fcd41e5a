"""How soon a server answers: a new process, against importing what such a server has."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from support.servers import free_port

REFERENCE = "import onnxruntime, uvicorn"
ROUNDS = 5
LONGEST_S = 60.0


class Start(NamedTuple):
    """Until it is ready: seconds, CPU-seconds, and of these as a multiple of REFERENCE; resident mebibytes then."""

    seconds: float
    cpu: float
    ratio: float
    mebibytes: float


def start(serve: Sequence[str], environ: Mapping[str, str]) -> Start:
    """`serve` is a command line without its last word, the port. Of alternating rounds the least: other work on the
    machine only adds."""
    environ = {**without_bytecode_switched_off(), **environ}
    rounds = [(started(serve, environ), imported(environ)) for _ in range(ROUNDS)]
    seconds, cpu, mebibytes = (min(values) for values in zip(*(ours for ours, _ in rounds), strict=True))
    return Start(seconds, cpu, cpu / min(bare for _, bare in rounds), mebibytes)


def started(serve: Sequence[str], environ: Mapping[str, str]) -> tuple[float, float, float]:
    port = free_port()
    began = time.monotonic()
    with subprocess.Popen([*serve, str(port)], env=environ, stderr=subprocess.DEVNULL) as process:
        try:
            while not ready(port):
                assert process.poll() is None, "the server ended"
                assert time.monotonic() - began < LONGEST_S, "the server does not become ready"
                time.sleep(0.005)
            return time.monotonic() - began, cpu_seconds(process.pid), resident(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)


def ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=LONGEST_S) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def cpu_seconds(process: int) -> float:
    ticks = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def resident(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def imported(environ: Mapping[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", REFERENCE], env=environ, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def without_bytecode_switched_off() -> dict[str, str]:
    """With bytecode, as after any installation; the first round writes it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
