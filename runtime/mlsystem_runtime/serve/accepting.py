"""Several workers take connections from one listening socket, each as many as the others.

The kernel wakes whoever it likes, and a worker that takes all that it finds takes a whole burst. So each takes one
connection at a time, and one that has more than another steps back for a moment, in which that other may take it. Since
the socket is shared, a worker that dies or hangs leaves to the others what it has not taken.
"""

from __future__ import annotations

import asyncio
import logging
import math
import signal
import socket
import time
from collections.abc import Callable, Sized
from types import FrameType

import uvicorn

from mlsystem_runtime.serve.draining import Drain, DrainingServer
from mlsystem_runtime.serve.slots import BEAT, CONNECTIONS, STATE, Fleet, Slot, State

STEP_BACK_SECONDS = 0.002
AWAKE_SECONDS = 1.0      # a worker whose loop was silent for longer is not waited for
EXHAUSTED_SECONDS = 1.0  # until there may be descriptors and memory again
LOOK_SECONDS = 0.02

logger = logging.getLogger(__name__)


class WorkerServer(DrainingServer):
    """One of several workers. `state` is the one it would have if it accepted connections.

    It beats in its slot, so that a loop that hangs is noticed, and says there in which state it is. One that starts
    while another one is ready accepts nothing before it is ready itself.
    """

    def __init__(
        self, config: uvicorn.Config, drain: Drain, delay: float, fleet: Fleet, state: Callable[[], State],
        pages: socket.socket | None = None,
    ) -> None:
        super().__init__(config, drain, delay, pages)
        self._fleet = fleet
        self._state = state

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A terminal sends SIGINT to all processes; which of them it concerns, the parent knows and says by SIGTERM."""
        if sig != signal.SIGINT:
            super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await uvicorn.Server.startup(self, [])
        while self._waits_for_others():
            await asyncio.sleep(LOOK_SECONDS)
        self._beat()
        for listener in sockets or []:
            taking = Acceptor(listener, self.protocol, self.config, self._fleet, self.server_state.connections)
            self.servers.append(taking)  # type: ignore[arg-type]  # it is closed and waited for, no more
        await self.open_pages()

    async def on_tick(self, counter: int) -> bool:
        self._beat()
        return await super().on_tick(counter)

    def _waits_for_others(self) -> bool:
        return self._state() is State.WAITING and any(slot.state is State.READY for slot in self._fleet.others)

    def _beat(self) -> None:
        values = self._fleet.own.values
        values[CONNECTIONS] = len(self.server_state.connections)
        values[STATE] = self._state()
        values[BEAT] = time.monotonic()


class Acceptor:
    """Gives each connection of `listener` to a new protocol. `held` are those that this worker has.

    What uvicorn asks of a server: `close` and `wait_closed`.
    """

    def __init__(
        self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol], config: uvicorn.Config, fleet: Fleet,
        held: Sized,
    ) -> None:
        self._listener = listener
        self._protocol = protocol
        self._tls = config.ssl
        self._fleet = fleet
        self._held = held
        self._beginning: set[asyncio.Task[object]] = set()
        self._closed = False
        listener.setblocking(False)
        self._watch()

    def connections(self) -> int:
        return len(self._held) + len(self._beginning)

    def close(self) -> None:
        self._closed = True
        asyncio.get_running_loop().remove_reader(self._listener.fileno())

    async def wait_closed(self) -> None:
        await asyncio.gather(*self._beginning, return_exceptions=True)

    def _watch(self) -> None:
        if not self._closed:
            asyncio.get_running_loop().add_reader(self._listener.fileno(), self._readable)

    def _readable(self) -> None:
        self._fleet.own.values[CONNECTIONS] = self.connections()
        if self.connections() > min(map(connections, filter(takes_part, self._fleet.running)), default=math.inf):
            self._step_back(STEP_BACK_SECONDS)
            return
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # another worker was faster; or the client went away
        except OSError as error:
            logger.error("no connection can be taken for now: %s", error)
            self._step_back(EXHAUSTED_SECONDS)
            return
        self._begin(connection)

    def _step_back(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listener.fileno())
        loop.call_later(seconds, self._watch)

    def _begin(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop = asyncio.get_running_loop()
        task = loop.create_task(loop.connect_accepted_socket(self._protocol, connection, ssl=self._tls))
        self._beginning.add(task)
        task.add_done_callback(self._begun)

    def _begun(self, task: asyncio.Task[object]) -> None:
        self._beginning.discard(task)
        if not task.cancelled():
            task.exception()  # a handshake that failed is the client's matter


def connections(slot: Slot) -> float:
    return slot.values[CONNECTIONS]


def takes_part(slot: Slot) -> bool:
    """Whether a connection that others leave is taken by this worker soon."""
    return slot.state in (State.WAITING, State.READY) and time.monotonic() - slot.values[BEAT] < AWAKE_SECONDS
