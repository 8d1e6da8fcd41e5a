"""Servers in processes of their own, clients that never stop asking them, and what both say in the end."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from mlsystem_runtime.contract import names
from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.counts import SliCounts
from mlsystem_runtime.contract.run import RunConfig
from mlsystem_runtime.contract.workspace import write_struct

PROGRAM = """
import sys
from mlsystem_runtime.contract.run import decode_run_config
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.parent import die_with_parent
from mlsystem_runtime.serve.process import listen, run, together

die_with_parent()
config, workspace = decode_run_config(open(sys.argv[1], "rb").read()), Workspace(sys.argv[2])
port, workers, delay = int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
listener = listen("127.0.0.1", port)

def work(fleet):
    from mlsystem_runtime.serve.fakes import fake_loader
    return run(config, workspace, listener, fake_loader(workspace), None, delay, fleet)

sys.exit(together(work, workers, [listener], delay))
"""


@dataclass
class Server:
    command: list[str]
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, names.DIE_WITH_PARENT: str(os.getpid())}
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL, env=environment)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(60)

    def workers(self) -> list[dict[str, Any]]:
        """As `/status` tells of them; none while nobody answers there."""
        with (
            contextlib.suppress(OSError, http.client.HTTPException),
            contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection,
        ):
            connection.request("GET", "/status")
            found: list[dict[str, Any]] = json.load(connection.getresponse())["workers"]
            return found
        return []

    def all_ready(self) -> bool:
        return {worker["state"] for worker in self.workers()} == {"ready"}


@contextlib.contextmanager
def server(world: Any, card_of: Callable[[int], Any], workers: int, delay: float) -> Iterator[Server]:
    """Of version 1 of a world; `delay` passes from when it is told to stop until it does. It has been started."""
    write_struct(world.workspace.version("main", 1) / "model.json", card_of(1))
    config = world.root / "run.json"
    config.write_bytes(canonical_json(patient(world.config)))
    port = free_port()
    arguments = [str(config), str(world.root), str(port), str(workers), str(delay)]
    made = Server([sys.executable, "-c", PROGRAM, *arguments], port)
    made.start()
    try:
        yield made
    finally:
        made.kill()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Client:
    """Asks again and again, `pause` seconds after each answer, on one connection until an answer asks to close it or it
    is lost."""

    port: Callable[[], int]
    row: dict[str, Any]
    pause: float
    statuses: list[int] = field(default_factory=list)
    lost: list[Exception] = field(default_factory=list)
    told_to_close: int = 0
    stopping: bool = False

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=20)
        while not self.stopping:
            try:
                connection.request("POST", "/predict", json.dumps(self.row))
                response = connection.getresponse()
                response.read()
                self.statuses.append(response.status)
                self.told_to_close += response.getheader("connection") == "close"
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(error)
                connection.close()
            time.sleep(self.pause)
        connection.close()


@contextlib.contextmanager
def asking(
    port: Callable[[], int], row: dict[str, Any], clients: int, pause: float = 0.0
) -> Iterator[list[Client]]:
    """Each on a thread of its own."""
    made = [Client(port, row, pause) for _ in range(clients)]
    threads = [threading.Thread(target=one.run) for one in made]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        for client in made:
            client.stopping = True
        for thread in threads:
            thread.join()


def patient(config: RunConfig) -> RunConfig:
    """Without a threshold, so that nothing is refused because this machine is slow just now."""
    endpoints = tuple(
        replace(one, slo=replace(one.slo, latency_us=None, objective=None)) for one in config.server.endpoints)
    return replace(config, server=replace(config.server, endpoints=endpoints))


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.02)


def counted(root: Path) -> int:
    """Requests to `main` that were answered, of all hours, as the servers of this workspace have written them down."""
    hours = [
        hour for path in root.glob("counts/main/*.sli.json")
        for hour in msgspec.json.decode(path.read_bytes(), type=SliCounts).hours.values()
    ]
    return sum(hour.answered for hour in hours)
