"""The ASGI application: one callable, no framework. A request is read whole, then answered."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec.structs import replace

from mlsystem_runtime.serve.call import never
from mlsystem_runtime.serve.http import (
    GONE,
    Headers,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    json_response,
    read_body,
    request_id,
    send_response,
)
from mlsystem_runtime.serve.refused import DepartedError, RefusedError, failed
from mlsystem_runtime.serve.routes import paths, routes
from mlsystem_runtime.serve.service import Service

Beside = Callable[[Service], contextlib.AbstractAsyncContextManager[Any]]

logger = logging.getLogger(__name__)


class App:
    """Speaks ASGI's `http` and `lifespan`; while the lifespan lasts, the service follows the release, and what is
    `beside` answers too."""

    def __init__(self, service: Service, beside: Sequence[Beside] = ()) -> None:
        self.service = service
        self._beside = beside
        self._routes = routes(service)
        self._told = service.access.everything or service.tracing is not None
        self._outcomes = {route: one.outcomes for one in service.predictors for route in paths(one.endpoint)}
        self.paths = frozenset((*self._routes.exact, *self._outcomes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            assert scope["type"] == "http", "the server is started without websockets"
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        async with contextlib.AsyncExitStack() as stack:
            while True:
                message = await receive()
                if message["type"] == "lifespan.startup":
                    await stack.enter_async_context(self.service.running())
                    for other in self._beside:
                        await stack.enter_async_context(other(self.service))
                    await send({"type": "lifespan.startup.complete"})
                else:
                    await stack.aclose()
                    await send({"type": "lifespan.shutdown.complete"})
                    return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.monotonic()
        headers = dict(scope["headers"])
        identity = request_id(headers)
        try:
            body = await read_body(receive, headers)
            request = Request(scope["method"], scope["path"], identity, body, headers, started, departure(receive))
            response = await self._respond(request)
        except DepartedError:
            self._left(scope["path"])
            return
        except RefusedError as refused:  # the body was not read
            request = Request(scope["method"], scope["path"], identity, b"", headers, started)
            await self.refuse(request, refused, send, {b"connection": b"close"})
            return
        await self._finish(request, response, send)

    async def refuse(
        self, request: Request, refused: RefusedError, send: Send, headers: Headers | None = None
    ) -> None:
        """Counts and answers a request whose body was not read."""
        await self._finish(request, self.refused(request, refused, headers), send)

    def refused(self, request: Request, refused: RefusedError, headers: Headers | None = None) -> Response:
        """Counts a request whose body was not read; its answer."""
        if request.path in self._outcomes:
            self._outcomes[request.path].refused(refused)
        return refusal(refused, request.id, headers)

    async def _finish(self, request: Request, response: Response, send: Send) -> None:
        """Sends the answer, then logs and traces it."""
        await send_response(send, self.last(response), request.id)
        self.told(request, response)

    async def _respond(self, request: Request) -> Response:
        try:
            answer = self.answer(request)
            return answer if isinstance(answer, Response) else await answer
        except Exception as error:  # noqa: BLE001 - the client gets an answer, and the next request a living server
            return self.failed(request, error)

    def answer(self, request: Request) -> Response | Awaitable[Response]:
        """At once, or as soon as it is there. Raises whatever is wrong; what it says of that, `failed` knows."""
        return self._routes.find(request.method, request.path)(request)

    def failed(self, request: Request, error: BaseException) -> Response:
        if isinstance(error, RefusedError):
            return refusal(error, request.id)
        if isinstance(error, DepartedError):
            return GONE
        logger.error("request %s to %s failed", request.id, request.path, exc_info=error)
        return refusal(failed(), request.id)

    def last(self, response: Response) -> Response:
        """As it is sent. While the server drains, an answer is the last one on its connection."""
        if not self.service.drain.begun:
            return response
        return replace(response, headers={**response.headers, b"connection": b"close"})

    def told(self, request: Request, response: Response) -> None:
        """Logs and traces what was sent."""
        if response.status >= 500 or self._told:
            self.service.tell(request, self._routes.pattern(request.path), response)

    def _left(self, path: str) -> None:
        if path in self._outcomes:
            self._outcomes[path].cancelled()


def refusal(refused: RefusedError, identity: str, headers: Headers | None = None) -> Response:
    return json_response(refused.status, refused.body(identity), {**refused.headers(), **(headers or {})})


def departure(receive: Receive) -> Callable[[], bool]:
    """Whether the client is still there, which uvicorn knows of the connection that it reads from. Another server's
    `receive` says it only to who waits for it; then every client counts as there."""
    cycle: Any = getattr(receive, "__self__", None)
    return (lambda: cycle.disconnected) if hasattr(cycle, "disconnected") else never
