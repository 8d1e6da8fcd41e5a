"""Bytes to a server and what comes back, where the bytes need not be HTTP."""

from __future__ import annotations

import contextlib
import socket
import time

HEAD_END, VERSION, NOT_HTTP = b"\r\n\r\n", b"HTTP/1.", "not HTTP"


class HungError(Exception):
    """The server neither answered nor closed the connection in time."""


def exchange(port: int, request: bytes, seconds: float) -> list[str]:
    """The statuses of all answers, until the server closes: this client says that it will send no more.

    Raises HungError.
    """
    until, received = time.monotonic() + seconds, []
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        try:
            with contextlib.suppress(OSError):  # it has closed before it read all
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
            while data := receive(connection, until):
                received.append(data)
        except TimeoutError as error:
            raise HungError(f"no end of the answer within {seconds:g} s") from error
        except ConnectionError:  # closed with something left to read: a refusal too
            pass
    return statuses(b"".join(received))


def receive(connection: socket.socket, until: float) -> bytes:
    connection.settimeout(max(0.001, until - time.monotonic()))
    return connection.recv(65536)


def statuses(data: bytes) -> list[str]:
    """Of answers one after another; each says its length."""
    found: list[str] = []
    while data:
        head, whole, data = data.partition(HEAD_END)
        if not whole or not head.startswith(VERSION):
            return [*found, NOT_HTTP]
        status = str(head[9:12], "ascii")
        data = data if data.startswith(VERSION) else data[length(head) :]  # the answer to HEAD has no body
        if status != "100":  # which only says that the body may come
            found.append(status)
    return found


def length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
