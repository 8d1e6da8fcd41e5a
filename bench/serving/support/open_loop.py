"""Load that does not wait for answers: each request is due at its own instant, whatever became of those before it.

`python open_loop.py` reads a plan from its standard input and writes what became of every request to its standard
output, both JSON. Latency counts from when a request was due, not from when this program came to send it, so a server
that stalls cannot hide it. A client gives up `timeout` seconds after its request was due, and closes its connection.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import statistics
import subprocess
import sys
import time
from array import array
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

HEAD_END = b"\r\n\r\n"
PROBES, PROBE_SECONDS = 20, 60.0
GAVE_UP, LOST = "timeout", "lost"


@dataclass(frozen=True)
class Plan:
    """`most_connections` bounds what is open at once; a request that would need one more is lost. At most 1000."""

    port: int
    path: str
    body: str
    rate: float
    seconds: float
    timeout: float
    headers: Mapping[str, str] = field(default_factory=dict)
    most_connections: int = 900

    @property
    def request(self) -> bytes:
        body = self.body.encode()
        given = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": str(len(body))}
        lines = (f"{name}: {value}\r\n" for name, value in (given | dict(self.headers)).items())
        return f"POST {self.path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + body


@dataclass(frozen=True)
class Answers:
    """What became of the requests that ended in one way; latencies in ms from when each was due."""

    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float


NONE = Answers(0, float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Outcome:
    """`answers` by HTTP status, `timeout` and `lost`. `late_ms` is how late this program sent, 99 of 100.

    `idle_ms` is the median of requests one after another before the load; `recovery_ms` passes from when the last
    client had its answer, or had given up, until one is answered about as fast again.
    """

    offered: int
    seconds: float
    answers: Mapping[str, Answers]
    late_ms: float
    idle_ms: float
    recovery_ms: float

    @property
    def goodput(self) -> float:
        """Requests per second that were answered with 200 before their clients gave up."""
        return self.answers["200"].count / self.seconds if "200" in self.answers else 0.0


def offer(plan: Plan) -> Outcome:
    """Offers the load from a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__], input=json.dumps(asdict(plan)), stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return Outcome(**{**told, "answers": {end: Answers(**one) for end, one in told["answers"].items()}})


