"""The little of HTTP that the server speaks: a whole request in, a whole response out, on raw ASGI."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import msgspec

from mlsystem_runtime.serve.call import Call, never
from mlsystem_runtime.serve.refused import DepartedError, RefusedError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Mapping[bytes, bytes]

MAX_BODY = 1 << 20
JSON, HTML = b"application/json", b"text/html; charset=utf-8"
REQUEST_ID = re.compile(rb"[!-~]{1,128}")
TIMEOUT = re.compile(rb"(\d{1,9}(?:\.\d{1,9})?)(ms|s)?")
WINDOW_BITS = {b"gzip": 16 + zlib.MAX_WBITS, b"deflate": zlib.MAX_WBITS}


IDS: list[str] = []
"""Random ids that are not given yet. A process that is forked draws its own."""
os.register_at_fork(after_in_child=IDS.clear)


class Request(msgspec.Struct, frozen=True):
    """`id` is the client's X-Request-Id where it is 1 to 128 visible ASCII characters, else one of ours. Names of
    `headers` are in lower case. `started`: monotonic seconds of its first byte. `departed` says whether the client
    went away meanwhile."""

    method: str
    path: str
    id: str
    body: bytes
    headers: Headers = msgspec.field(default_factory=dict)
    started: float = 0.0
    departed: Callable[[], bool] = never


class Answered(msgspec.Struct, frozen=True):
    """What logs and traces say of a prediction. `version` is None where several versions answered."""

    model: str
    version: int | None
    call: Call


class Response(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    type: bytes = JSON
    headers: Headers = msgspec.field(default_factory=dict)
    answered: Answered | None = None


GONE = Response(499, b"")
"""To a client that went away: nobody reads it, but it is told of."""


def json_response(
    status: int, value: object, headers: Headers | None = None, answered: Answered | None = None
) -> Response:
    return Response(status, msgspec.json.encode(value), headers=headers or {}, answered=answered)


def request_id(headers: Headers) -> str:
    given = headers.get(b"x-request-id")
    if given is not None and REQUEST_ID.fullmatch(given):
        return str(given, "ascii")
    if not IDS:
        drawn = os.urandom(4096).hex()  # one call for many: it costs as much as one for few
        IDS.extend(drawn[place : place + 32] for place in range(0, len(drawn), 32))
    return IDS.pop()


def seconds_allowed(headers: Headers) -> float | None:
    """What the client gives in X-Request-Timeout: seconds, or milliseconds as `500ms`. Raises RefusedError."""
    given = headers.get(b"x-request-timeout")
    if given is None:
        return None
    read = TIMEOUT.fullmatch(given.strip())
    if read is None:
        raise RefusedError(400, "the header X-Request-Timeout must be seconds, as in '0.5' or '500ms'")
    return float(read[1]) / (1000.0 if read[2] == b"ms" else 1.0)


async def read_body(receive: Receive, headers: Headers) -> bytes:
    """Unpacked where it came with a Content-Encoding. Raises RefusedError (413 beyond MAX_BODY, 415 for an encoding
    that is not known), DepartedError when the client leaves."""
    message = await receive()
    body = message.get("body", b"")
    if message["type"] == "http.disconnect" or message.get("more_body", False) or len(body) > MAX_BODY:
        body = await _rest(receive, message)
    encoding = headers.get(b"content-encoding")
    return body if encoding is None else unpacked(body, encoding.strip().lower())


async def _rest(receive: Receive, message: Message) -> bytes:
    chunks, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise DepartedError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            raise RefusedError(413, f"the body is larger than {MAX_BODY} bytes")
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)
        message = await receive()


def unpacked(body: bytes, encoding: bytes) -> bytes:
    """Never more than MAX_BODY in memory, however small the body was packed."""
    if encoding == b"identity":
        return body
    if encoding not in WINDOW_BITS:
        raise RefusedError(415, f"a body in the encoding {encoding!r} is not read; gzip and deflate are")
    unpacking = zlib.decompressobj(WINDOW_BITS[encoding])
    try:
        content = unpacking.decompress(body, MAX_BODY + 1)
    except zlib.error as error:
        raise RefusedError(400, f"the body is not in the encoding that it says: {error}") from error
    if len(content) > MAX_BODY:
        raise RefusedError(413, f"the body is larger than {MAX_BODY} bytes when it is unpacked")
    if not unpacking.eof:
        raise RefusedError(400, "the body is cut off in the middle of what was packed")
    return content


async def send_response(send: Send, response: Response, request: str) -> None:
    headers = [
        (b"content-type", response.type),
        (b"content-length", b"%d" % len(response.body)),
        (b"x-request-id", request.encode("ascii")),
        *response.headers.items(),
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
