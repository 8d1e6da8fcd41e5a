"""The least that a server can be: uvicorn, and an application that reads a request and says one word."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from support.servers import Server

FOLDER = Path(__file__).resolve().parent
BODY = b'{"status":"ok"}'
START = {
    "type": "http.response.start", "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))],
}  # fmt: skip


async def application(_scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send(START)
    await send({"type": "http.response.body", "body": BODY})


def server(name: str, body: bytes) -> Server:
    return Server(name, command, "/", body)


def command(port: int) -> list[str]:
    return [
        sys.executable, "-m", "uvicorn", "--app-dir", str(FOLDER.parent), "support.hello:application",
        "--port", str(port), "--no-access-log", "--log-level", "warning", "--lifespan", "off",
    ]  # fmt: skip
