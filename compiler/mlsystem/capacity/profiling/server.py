"""A server to be measured: the runtime's own, on a port of this machine, over a workspace that is thrown away.

It reads what the running one reads, but what it logs and counts of made-up requests stays out of the environment.
"""

from __future__ import annotations

import contextlib
import http.client
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from mlsystem.capacity.profiling.open_loop import HOST
from mlsystem.capacity.profiling.share import Share
from mlsystem.errors import MlsystemError
from mlsystem.system.nodes import Serving
from mlsystem_runtime.contract import release as releases
from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.names import DIE_WITH_PARENT, READY
from mlsystem_runtime.contract.run import RunConfig
from mlsystem_runtime.contract.workspace import Workspace, write_atomically

READY_SECONDS, STOP_SECONDS, LOOK_SECONDS = 120.0, 30.0, 0.005
LAST_LINES = 15
RUNTIME = (sys.executable, "-m", "mlsystem_runtime")


@dataclass(frozen=True)
class Running:
    """`started` seconds passed from the start of the process until it was ready."""

    pid: int
    port: int
    started: float

    @property
    def memory_bytes(self) -> int:
        """The most that each process of it had so far, in all."""
        return sum(peak_bytes(pid) for pid in tree(self.pid))


def measured_config(config: RunConfig, model: str, serving: Serving) -> RunConfig:
    """One endpoint, with the engine and the threads that its container would give it, for clients without tokens or
    TLS. Nothing is refused for being late: the simulation decides what is."""
    (endpoint,) = (one for one in config.server.endpoints if one.model == model)
    alone = replace(
        endpoint, engine=serving.engine, workers=serving.workers, auth=None, grpc=False, shadow_cpu=None,
        slo=replace(endpoint.slo, latency_us=None, objective=None),
    )  # fmt: skip
    threads = serving.threads or max(1, math.floor(serving.hardware.cpu) // serving.workers)
    server = replace(config.server, threads=threads, endpoints=(alone,), tls=None)
    return replace(config, steps=(), secrets=(), server=server)


def make_workspace(root: Path, config: RunConfig, workspace: Workspace, model: str, version: int) -> None:
    """With the version, the online store and the clock of `workspace`, which is not written to."""
    write_atomically(root / "run.json", canonical_json(config))
    release = releases.ModelRelease(salt="profile", shares=(releases.Share(version=version, share=1.0),))
    releases.write_release(root / "release.json", releases.Release(serial=1, models={model: release}))
    (root / "models" / model).mkdir(parents=True)
    (root / "models" / model / f"{version}").symlink_to(workspace.fetch_version(model, version).absolute())
    (root / "online").symlink_to(workspace.online.parent.absolute())
    if workspace.path("clock.json").exists():
        shutil.copyfile(workspace.path("clock.json"), root / "clock.json")


@contextlib.contextmanager
def running(
    root: Path, share: Share, workers: int | None = None, runtime: Sequence[str] = RUNTIME
) -> Iterator[Running]:
    """Ready by the time it is yielded; ended on leaving, and with this process however that ends. `workers` None are as
    many as the contract says. Raises MlsystemError with the end of its log where it does not become ready."""
    port = free_port()
    command = [*serve_command(root, port, runtime), *(() if workers is None else ("--workers", f"{workers}"))]
    log = root / f"server-{port}.log"
    with open(log, "wb") as said:
        began = time.monotonic()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            env={**os.environ, DIE_WITH_PARENT: f"{os.getpid()}"},
        )  # fmt: skip
        try:
            share.confine(process.pid)
            wait_until_ready(process, port, log)
            yield Running(process.pid, port, time.monotonic() - began)
        finally:
            end(process)


def serve_command(root: Path, port: int, runtime: Sequence[str] = RUNTIME) -> list[str]:
    where = ("--config", str(root / "run.json"), "--workspace", str(root))
    return [*runtime, "serve", *where, "--host", HOST, "--port", f"{port}"]


def wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if ready(port):
            return
        time.sleep(LOOK_SECONDS)
    lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
    words = "".join(f"\n  | {line}" for line in lines)
    raise MlsystemError(f"the server does not become ready:{words}", "the running one says more: mlsystem logs server")


def ready(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", READY)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and SIGKILL to what stays."""
    members = tree(process.pid)
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    for pid in members if process.returncode is None else ():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def tree(root: int) -> list[int]:
    """The process and its children, which have none: a server's workers."""
    try:
        children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    except OSError:
        children = []
    return [root, *map(int, children)]


def peak_bytes(pid: int) -> int:
    """0 where it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port
