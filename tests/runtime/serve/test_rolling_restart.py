"""Two servers behind a balancer that asks whether they are ready, restarted in turn under load: no request is lost."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from servers_under_load import Server, asking, counted, server, until

from mlsystem_runtime.contract import names

DELAY = 1.0              # of a server that was told to stop; by then the balancer knows
ASKED_EVERY = 0.05       # whether a server is ready
CLIENTS = 4


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


@pytest.fixture
def servers(world, card_of) -> Iterator[Callable[[int], list[Server]]]:
    with contextlib.ExitStack() as begun:
        yield lambda workers: [begun.enter_context(server(world, card_of, workers, DELAY)) for _ in range(2)]


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
        with asking(lambda: balancer.port, good_row, CLIENTS, pause=0.005) as clients:
            for number in range(restarts):
                restarted = pair[number % 2]
                statuses.append(restarted.stop())
                restarted.start()
                until(lambda: len(balancer.ready) == 2)
    statuses += [one.stop() for one in pair]

    answered = sum(len(client.statuses) for client in clients)
    assert [lost for client in clients for lost in client.lost] == []
    assert {status for client in clients for status in client.statuses} == {200}
    assert set(statuses) == {0}
    assert answered > 50 * restarts
    assert all(client.told_to_close for client in clients)
    assert counted(world.root) == answered
