"""The application behind its doors: what may not come in is answered here, before its body is read."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from mlsystem_runtime.contract.run import ServerSection
from mlsystem_runtime.serve.app import App
from mlsystem_runtime.serve.doors import Doors
from mlsystem_runtime.serve.http import Headers, Receive, Request, Response, Scope, Send, request_id
from mlsystem_runtime.serve.refused import RefusedError
from mlsystem_runtime.serve.service import Service

REFRESH_SECONDS = 1.0
CLIENT = "mlsystem.client"
"""The key of an ASGI scope under which the client's name stands; None where nobody needs one."""


class Guarded:
    """An ASGI application: `app`, for those whom `doors` let in. While it lives, the secrets of the doors are followed.
    """

    def __init__(self, app: App, doors: Doors) -> None:
        self._app = app
        self._doors = doors
        self.paths = {path.encode(): path for path in app.paths}
        self.failed, self.last, self.told = app.failed, app.last, app.told
        self._challenge = {b"www-authenticate": f'Bearer realm="{app.service.system}"'.encode()}

    @property
    def tls(self) -> Callable[..., ssl.SSLContext] | None:
        """What makes the context of listeners, as uvicorn asks for it; None for plain HTTP."""
        certificate = self._doors.certificate
        return None if certificate is None else lambda *_: certificate.context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            async with following(self._doors):
                await self._app(scope, receive, send)
            return
        try:
            scope[CLIENT] = self._doors.check(scope)
        except RefusedError as refused:
            await self._refuse(scope, send, refused)
        else:
            await self._app(scope, receive, send)

    def answer(self, request: Request, port: int | None) -> Response | Awaitable[Response]:
        """The same for a request that came to `port` and is there, whole. Raises nothing; what is awaited may."""
        try:
            self._doors.admit(request.path, request.headers, port)
        except RefusedError as refused:
            return self._app.refused(request, refused, self._headers(refused))
        try:
            return self._app.answer(request)
        except Exception as error:  # noqa: BLE001 - the client gets an answer, and the next request a living server
            return self._app.failed(request, error)

    async def _refuse(self, scope: Scope, send: Send, refused: RefusedError) -> None:
        headers = dict(scope["headers"])
        request = Request(scope["method"], scope["path"], request_id(headers), b"", headers, time.monotonic())
        await self._app.refuse(request, refused, send, self._headers(refused))

    def _headers(self, refused: RefusedError) -> Headers | None:
        return self._challenge if refused.status == 401 else None


def doors_of(service: Service, section: ServerSection, pages: socket.socket | None = None) -> Doors:
    """`pages` listens where probes and metrics are apart. Raises MlsystemError where a secret does not hold what it
    should."""
    clients = service.metrics.clients

    def count(model: str, client: str, outcome: str) -> None:
        clients.labels(model, client, outcome).inc()

    port = None if pages is None else pages.getsockname()[1]
    return Doors(section, os.environ, count, len(service.fleet.slots), port)


@contextlib.asynccontextmanager
async def following(doors: Doors) -> AsyncIterator[None]:
    async def follow() -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            doors.refresh()  # on the loop, for a TLS context must not change while a connection begins

    task = asyncio.create_task(follow())
    try:
        yield
    finally:
        task.cancel()
