"""The ASGI application: one callable, no framework. A request is read whole and answered at once."""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import replace

from mlsystem_runtime.serve.http import (
    DepartedError,
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
from mlsystem_runtime.serve.refused import RefusedError
from mlsystem_runtime.serve.routes import dispatch, routes
from mlsystem_runtime.serve.service import Service

logger = logging.getLogger(__name__)


class App:
    """Speaks ASGI's `http` and `lifespan`; while the lifespan lasts, the service follows the release."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._routes = routes(service)
        self._models = {route: endpoint.model for endpoint in service.endpoints for route in endpoint.routes}

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
                    await send({"type": "lifespan.startup.complete"})
                else:
                    await stack.aclose()
                    await send({"type": "lifespan.shutdown.complete"})
                    return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.monotonic()
        identity = request_id(scope)
        try:
            body = await read_body(receive)
            response = self._respond(Request(scope["method"], scope["path"], identity, body), started)
        except DepartedError:
            self._count(scope["path"], "cancelled")
            return
        except RefusedError as refused:  # a body that is too large
            self._count(scope["path"], "invalid")
            response = Response(refused.status, json_response(refused.status, refused.body(identity)).body,
                                headers={b"connection": b"close"})
        await send_response(send, self._last(response), identity)

    def _last(self, response: Response) -> Response:
        """While the server drains, the answer is the last one on its connection."""
        if not self.service.drain.begun:
            return response
        return replace(response, headers={**response.headers, b"connection": b"close"})

    def _respond(self, request: Request, started: float) -> Response:
        try:
            return dispatch(self._routes, request, started)
        except RefusedError as refused:
            return json_response(refused.status, refused.body(request.id))
        except Exception:  # the client gets an answer, the log the reason, and the next request a living server
            logger.exception("request %s to %s failed", request.id, request.path)
            return json_response(500, RefusedError(500, "the server failed; its log says why").body(request.id))

    def _count(self, path: str, outcome: str) -> None:
        if path in self._models:
            self.service.metrics.requests.labels(self._models[path], "", outcome).inc()
