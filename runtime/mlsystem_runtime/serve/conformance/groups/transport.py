"""HTTP around the requests: connections, framing, what a client sends that breaks off."""

from __future__ import annotations

import json

from mlsystem_runtime.serve.conformance.answers import inference, refused
from mlsystem_runtime.serve.conformance.places import HTTP, HTTP_1
from mlsystem_runtime.serve.conformance.table import Group, expect
from mlsystem_runtime.serve.conformance.target import Target
from mlsystem_runtime.serve.conformance.wire import Connection

GROUP = Group("transport", "HTTP")


def message(target: Target, headers: dict[str, str] | None = None, **members: str) -> bytes:
    """The plain inference request as it goes over the wire."""
    body = json.dumps(target.request() | members).encode()
    return target.http.message("POST", target.infer_path(), body, headers)


def chunked(body: bytes, size: int) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@GROUP.must(HTTP_1)
def kept_alive(target: Target) -> None:
    """A connection of HTTP/1.1 stays open for the next request."""
    with Connection(target.http.address) as connection:
        for number in range(3):
            connection.send(message(target, id=str(number)))
            reply = connection.reply("POST")
            target.http.noted(b"request on one connection", reply)
            expect(inference(reply).id == str(number), f"answer {number} is another one's")


@GROUP.must(HTTP_1)
def kept_alive_after_an_error(target: Target) -> None:
    """After a refused request the same connection answers the next one, or is closed; the two do not mix."""
    with Connection(target.http.address) as connection:
        connection.send(target.http.message("POST", target.infer_path(), b'{"inputs": ['))
        error = connection.reply("POST")
        refused(error)
        if error.headers.get("connection", "").lower() == "close":
            return
        connection.send(message(target))
        target.answers_as_plain(connection.reply("POST"))


@GROUP.must(HTTP_1)
def closed_when_asked(target: Target) -> None:
    """A client that says Connection: close gets its answer, and then the end."""
    with Connection(target.http.address) as connection:
        connection.send(message(target, {"Connection": "close"}))
        target.answers_as_plain(connection.reply("POST"))
        expect(connection.ended(), "something comes behind the answer")


@GROUP.must(HTTP_1)
def pipelined(target: Target) -> None:
    """Requests that are sent without waiting are answered in their order."""
    with Connection(target.http.address) as connection:
        connection.send(b"".join(message(target, id=str(number)) for number in range(5)))
        found = [inference(connection.reply("POST")).id for _ in range(5)]
        expect(found == list("01234"), f"ids come back as {found}")


@GROUP.must(HTTP_1)
def chunked_body(target: Target) -> None:
    """A body in chunks, without Content-Length, is read as any other."""
    head = target.http.message("POST", target.infer_path(), b"", {"Content-Length": "", "Transfer-Encoding": "chunked"})
    body = json.dumps(target.request()).encode()
    for size in (7, len(body)):
        target.answers_as_plain(target.http.ask_raw(head + chunked(body, size)))


@GROUP.must(HTTP_1)
def body_in_pieces(target: Target) -> None:
    """A request that arrives in pieces is read as one that arrives at once."""
    data = message(target)
    with Connection(target.http.address) as connection:
        for start in range(0, len(data), 50):
            connection.send(data[start : start + 50])
        target.answers_as_plain(connection.reply("POST"))


@GROUP.should(HTTP)
def expect_continue(target: Target) -> None:
    """A client that asks first (Expect: 100-continue) is told to go on, and answered."""
    body = json.dumps(target.request()).encode()
    headers = {"Expect": "100-continue", "Content-Length": str(len(body))}
    with Connection(target.http.address) as connection:
        connection.send(target.http.message("POST", target.infer_path(), b"", headers))
        first = connection.reader.peek(12)[:12]
        connection.send(body)
        expect(first.startswith(b"HTTP/1.1 100"), f"it is told {first!r}")
        target.answers_as_plain(connection.reply("POST"))


