"""How a server stops: not ready at once, answering for a while longer, then finishing what it has begun."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass
from types import FrameType

import uvicorn


@dataclass
class Drain:
    """`since` is the monotonic time at which the server was told to stop; None while it was not.

    A fleet goes on sending requests until word has come round that this server is not ready. They are answered, and
    each answer asks the client to close its connection and come by another way.
    """

    since: float | None = None

    @property
    def begun(self) -> bool:
        return self.since is not None


class DrainingServer(uvicorn.Server):
    """The first SIGTERM or SIGINT begins the drain, which lasts `delay` seconds; a second one cuts it short.

    At `pages`, where given, the same application answers in plain HTTP, whatever it speaks elsewhere.
    """

    def __init__(
        self, config: uvicorn.Config, drain: Drain, delay: float, pages: socket.socket | None = None
    ) -> None:
        super().__init__(config)
        self._pages = pages
        self._drain = drain
        self._delay = delay

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        await self.open_pages()

    async def open_pages(self) -> None:
        if self._pages is not None:
            loop = asyncio.get_running_loop()
            self.servers.append(await loop.create_server(self.protocol, sock=self._pages))

    def protocol(self) -> asyncio.Protocol:
        """As uvicorn makes them for sockets that it listens on itself."""
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Not uvicorn's, which raises the signal again after the end: being told to stop is no failure."""
        self.should_exit = self._drain.begun or self._delay <= 0
        self._drain.since = self._drain.since or time.monotonic()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second; True ends the server."""
        if self._drain.since is not None and time.monotonic() - self._drain.since >= self._delay:
            self.should_exit = True
        return await super().on_tick(counter)
