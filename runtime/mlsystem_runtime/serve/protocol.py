"""HTTP/1.1 on a connection: uvicorn's protocol, and a short way through it for requests that come whole.

By the way of ASGI a request costs a task, an event, a scope, and a message for each part that comes or goes: more than
everything that the server does to answer it. A request that was read at once, while nothing else is under way on its
connection, needs none of that: it is handed over as one value and its answer is written as one. All others, and
whatever is rare, go uvicorn's own way to the same application.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from mlsystem_runtime.serve.http import Request, Response, request_id

RARE = frozenset({b"content-encoding", b"expect", b"transfer-encoding", b"upgrade"})
"""Headers that ask for something of the connection or of the body: what, uvicorn and the application know."""
LINE = b"%b: %b\r\n"


class Front(Protocol):
    """An application that takes a request as one value, at the paths that it names. No method raises."""

    @property
    def paths(self) -> Mapping[bytes, str]: ...

    def answer(self, request: Request, port: int | None) -> Response | Awaitable[Response]: ...

    def failed(self, request: Request, error: BaseException) -> Response: ...

    def last(self, response: Response) -> Response:
        """As it is sent."""

    def told(self, request: Request, response: Response) -> None:
        """It was sent."""


class Exchange:
    """A request on the short way until it is answered. Has what uvicorn asks of the cycle that is under way."""

    __slots__ = ("_protocol", "_request", "disconnected", "keep_alive", "response_complete")
    message_event = asyncio.Event()  # nobody waits for it

    def __init__(self, protocol: Connection, request: Request) -> None:
        self._protocol = protocol
        self._request = request
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False

    def answered(self, answer: asyncio.Future[Response]) -> None:
        if answer.cancelled():
            self._protocol.transport.close()
            return
        error = answer.exception()
        self.reply(answer.result() if error is None else self._protocol.front.failed(self._request, error))

    def reply(self, response: Response) -> None:
        protocol = self._protocol
        response = protocol.front.last(response)
        if not protocol.transport.is_closing():
            closing = not self.keep_alive or b"connection" in response.headers
            protocol.transport.write(protocol.written(self._request, response, closing))
            self.response_complete = True
            if closing:
                protocol.transport.close()
            protocol.on_response_complete()
        protocol.front.told(self._request, response)


class Connection(HttpToolsProtocol):
    def __init__(self, front: Front, **uvicorn: Any) -> None:
        """`uvicorn`: what it gives to a protocol of its own."""
        super().__init__(**uvicorn)
        self.front = front
        self._short = False          # whether the request that is being read may go the short way
        self._body = b""
        self._fields: dict[bytes, bytes] = {}
        self._started = 0.0
        self._idle_since = math.inf
        self._default_headers: tuple[object, bytes] = (None, b"")

    def data_received(self, data: bytes) -> None:
        self._idle_since = math.inf
        super().data_received(data)
        if self._short:  # the rest of it is still to come
            self._go_the_long_way()

    def on_message_begin(self) -> None:
        self._started = time.monotonic()
        self._short = False
        self._body = b""
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._fields = dict(self.headers)
        self._short = self._alone() and self._plain()
        if not self._short:
            self._go_the_long_way()

    def on_body(self, body: bytes) -> None:
        if self._short:
            self._body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._short:
            self._short = False
            self._answer()
        else:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """As uvicorn's, but that the timer of a connection is set once, and not for every request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_after(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        left = self.timeout_keep_alive if self._idle_since == math.inf else (
            self._idle_since + self.timeout_keep_alive - self.loop.time())
        if left <= 0:
            super().timeout_keep_alive_handler()
        elif not self.transport.is_closing():
            self._look_after(left)

    def written(self, request: Request, response: Response, closing: bool) -> bytes:
        """The answer as it stands on the wire."""
        default, body = self.server_state.default_headers, response.body
        if self._default_headers[0] is not default:  # uvicorn makes a new list every second, for the date in it
            self._default_headers = default, b"".join(LINE % one for one in default)
        others = b"".join([LINE % one for one in response.headers.items()]) if response.headers else b""
        if closing and b"connection" not in response.headers:
            others += b"connection: close\r\n"
        return b"%b%bcontent-type: %b\r\ncontent-length: %d\r\nx-request-id: %b\r\n%b\r\n%b" % (
            STATUS_LINE[response.status], self._default_headers[1], response.type, len(body), request.id.encode(),
            others, b"" if request.method == "HEAD" else body,
        )

    def _alone(self) -> bool:
        """Nothing is under way, and the client takes what it is sent."""
        return (self.cycle is None or self.cycle.response_complete) and not self.flow.write_paused

    def _plain(self) -> bool:
        return self.url in self.front.paths and RARE.isdisjoint(self._fields) and self.parser.should_keep_alive() and (
            self.parser.get_http_version() == "1.1")

    def _answer(self) -> None:
        request = Request(
            self.parser.get_method().decode(), self.front.paths[self.url], request_id(self._fields), self._body,
            self._fields, self._started, self.transport.is_closing,
        )
        self.cycle = exchange = Exchange(self, request)  # type: ignore[assignment]  # it stands in for a cycle
        answer = self.front.answer(request, self.server[1] if self.server else None)
        if isinstance(answer, Response):
            exchange.reply(answer)
            return
        waiting = asyncio.ensure_future(answer)
        waiting.add_done_callback(exchange.answered)
        if waiting is not answer:  # a task, which uvicorn waits for when it ends, and in the end cancels
            self.tasks.add(waiting)  # type: ignore[arg-type]
            waiting.add_done_callback(self.tasks.discard)

    def _go_the_long_way(self) -> None:
        url, headers, body, self._short = self.url, self.headers, self._body, False
        super().on_message_begin()
        self.url = url
        self.headers += headers  # the list of the scope
        self.expect_100_continue = (b"expect", b"100-continue") in [(name, value.lower()) for name, value in headers]
        super().on_headers_complete()
        if body:
            super().on_body(body)

    def _look_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _unset_keepalive_if_required(self) -> None:
        """uvicorn calls it for whatever comes. The timer goes on, and when it is due looks for how long nothing has."""
        if self.transport.is_closing():
            super()._unset_keepalive_if_required()
