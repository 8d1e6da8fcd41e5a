"""Two servers behind a balancer that asks whether they are ready, restarted in turn under load: no request is lost."""

from __future__ import annotations

import asyncio
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
import pytest
from msgspec.structs import replace

from mlsystem_runtime.contract import names
from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.counts import SliCounts
from mlsystem_runtime.contract.run import RunConfig
from mlsystem_runtime.contract.workspace import write_struct

DELAY = 1.0              # of a server that was told to stop; by then the balancer knows
ASKED_EVERY = 0.05       # whether a server is ready
CLIENTS = 4
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


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


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


@dataclass
class Balancer:
    """Gives each connection, whole, to the next server that said it was ready when it was asked last."""

    servers: list[Server]
    port: int = 0
    ready: set[int] = field(default_factory=set)
    turns: int = 0
    loop: asyncio.AbstractEventLoop | None = None
    ended: asyncio.Event | None = None

    async def run(self, begun: threading.Event) -> None:
        """Until `end`."""
        self.loop, self.ended = asyncio.get_running_loop(), asyncio.Event()
        listening = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = listening.sockets[0].getsockname()[1]
        asking = [asyncio.create_task(self._ask(server.port)) for server in self.servers]
        begun.set()
        await self.ended.wait()
        listening.close()
        for task in asking:
            task.cancel()

    def end(self) -> None:
        """From another thread."""
        self.loop.call_soon_threadsafe(self.ended.set)

    async def _ask(self, port: int) -> None:
        while True:
            (self.ready.add if await is_ready(port) else self.ready.discard)(port)
            await asyncio.sleep(ASKED_EVERY)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chosen = sorted(self.ready)
        self.turns += 1
        with contextlib.closing(writer), contextlib.suppress(asyncio.CancelledError):  # at the end
            answers, questions = await asyncio.open_connection("127.0.0.1", chosen[self.turns % len(chosen)])
            with contextlib.closing(questions):
                await asyncio.gather(copied(reader, questions), copied(answers, writer))


async def is_ready(port: int) -> bool:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {names.READY} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        line = await reader.readline()
        writer.close()
        return b" 200 " in line
    return False


async def copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


@contextlib.contextmanager
def balanced(servers: list[Server]) -> Iterator[Balancer]:
    balancer, begun = Balancer(servers), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(balancer.run(begun)))
    thread.start()
    begun.wait()
    try:
        yield balancer
    finally:
        balancer.end()
        thread.join()


@dataclass
class Client:
    """Keeps its connection until an answer asks it to close it."""

    port: Callable[[], int]
    row: dict[str, Any]
    answered: int = 0
    lost: list[str] = field(default_factory=list)
    told_to_close: int = 0
    stopping: bool = False

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=20)
        while not self.stopping:
            try:
                connection.request("POST", "/predict", json.dumps(self.row))
                response = connection.getresponse()
                said = response.read()
                self.answered += 1
                self.told_to_close += response.getheader("connection") == "close"
                if response.status != 200:
                    self.lost.append(f"{response.status}: {said!r}")
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                connection.close()
            time.sleep(0.005)
        connection.close()


@pytest.fixture
def servers(world, card_of, tmp_path: Path) -> Iterator[Callable[[int], list[Server]]]:
    write_struct(world.workspace.version("main", 1) / "model.json", card_of(1))
    config = world.root / "run.json"
    config.write_bytes(canonical_json(patient(world.config)))
    made: list[Server] = []

    def of(workers: int) -> list[Server]:
        for _ in range(2):
            port = free_port()
            made.append(Server([
                sys.executable, "-c", PROGRAM, str(config), str(world.root), str(port), str(workers), str(DELAY),
            ], port))
            made[-1].start()
        return made

    yield of
    for server in made:
        if server.process is not None and server.process.poll() is None:
            server.process.kill()
            server.process.wait()


def patient(config: RunConfig) -> RunConfig:
    """Without a threshold, so that nothing is refused because this machine is slow just now."""
    endpoints = tuple(
        replace(one, slo=replace(one.slo, latency_us=None, objective=None)) for one in config.server.endpoints)
    return replace(config, server=replace(config.server, endpoints=endpoints))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("restarts", "workers"),
    [
        pytest.param(3, 1, id="three"),
        pytest.param(2, 2, id="of several workers", marks=pytest.mark.slow),
        pytest.param(100, 1, id="a hundred", marks=pytest.mark.soak),
    ],
)
def test_no_request_is_lost(world, servers, good_row: dict[str, Any], restarts: int, workers: int) -> None:
    pair, statuses = servers(workers), []
    with balanced(pair) as balancer:
        until(lambda: len(balancer.ready) == 2)
        clients = [Client(lambda: balancer.port, good_row) for _ in range(CLIENTS)]
        threads = [threading.Thread(target=one.run) for one in clients]
        for thread in threads:
            thread.start()
        for number in range(restarts):
            server = pair[number % 2]
            statuses.append(server.stop())
            server.start()
            until(lambda: len(balancer.ready) == 2)
        for client in clients:
            client.stopping = True
        for thread in threads:
            thread.join()
    statuses += [server.stop() for server in pair]

    answered = sum(client.answered for client in clients)
    assert [lost for client in clients for lost in client.lost] == []
    assert set(statuses) == {0}
    assert answered > 50 * restarts
    assert all(client.told_to_close for client in clients)
    assert counted(world.root) == answered


def counted(root: Path) -> int:
    hours = [
        hour for path in root.glob("counts/main/*.sli.json")
        for hour in msgspec.json.decode(path.read_bytes(), type=SliCounts).hours.values()
    ]
    return sum(hour.answered for hour in hours)
