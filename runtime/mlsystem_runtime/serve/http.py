"""The little of HTTP that the server speaks: a whole request in, a whole response out, on raw ASGI."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from mlsystem_runtime.serve.refused import RefusedError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_BODY = 1 << 20
JSON, TEXT, HTML = b"application/json", b"text/plain; version=0.0.4; charset=utf-8", b"text/html; charset=utf-8"
REQUEST_ID = re.compile(rb"[!-~]{1,128}")


class DepartedError(Exception):
    """The client went away before the whole request was there."""


@dataclass(frozen=True)
class Request:
    """`id` is the client's X-Request-Id where it is 1 to 128 visible ASCII characters, else one of ours."""

    method: str
    path: str
    id: str
    body: bytes


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes
    type: bytes = JSON
    headers: Mapping[bytes, bytes] = field(default_factory=dict)


def json_response(status: int, value: object) -> Response:
    return Response(status, msgspec.json.encode(value))


def request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return secrets.token_hex(16)


async def read_body(receive: Receive) -> bytes:
    """Raises RefusedError (413) beyond MAX_BODY, DepartedError when the client leaves."""
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DepartedError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            raise RefusedError(413, f"the body is larger than {MAX_BODY} bytes")
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def send_response(send: Send, response: Response, request: str) -> None:
    headers = [
        (b"content-type", response.type),
        (b"content-length", str(len(response.body)).encode()),
        (b"x-request-id", request.encode("ascii")),
        *response.headers.items(),
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
