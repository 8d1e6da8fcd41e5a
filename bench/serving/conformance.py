"""How well servers keep the Open Inference Protocol: ours and others, each in a virtual environment of its own.

`python bench/serving/conformance.py [NAME...]` runs the conformance suite against each and writes conformance.md beside
this file, unless only some are named. A server that dies is started again for the next check: one check that brings it
down does not take the rest of its score with it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path

from mlsystem_runtime.serve.conformance.calls import Calls
from mlsystem_runtime.serve.conformance.report import score_line
from mlsystem_runtime.serve.conformance.suite import CHECKS, Outcome, Score, Verdict, carry_out
from mlsystem_runtime.serve.conformance.table import Severity
from mlsystem_runtime.serve.conformance.target import Target, UntestableError, discover
from mlsystem_runtime.serve.conformance.wire import Address, Http, Trail

FOLDER = Path(__file__).resolve().parent
APPS = FOLDER / "oip"
REPORT = FOLDER / "conformance.md"
HOME = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "mlsystem", "conformance")
MODEL, START_SECONDS, STOP_SECONDS, ANSWER_SECONDS = "mixed", 120.0, 10.0, 5.0
DYING_SECONDS = 2.0
NO_ANSWER = "no complete answer"
NO_ERROR = "the answer is not the promised JSON (Error)"

HEAD = """# Scores in the Open Inference Protocol

Made by `make bench-conformance`, {when}, {count} checks. Every other server is from PyPI, run as its guide says in
a virtual environment of its own, with the same model as far as it lets one ([oip/](oip/)), and leaves validation to the
server; ours has the same inputs as columns of a request. A score is the checks that passed of those that apply: what a
server does not claim to have, such as tensors as bytes, does not count.

