"""How a worker takes connections from a socket that it shares."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest

from mlsystem_runtime.serve import accepting
from mlsystem_runtime.serve.accepting import Acceptor
from mlsystem_runtime.serve.process import listen
from mlsystem_runtime.serve.slots import BEAT, CONNECTIONS, STATE, Fleet, State, new_fleet


class Held(asyncio.Protocol):
    """Counts the connections that a worker has in `connections`."""

    def __init__(self, connections: set[Any]) -> None:
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(transport)


class Poor:
    """A listener that has no descriptor left, once."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.refusals = 0

    def accept(self) -> tuple[socket.socket, Any]:
        if not self.refusals:
            self.refusals += 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self._listener.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener, name)


def two_workers(connections_of_the_other: int, beaten_s_ago: float = 0.0) -> Fleet:
    """Both beat in a while, so that a slow machine is not taken for workers that hang."""
    fleet = new_fleet(2)
    for slot in fleet.slots:
        slot.occupy()
        slot.values[STATE], slot.values[BEAT] = State.READY, time.monotonic() + 60.0
    fleet.slots[1].values[CONNECTIONS] = connections_of_the_other
    fleet.slots[1].values[BEAT] -= beaten_s_ago and 60.0 + beaten_s_ago
    return fleet


async def taken(fleet: Fleet, asked: int, expected: int, poor: bool = False) -> int:
    """How many of so many connections the first worker takes: as many as expected, and perhaps more."""
    listener = listen("127.0.0.1", 0)
    held: set[Any] = set()
    acceptor = Acceptor(
        Poor(listener) if poor else listener, lambda: Held(held), SimpleNamespace(ssl=None), fleet, held)
    clients = [socket.create_connection(listener.getsockname()) for _ in range(asked)]
    end = time.monotonic() + 10
    while len(held) < expected and time.monotonic() < end:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    acceptor.close()
    await acceptor.wait_closed()
    for one in (*clients, *held, listener):
        one.close()
    await asyncio.sleep(0.01)
    return len(held)


@pytest.mark.parametrize(
    ("connections_of_the_other", "beaten_s_ago", "expected"),
    [(3, 0.0, 4), (100, 0.0, 8), (0, 60.0, 8)],
    ids=["another one has fewer", "it has fewest", "another one has fewer but hangs"],
)
def test_a_worker_leaves_to_another_what_that_one_lacks(
    connections_of_the_other: int, beaten_s_ago: float, expected: int
) -> None:
    fleet = two_workers(connections_of_the_other, beaten_s_ago)

    assert asyncio.run(taken(fleet, 8, expected)) == expected


def test_without_a_descriptor_left_it_waits_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(accepting, "EXHAUSTED_SECONDS", 0.05)

    assert asyncio.run(taken(two_workers(100), 3, 3, poor=True)) == 3
    assert [record.message for record in caplog.records] == [
        "no connection can be taken for now: [Errno 24] Too many open files"
    ]
