"""HTTP/1.1 on a socket, as bare as the checks need it: broken framing can be sent, and all comes back as it is."""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPResponse
from urllib.parse import urlsplit

SHORTENED = 400


@dataclass(frozen=True)
class Reply:
    """Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Exchange:
    """A request and its answer in short, for the report."""

    request: str
    answer: str


@dataclass
class Trail:
    """What was asked and answered during one check; the last is what a failure shows."""

    exchanges: list[Exchange] = field(default_factory=list)

    def note(self, request: str, answer: str) -> None:
        self.exchanges.append(Exchange(request, answer))


@dataclass(frozen=True)
class Address:
    """Where a server is; `prefix` stands before every path, `headers` go with every request. `tls` None is plain."""

    host: str
    port: int
    prefix: str
    headers: Mapping[str, str]
    timeout: float
    tls: ssl.SSLContext | None = None

    @classmethod
    def of(cls, url: str, headers: Mapping[str, str], timeout: float, trusted: bytes | None = None) -> Address:
        """`trusted` are certificates in PEM, in place of those of the system. Raises ValueError for no URL of HTTP."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"'{url}' is not a URL such as http://127.0.0.1:8080")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        tls = trusting(trusted) if parts.scheme == "https" else None
        return cls(parts.hostname, port, parts.path.rstrip("/"), headers, timeout, tls)


def trusting(certificates: bytes | None) -> ssl.SSLContext:
    """Raises ValueError where they are no certificates."""
    try:
        return ssl.create_default_context(cadata=None if certificates is None else certificates.decode())
    except (ssl.SSLError, ValueError) as error:
        raise ValueError(f"the certificates to trust are none: {error}") from error


class _KeptReader(io.BufferedReader):
    """Stays open when an answer has been read, because the next one follows on it."""

    def close(self) -> None:
        pass


class _Source:
    """What HTTPResponse takes for a socket."""

    def __init__(self, reader: io.BufferedReader) -> None:
        self.reader = reader

    def makefile(self, _mode: str) -> io.BufferedReader:
        return self.reader


class Connection:
    """One connection. Answers come in the order of the requests; a wait longer than the timeout is an OSError."""

    def __init__(self, address: Address) -> None:
        plain = socket.create_connection((address.host, address.port), timeout=address.timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = address.tls.wrap_socket(plain, server_hostname=address.host) if address.tls else plain
        self.raw = socket.SocketIO(self.socket, "r")
        self.reader = _KeptReader(self.raw)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.raw.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self, method: str = "GET") -> Reply:
        """Raises HTTPException or OSError where no complete answer comes."""
        response = HTTPResponse(_Source(self.reader), method=method)  # type: ignore[arg-type]  # all that it asks of a socket
        response.begin()
        body = response.read()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, headers, body)

    def ended(self) -> bool:
        """Whether the server has closed its side; waits for it up to the timeout."""
        return self.reader.read(1) == b""


@dataclass(frozen=True)
class Http:
    """A server behind its address."""

    address: Address
    trail: Trail

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """One request on a connection of its own."""
        data = self.message(method, path, body, headers)
        return self.ask_raw(data, method)

    def ask_raw(self, data: bytes, method: str = "POST") -> Reply:
        with Connection(self.address) as connection:
            connection.send(data)
            try:
                reply = connection.reply(method)
            except Exception as error:
                self.trail.note(self.shown(data), f"none: {type(error).__name__} {error}")
                raise
        self.noted(data, reply)
        return reply

    def noted(self, data: bytes, reply: Reply) -> None:
        self.trail.note(self.shown(data), f"{reply.status} {short(reply.body)}")

    def shown(self, data: bytes) -> str:
        """The request in short, without where it goes and without the headers of every one: they may be keys."""
        hidden = tuple(f"{name.lower()}:" for name in ("Host", *self.address.headers))
        lines = data[: SHORTENED * 3].split(b"\r\n")
        return short(b"\r\n".join(line for line in lines if not line.decode("latin-1").lower().startswith(hidden)))

    def message(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """The bytes of a request. A header given as "" is left out, also one that would be there otherwise."""
        address = self.address
        every = {"Host": f"{address.host}:{address.port}", **address.headers}
        if body is not None:
            every |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        every |= headers or {}
        first = f"{method} {address.prefix}{path} HTTP/1.1"
        lines = [f"{name}: {text}" for name, text in every.items() if text]
        return "\r\n".join([first, *lines, "", ""]).encode("latin-1") + (body or b"")


def short(data: bytes) -> str:
    """The beginning of a message as one readable line."""
    lines = data[: SHORTENED * 3].decode("utf-8", "replace").split("\r\n")
    text = "".join(one if one.isprintable() else "·" for one in " ⏎ ".join(line for line in lines if line))
    return text if len(text) <= SHORTENED else f"{text[:SHORTENED]}…"