class Connection(asyncio.Protocol):
    """One request at a time; `due` is None while none is under way."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.due: float | None = None
        self.transport: asyncio.Transport | None = None
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.due is None:  # the client gave up before it was connected
            transport.abort()
        else:
            transport.write(self.load.request)

    def ask(self, due: float) -> None:
        assert self.transport is not None
        self.due = due
        self.transport.write(self.load.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(HEAD_END)
        if found and len(body) >= content_length(head):
            self.received = b""
            keep = b"connection: close" not in head.lower()
            self.load.answered(self, str(head[9:12], "ascii"), body, keep=keep)

    def connection_lost(self, _: Exception | None) -> None:
        self.load.closed(self)


def content_length(head: bytes) -> int:
    """Of an answer that says it, as those of all these servers do."""
    lower = head.lower()
    start = lower.index(b"content-length:") + len(b"content-length:")
    return int(lower[start:].partition(b"\r\n")[0])


Seen = Callable[[float, str, bytes], None]


class Load:
    """Sends what is due, and counts how it ended. `seen` is told of each answer when its request was due, its status
    and its body. `stop` may be called from another thread."""

    def __init__(self, plan: Plan, seen: Seen | None = None) -> None:
        self.plan = plan
        self.seen = seen
        self.stopping = False
        self.request = plan.request
        self.idle: list[Connection] = []
        self.waiting: deque[tuple[float, Connection]] = deque()
        self.open: set[Connection] = set()
        self.latencies: dict[str, array[float]] = defaultdict(lambda: array("d"))
        self.late = array("d")
        self.connecting: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        """Until every request has ended in one way or another."""
        began, number = time.monotonic(), 0
        while not self.stopping and (due := began + number / self.plan.rate) < began + self.plan.seconds:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.late.append(time.monotonic() - due)
            self.send(due)
            self.give_up()
            number += 1
        while self.waiting:
            await asyncio.sleep(0.001)
            self.give_up()
        await asyncio.gather(*self.connecting)
        while self.open:
            for connection in self.open:
                if connection.transport is not None:
                    connection.transport.abort()
            await asyncio.sleep(0)

    def stop(self) -> None:
        """Nothing more is sent; what was is waited for."""
        self.stopping = True

    def send(self, due: float) -> None:
        if self.idle:
            connection = self.idle.pop()
            connection.ask(due)
        elif len(self.open) < self.plan.most_connections:
            connection = self.connect(due)
        else:
            self.ended(LOST, due)
            return
        self.waiting.append((due, connection))

    def connect(self, due: float) -> Connection:
        connection = Connection(self)
        connection.due = due
        self.open.add(connection)
        task = asyncio.create_task(self.connected(connection))
        self.connecting.add(task)
        task.add_done_callback(self.connecting.discard)
        return connection

    async def connected(self, connection: Connection) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: connection, "127.0.0.1", self.plan.port)
        except OSError:
            self.closed(connection)

    def give_up(self) -> None:
        """Of those that wait for too long. All wait equally long, so the first in line is the first to leave it."""
        while self.waiting and self.over(*self.waiting[0]):
            self.waiting.popleft()

    def over(self, due: float, connection: Connection) -> bool:
        if connection.due != due:  # answered, and perhaps asked again
            return True
        if time.monotonic() - due < self.plan.timeout:
            return False
        connection.due = None
        self.ended(GAVE_UP, due)
        if connection.transport is not None:
            connection.transport.abort()
        return True

    def answered(self, connection: Connection, status: str, body: bytes, *, keep: bool) -> None:
        if connection.due is None:
            return
        if self.seen is not None:
            self.seen(connection.due, status, body)
        in_time = time.monotonic() - connection.due < self.plan.timeout
        self.ended(status if in_time else GAVE_UP, connection.due)
        connection.due = None
        if keep:
            self.idle.append(connection)
        elif connection.transport is not None:
            connection.transport.close()

    def closed(self, connection: Connection) -> None:
        self.open.discard(connection)
        if connection.due is not None:
            self.ended(LOST, connection.due)
            connection.due = None
        if connection in self.idle:
            self.idle.remove(connection)

    def ended(self, how: str, due: float) -> None:
        self.latencies[how].append(time.monotonic() - due)


async def load_of(plan: Plan) -> Load:
    """What became of every request of the plan."""
    load = Load(plan)
    await load.run()
    return load


async def alone(plan: Plan, timeout: float) -> float | None:
    """Seconds of one request on a connection of its own; None where it was not answered with 200 by then."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection("127.0.0.1", plan.port)
            try:
                writer.write(plan.request)
                head = await reader.readuntil(HEAD_END)
                await reader.readexactly(content_length(head.removesuffix(HEAD_END)))
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return None
    return time.monotonic() - began if head[9:12] == b"200" else None


async def idle_seconds(plan: Plan) -> float:
    seconds = [one for _ in range(PROBES) if (one := await alone(plan, PROBE_SECONDS)) is not None]
    return statistics.median(seconds)


async def recovery_seconds(plan: Plan, idle: float) -> float:
    """`inf` where it does not come back."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < PROBE_SECONDS:
        seconds = await alone(plan, PROBE_SECONDS - passed)
        if seconds is not None and seconds <= 2 * idle + 0.002:
            return time.monotonic() - began
    return float("inf")


def answers(seconds: array[float]) -> Answers:
    ordered = sorted(seconds)
    p50, p99 = (1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.99))
    return Answers(len(ordered), p50, p99, 1000 * ordered[-1])


async def main() -> Outcome:
    plan = Plan(**json.load(sys.stdin))
    idle = await idle_seconds(plan)
    load = await load_of(plan)
    recovery = await recovery_seconds(plan, idle)
    return Outcome(
        offered=len(load.late), seconds=plan.seconds, late_ms=answers(load.late).p99_ms, idle_ms=1000 * idle,
        recovery_ms=1000 * recovery, answers={how: answers(found) for how, found in sorted(load.latencies.items())},
    )  # fmt: skip


if __name__ == "__main__":
    # a selector that waits to the microsecond: epoll's milliseconds would be in every latency
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        sys.stdout.write(json.dumps(asdict(runner.run(main()))))
