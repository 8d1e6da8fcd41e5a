"""Load that waits for nobody: every request is due at an instant of its own, whatever became of those before it.

How late this program itself was is part of the outcome, so that nobody takes its own slowness for the server's.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

HOST = "127.0.0.1"
HEAD_END = b"\r\n\r\n"
SPIN_SECONDS = 0.0015  # an event loop's sleep is exact to a millisecond
LOOK_SECONDS = 0.002
LOST = 0


@contextmanager
def uncollected() -> Iterator[None]:
    """Nobody looks for garbage meanwhile: among all that is imported that takes tens of milliseconds, and a request
    that is due then would be late."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@dataclass(frozen=True)
class Offer:
    """So many requests are due together, `due` seconds from the beginning."""

    due: float
    requests: int = 1


@dataclass(frozen=True)
class Answer:
    """`ended` in seconds from the beginning. `status` is LOST where there was none; `timing` is the header's value."""

    ended: float
    status: int
    timing: bytes = b""


@dataclass
class Outcome:
    """`sent` in seconds from the beginning; `alone`: nothing was under way then. Answers in the order in which they
    came, one for each request of the offer in the end."""

    offer: Offer
    sent: float = 0.0
    alone: bool = True
    answers: list[Answer] = field(default_factory=list)

    @property
    def lag(self) -> float:
        """How late it was sent."""
        return self.sent - self.offer.due

    @property
    def ended(self) -> float:
        return self.answers[-1].ended

    @property
    def good(self) -> bool:
        """Every request was answered with 200."""
        return [answer.status for answer in self.answers] == [200] * self.offer.requests


class Pool(Protocol):
    """Who has connections: those without a request under way are `idle`."""

    @property
    def idle(self) -> list[Connection]: ...

    def answered(self, outcome: Outcome, status: int, timing: bytes = b"") -> None: ...

    def gone(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """One request at a time; `asked` is what it belongs to while one is under way."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._received = b""
        self._asked: Outcome | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, outcome: Outcome, request: bytes) -> None:
        assert self._transport is not None
        self._asked = outcome
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(HEAD_END)
        if found and self._asked is not None and len(body) >= int(header(head, b"content-length") or b"0"):
            asked, self._asked, self._received = self._asked, None, b""
            self._pool.answered(asked, int(head[9:12]), header(head, b"server-timing"))
            if header(head, b"connection").lower() == b"close":
                self.abort()
            else:
                self._pool.idle.append(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._pool.gone(self)
        if self._asked is not None:
            asked, self._asked = self._asked, None
            self._pool.answered(asked, LOST)

    def abort(self) -> None:
        assert self._transport is not None
        self._transport.abort()


class Load:
    """`requests` are whole HTTP messages, sent in turn to one port, over connections that are kept open.

    What is not answered `patience` seconds after the last one was due is lost.
    """

    def __init__(self, port: int, requests: Sequence[bytes], offers: Sequence[Offer], patience: float = 30.0) -> None:
        self.idle: list[Connection] = []
        self._port, self._offers, self._patience = port, offers, patience
        self._requests = itertools.cycle(requests)
        self._open: set[Connection] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._missing = 0
        self._began = 0.0

    async def run(self, began: float | None = None) -> list[Outcome]:
        """What became of every offer. The beginning is `began` of `time.monotonic`, or when all is prepared."""
        await asyncio.gather(*(self._connect() for _ in range(max(offer.requests for offer in self._offers))))
        self._began = time.monotonic() if began is None else began
        outcomes = [await self._send(offer) for offer in self._offers]
        until = self._offers[-1].due + self._patience
        while self._missing and self._now() < until:
            await asyncio.sleep(LOOK_SECONDS)
        await self._close()
        return outcomes

    def answered(self, outcome: Outcome, status: int, timing: bytes = b"") -> None:
        outcome.answers.append(Answer(self._now(), status, timing))
        self._missing -= 1

    def gone(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)

    def _now(self) -> float:
        return time.monotonic() - self._began

    async def _send(self, offer: Offer) -> Outcome:
        await asyncio.sleep(max(0.0, offer.due - self._now() - SPIN_SECONDS))
        while self._now() < offer.due:
            await asyncio.sleep(0)
        outcome = Outcome(offer, self._now(), alone=not self._missing)
        self._missing += offer.requests
        for request in itertools.islice(self._requests, offer.requests):
            if self.idle:
                self.idle.pop().ask(outcome, request)
            else:
                task = asyncio.create_task(self._ask_anew(outcome, request))
                self._connecting.add(task)
                task.add_done_callback(self._connecting.discard)
        return outcome

    async def _ask_anew(self, outcome: Outcome, request: bytes) -> None:
        try:
            await self._connect()
        except OSError:
            self.answered(outcome, LOST)
        else:
            self.idle.pop().ask(outcome, request)

    async def _connect(self) -> None:
        _, connection = await asyncio.get_running_loop().create_connection(lambda: Connection(self), HOST, self._port)
        self._open.add(connection)
        self.idle.append(connection)

    async def _close(self) -> None:
        for task in self._connecting:
            task.cancel()
        while self._open:
            for connection in tuple(self._open):
                connection.abort()
            await asyncio.sleep(0)


def header(head: bytes, name: bytes) -> bytes:
    """The value of the header; nothing where it is absent."""
    _, found, rest = head.lower().partition(b"\r\n" + name + b":")
    return rest.partition(b"\r\n")[0].strip() if found else b""


def message(path: str, body: bytes) -> bytes:
    """A request that asks what the server waited for."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nX-Server-Timing: 1\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def latest(lags: Sequence[float], share: float = 0.99) -> float:
    """The lag that this share of the offers kept."""
    return sorted(lags)[math.ceil(share * len(lags)) - 1]