"""
COLUMNS = """| server | version | passed | must | should | do not apply | fail by the form of the error alone | deaths |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
"""
FOOT = """
*The form of the error alone*: a request is refused with 4xx as it should be, and the body is not `{"error": $string}`.
*Deaths*: checks after which the process was gone and had to be started again.
"""


@dataclass(frozen=True)
class Peer:
    """`command` makes the command line for three ports in a row: HTTP, gRPC, and one for its own purposes."""

    name: str
    package: str
    command: Callable[[int], list[str]]
    python: str = "3.11"


def peers() -> tuple[Peer, ...]:
    return (
        Peer("mlsystem", "mlsystem", lambda port: [sys.executable, str(APPS / "ours_app.py"), str(port)]),
        Peer("Triton (PyTriton)", "nvidia-pytriton", partial(app, "pytriton"), python="/usr/bin/python3"),
        Peer("KServe", "kserve", partial(app, "kserve")),
        Peer("MLServer", "mlserver", mlserver),
    )


def app(name: str, port: int) -> list[str]:
    return [str(HOME / name / "bin" / "python"), str(APPS / f"{name}_app.py"), str(port)]


def mlserver(port: int) -> list[str]:
    settings = {"host": "127.0.0.1", "http_port": port, "grpc_port": port + 1, "metrics_port": port + 2,
                "parallel_workers": 0, "debug": False}
    told = [f"MLSERVER_{name.upper()}={value}" for name, value in settings.items()]
    return ["env", *told, str(HOME / "mlserver" / "bin" / "mlserver"), "start", str(APPS / "mlserver")]


def install(peer: Peer) -> None:
    """What oip/NAME.txt pins, where it is not installed yet; ours is there."""
    name = peer.package.removeprefix("nvidia-")
    pins, done = APPS / f"{name}.txt", HOME / name / "pins.txt"
    if not pins.exists() or (done.exists() and done.read_text() == pins.read_text()):
        return
    subprocess.run(["uv", "venv", "--quiet", "--clear", "--python", peer.python, str(HOME / name)], check=True)
    python = str(HOME / name / "bin" / "python")
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", python, "--requirement", str(pins)], check=True)
    shutil.copyfile(pins, done)


def version(peer: Peer) -> str:
    name = peer.package.removeprefix("nvidia-")
    python = sys.executable if peer.package == "mlsystem" else str(HOME / name / "bin" / "python")
    ask = f"from importlib.metadata import version; print(version('{peer.package}'))"
    return subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()


@dataclass
class Running:
    """A server that can be started again."""

    peer: Peer
    folder: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def target(self) -> Target:
        """Of a process that is up. Raises UntestableError where none comes up."""
        if self.process is None or self.process.poll() is not None or not listens(self.port):
            self.start()
        return self.found()

    def start(self) -> None:
        self.stop()
        self.port = free_ports()
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.peer.command(self.port), cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(APPS), "OMP_NUM_THREADS": "1"}, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(UntestableError, OSError, HTTPException):
                self.found()
                return
            time.sleep(0.5)
        raise UntestableError(f"{self.peer.name} does not come up:\n{(self.folder / 'log').read_text()[-2000:]}")

    def found(self) -> Target:
        """Raises UntestableError, OSError or HTTPException while it is not up over both transports."""
        if not listens(self.port + 1):
            raise UntestableError("gRPC is not up")
        trail = Trail()
        calls = Calls.to(f"127.0.0.1:{self.port + 1}", {}, ANSWER_SECONDS, trail)
        http = Http(Address.of(f"http://127.0.0.1:{self.port}", {}, ANSWER_SECONDS), trail)
        return discover(http, MODEL, None, calls)

    def stop(self) -> None:
        """SIGTERM to its process group, SIGKILL after a while."""
        if self.process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
        self.process = None


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
        return True
    return False


def free_ports() -> int:
    """The first of three ports in a row that nobody has."""
    while True:
        with contextlib.suppress(OSError), contextlib.ExitStack() as held:
            first = held.enter_context(bound(0)).getsockname()[1]
            for more in (1, 2):
                held.enter_context(bound(first + more))
            return int(first)


def bound(port: int) -> socket.socket:
    one = socket.socket()
    one.bind(("127.0.0.1", port))
    return one


@contextlib.contextmanager
def running(peer: Peer) -> Iterator[Running]:
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        one = Running(peer, Path(folder))
        try:
            yield one
        finally:
            one.stop()


def outcomes_of(peer: Peer) -> tuple[list[Outcome], list[str]]:
    """One outcome per check, and the checks after which the server was gone."""
    outcomes, deaths = [], []
    with running(peer) as one:
        target = one.target()
        for check in CHECKS:
            outcomes.append(carry_out(check, target))
            if outcomes[-1].reason.startswith(NO_ANSWER):
                time.sleep(DYING_SECONDS)  # a process that is dying may hold its port for a moment
            if not listens(one.port):
                deaths.append(check.id)
                target = one.target()
    return outcomes, deaths


def row(peer: Peer, outcomes: Sequence[Outcome], deaths: Sequence[str]) -> str:
    every, must, should = (Score.of(outcomes, *which) for which in (Severity, (Severity.MUST,), (Severity.SHOULD,)))
    absent = sum(one.verdict is Verdict.NOT_APPLICABLE for one in outcomes)
    form = sum(one.verdict is Verdict.FAILED and one.reason.startswith(NO_ERROR) for one in outcomes)
    cells = (peer.name, version(peer), every, must, should, absent, form, len(deaths))
    return "| " + " | ".join(map(str, cells)) + " |\n"


def main(names: Sequence[str]) -> int:
    rows = []
    for peer in peers():
        if names and peer.package not in names:
            continue
        install(peer)
        outcomes, deaths = outcomes_of(peer)
        rows.append(row(peer, outcomes, deaths))
        failed = [f"  {one.check.id}: {one.reason}" for one in outcomes if one.verdict is Verdict.FAILED]
        print(f"{peer.name}: {score_line(outcomes)}; down after {', '.join(deaths) or 'none'}", *failed, sep="\n")
    if not names:
        head = HEAD.format(when=time.strftime("%d %B %Y"), count=len(CHECKS))
        REPORT.write_text(head + COLUMNS + "".join(rows) + FOOT)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
