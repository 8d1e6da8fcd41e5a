"""The generators of load, against servers of which is known what they do."""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench" / "serving"))

from support.open_loop import GAVE_UP, LOST, Plan, load_of
from support.processes import cpu_seconds, tree
from support.strange_requests import strange_request
from support.wire import NOT_HTTP, statuses

BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}"
OFFERED = 20


class Answering(asyncio.Protocol):
    """Says the same to whatever is sent, nothing where `answer` is None; where it is empty it closes the connection."""

    def __init__(self, answer: bytes | None, open_ones: set[asyncio.Transport]) -> None:
        self.answer = answer
        self.open_ones = open_ones

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.open_ones.add(transport)

    def connection_lost(self, _: Exception | None) -> None:
        self.open_ones.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        if self.answer:
            self.transport.write(self.answer)
        elif self.answer is not None:
            self.transport.close()


@contextlib.contextmanager
def answering(answer: bytes | None) -> Iterator[int]:
    """The port of a server on a loop of its own."""
    loop, open_ones = asyncio.new_event_loop(), set[asyncio.Transport]()
    server = loop.run_until_complete(loop.create_server(lambda: Answering(answer, open_ones), "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        while open_ones:
            for transport in open_ones:
                transport.abort()
            loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def ended(answer: bytes | None, timeout: float) -> dict[str, int]:
    with answering(answer) as port:
        plan = Plan(port, "/predict", "{}", rate=200.0, seconds=OFFERED / 200.0, timeout=timeout)
        return {how: len(found) for how, found in asyncio.run(load_of(plan)).latencies.items()}


def test_every_request_that_is_answered_counts_under_its_status() -> None:
    assert ended(BUSY, timeout=30.0) == {"503": OFFERED}


def test_a_client_that_is_not_answered_gives_up() -> None:
    assert ended(None, timeout=0.05) == {GAVE_UP: OFFERED}


def test_a_request_whose_connection_is_closed_is_lost() -> None:
    assert ended(b"", timeout=30.0) == {LOST: OFFERED}


def test_a_strange_request_is_the_same_for_the_same_seed() -> None:
    cases = [[strange_request(random.Random(f"1-{number}")) for number in range(50)] for _ in range(2)]

    assert cases[0] == cases[1]


@pytest.mark.parametrize(("data", "found"), [
    (BUSY + BUSY, ["503", "503"]),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + BUSY, ["200", "503"]),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + BUSY, ["503"]),
    (b"", []),
    (b"hello", [NOT_HTTP]),
])  # fmt: skip
def test_answers_one_after_another_are_told_apart(data: bytes, found: list[str]) -> None:
    assert statuses(data) == found


def test_what_a_child_used_counts_after_its_end() -> None:
    work = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(10**7))']); input()"
    process = subprocess.Popen([sys.executable, "-c", f"{work}"], stdin=subprocess.PIPE, start_new_session=True)
    try:
        while len(tree(process.pid)) > 1 or cpu_seconds(process.pid) < 0.1:
            assert process.poll() is None
    finally:
        process.communicate(b"\n")
