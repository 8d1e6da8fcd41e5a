"""A network between a client and a server of this machine that loses what it is told to lose."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Manner = Literal["whole", "refused", "silent", "unanswered"]


@dataclass
class Network:
    """`manner`: `refused`, connections end at once; `silent`, nothing is passed on, nothing is said; `unanswered`,
    requests arrive, and their connection ends before the answer does. `times`: how many requests more it does so (None:
    all), then it is whole again. Every answer takes `delay_s`."""

    port: int
    manner: Manner = "whole"
    times: int | None = None
    delay_s: float = 0.0
    requests: list[bytes] = field(default_factory=list)
    _one: threading.Lock = field(default_factory=threading.Lock)

    def lose(self, manner: Manner, times: int | None = None) -> None:
        with self._one:
            self.manner, self.times = manner, times

    def met(self) -> Manner:
        """How the request that comes now is treated."""
        with self._one:
            if self.manner == "whole" or self.times is None:
                return self.manner
            self.times -= 1
            treated = self.manner
            if self.times == 0:
                self.manner, self.times = "whole", None
            return treated


@contextlib.contextmanager
def lossy_network(server: int) -> Iterator[Network]:
    """In front of the server on that port of loopback."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        network = Network(listening.getsockname()[1])
        threading.Thread(target=_accept, args=(listening, server, network), daemon=True).start()
        yield network


def _accept(listening: socket.socket, server: int, network: Network) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(client, server, network), daemon=True).start()


def _serve(client: socket.socket, server: int, network: Network) -> None:
    """One request, then the connection ends: how each is treated can be told."""
    with client, contextlib.suppress(OSError):
        treated = network.met()
        if treated == "refused":
            return
        head = _head(client)
        network.requests.append(head.split(b"\r\n")[0])
        while treated == "silent":
            if not client.recv(65536):
                return
        body = _body(client, head)
        with socket.create_connection(("127.0.0.1", server)) as there:
            there.sendall(_closing(head) + body)
            answer = b"".join(iter(lambda: there.recv(65536), b""))
        time.sleep(network.delay_s)
        if treated != "unanswered":
            client.sendall(answer)


def _head(client: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += (got := client.recv(1))
        if not got:
            raise OSError("the client left")
    return data


def _body(client: socket.socket, head: bytes) -> bytes:
    fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
    if fields.get(b"expect") == b"100-continue":
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    wanted, data = int(fields.get(b"content-length", 0)), b""
    while len(data) < wanted:
        data += (got := client.recv(wanted - len(data)))
        if not got:
            raise OSError("the client left")
    return data


def _closing(head: bytes) -> bytes:
    lines = [line for line in head.removesuffix(b"\r\n\r\n").split(b"\r\n")
             if not line.lower().startswith((b"connection:", b"expect:"))]  # fmt: skip
    return b"\r\n".join([*lines, b"Connection: close", b"", b""])