@GROUP.must(HTTP)
def header_names(target: Target) -> None:
    """Names of headers mean the same in small and in capital letters."""
    body = json.dumps(target.request()).encode()
    plain = {"Content-Type": "", "Content-Length": ""}
    other = {"CONTENT-TYPE": "application/json", "content-LENGTH": str(len(body))}
    target.answers_as_plain(target.infer(body, plain | other))


@GROUP.must(HTTP)
def charset(target: Target) -> None:
    """application/json may say its charset."""
    target.answers_as_plain(target.infer(target.request(), {"Content-Type": "application/json; charset=utf-8"}))


@GROUP.should(HTTP)
def no_content_type(target: Target) -> None:
    """A request that does not say what it is, is read as JSON: the path says it."""
    target.answers_as_plain(target.infer(target.request(), {"Content-Type": ""}))


@GROUP.must(HTTP)
def another_content_type(target: Target) -> None:
    """A request that says that it is something else is read or refused; it is no server error."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense"):
        status = target.infer(target.request(), {"Content-Type": kind}).status
        expect(status == 200 or 400 <= status < 500, f"expected 200 or 4xx for {kind}, got {status}")


@GROUP.must(HTTP)
def accept_anything(target: Target) -> None:
    """A client that takes anything, or JSON, gets JSON."""
    for kinds in ("*/*", "application/json", "text/html, application/json;q=0.9, */*;q=0.8"):
        target.answers_as_plain(target.infer(target.request(), {"Accept": kinds}))


@GROUP.must(HTTP_1)
def length_that_is_none(target: Target) -> None:
    """A Content-Length that is no number of bytes is refused: 4xx, or the connection is closed."""
    for length in ("many", "-1", "1.5", "0x10"):
        refused_or_closed(target, message(target, {"Content-Length": length}))


@GROUP.must(HTTP_1)
def two_lengths(target: Target) -> None:
    """Two lengths that differ are refused: whoever reads them differently reads another request."""
    twice = b"\r\nContent-Length: 5\r\nContent-Length"
    refused_or_closed(target, message(target).replace(b"\r\nContent-Length", twice, 1))


@GROUP.must(HTTP_1)
def broken_chunks(target: Target) -> None:
    """A chunk whose size is no number is refused: 4xx, or the connection is closed."""
    head = target.http.message("POST", target.infer_path(), b"", {"Content-Length": "", "Transfer-Encoding": "chunked"})
    refused_or_closed(target, head + b"zz\r\n{}\r\n0\r\n\r\n")


def refused_or_closed(target: Target, data: bytes) -> None:
    with Connection(target.http.address) as connection:
        connection.send(data)
        try:
            reply = connection.reply("POST")
        except ConnectionError:
            return
        target.http.noted(data, reply)
        expect(400 <= reply.status < 500, f"expected 4xx, got {reply.status}")


@GROUP.must(HTTP_1)
def body_that_breaks_off(target: Target) -> None:
    """A client that goes away in the middle of its body harms nobody."""
    for _ in range(5):
        with Connection(target.http.address) as connection:
            connection.send(message(target)[:-20])
    target.answers_as_plain(target.infer(target.request()))


@GROUP.must(HTTP_1)
def client_that_does_not_wait(target: Target) -> None:
    """A client that goes away before its answer harms nobody."""
    for _ in range(5):
        with Connection(target.http.address) as connection:
            connection.send(message(target))
    target.answers_as_plain(target.infer(target.request()))


@GROUP.must(HTTP_1)
def body_of_a_get(target: Target) -> None:
    """A body where none belongs is not taken for the next request."""
    smuggled = b"GET /v2/no-such-path HTTP/1.1\r\nHost: x\r\n\r\n"
    with Connection(target.http.address) as connection:
        connection.send(target.http.message("GET", "/v2/health/live", smuggled))
        connection.send(target.http.message("GET", target.path))
        expect(connection.reply().status == 200, "the first is not answered")
        expect(connection.reply().status == 200, "its body is answered as a request")
