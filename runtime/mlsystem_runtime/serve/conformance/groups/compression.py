"""Bodies that are compressed, and answers that may be."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

from mlsystem_runtime.serve.conformance.answers import refused
from mlsystem_runtime.serve.conformance.groups.binary import takes_bytes
from mlsystem_runtime.serve.conformance.places import BINARY, CODING, ERRORS
from mlsystem_runtime.serve.conformance.table import Group, Violation, expect
from mlsystem_runtime.serve.conformance.target import Target, as_binary
from mlsystem_runtime.serve.conformance.wire import Reply

GROUP = Group("compression", "Compression")
BOMB = 64 << 20
UNDO: Mapping[str, Callable[[bytes], bytes]] = {
    "identity": bytes, "gzip": gzip.decompress, "deflate": zlib.decompress,
}  # fmt: skip


def plain(target: Target, rows: int = 1) -> bytes:
    return json.dumps(target.request(rows)).encode()


def coded(target: Target, coding: str, body: bytes) -> Reply:
    return target.infer(body, {"Content-Encoding": coding})


def decoded(reply: Reply) -> Reply:
    """The reply with its Content-Encoding undone."""
    coding = reply.headers.get("content-encoding", "identity")
    expect(coding in UNDO, f"Content-Encoding is {coding!r}")
    try:
        return replace(reply, body=UNDO[coding](reply.body))
    except (OSError, EOFError, zlib.error) as error:
        raise Violation(f"the answer is not {coding}, as it says: {error}") from error


@GROUP.should(CODING)
def request_in_gzip(target: Target) -> None:
    """A request may be compressed with gzip."""
    target.answers_as_plain(coded(target, "gzip", gzip.compress(plain(target))))


@GROUP.should(CODING)
def request_in_deflate(target: Target) -> None:
    """A request may be compressed with deflate, that is zlib."""
    target.answers_as_plain(coded(target, "deflate", zlib.compress(plain(target))))


@GROUP.must(CODING)
def identity(target: Target) -> None:
    """A request that says that it is not compressed is read as it is."""
    target.answers_as_plain(coded(target, "identity", plain(target)))


@GROUP.must(CODING)
def compressed_is_read_or_refused(target: Target) -> None:
    """A compressed request is answered as the plain one or refused, 4xx: it is no server error."""
    for coding, body in (("gzip", gzip.compress(plain(target))), ("deflate", zlib.compress(plain(target)))):
        reply = coded(target, coding, body)
        if reply.status == 200:
            target.answers_as_plain(reply)
        else:
            refused(reply)


@GROUP.must(CODING)
def unknown_coding(target: Target) -> None:
    """A coding that the server does not know is refused, not skipped."""
    refused(coded(target, "rot13", plain(target)))


@GROUP.should(CODING)
def unknown_coding_415(target: Target) -> None:
    """A coding that the server does not know is 415."""
    refused(coded(target, "rot13", plain(target)), 415)


@GROUP.must(ERRORS)
def not_compressed(target: Target) -> None:
    """A body that is not compressed, and says it is, is refused."""
    for coding in ("gzip", "deflate"):
        refused(coded(target, coding, plain(target)))


@GROUP.must(ERRORS)
def cut_compressed(target: Target) -> None:
    """A compressed body that is cut is refused, also inside its checksum."""
    body = gzip.compress(plain(target))
    for length in (5, len(body) // 2, len(body) - 4):
        refused(coded(target, "gzip", body[:length]))


@GROUP.must(ERRORS)
def wrong_checksum(target: Target) -> None:
    """A compressed body whose checksum is wrong is refused."""
    body = bytearray(gzip.compress(plain(target)))
    body[-8] ^= 0xFF
    refused(coded(target, "gzip", bytes(body)))


@GROUP.must(ERRORS)
def empty_compressed(target: Target) -> None:
    """An empty body in gzip is refused as an empty body is."""
    refused(coded(target, "gzip", gzip.compress(b"")))


@cache
def bomb_body() -> bytes:
    return gzip.compress(b" " * BOMB, 1)


@GROUP.should(CODING)
def bomb(target: Target) -> None:
    """A small body that becomes 64 MB is refused, and the server goes on."""
    refused(coded(target, "gzip", bomb_body()))
    target.answers_as_plain(target.infer(target.request()))


@GROUP.must(CODING)
def accepts_gzip(target: Target) -> None:
    """A client that takes gzip gets gzip or none, and can read what it gets."""
    target.answers_as_plain(decoded(target.infer(target.request(16), {"Accept-Encoding": "gzip"})), 16)


@GROUP.must(CODING)
def accepts_deflate(target: Target) -> None:
    """A client that takes deflate gets deflate or none, and can read what it gets."""
    reply = target.infer(target.request(16), {"Accept-Encoding": "deflate"})
    expect(reply.headers.get("content-encoding", "identity") != "gzip", "it gets gzip")
    target.answers_as_plain(decoded(reply), 16)


@GROUP.must(CODING)
def accepts_nothing(target: Target) -> None:
    """A client that says nothing about it, or wants no coding, gets none."""
    for headers in ({}, {"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip;q=0, deflate;q=0"}):
        reply = target.infer(target.request(16), headers)
        expect(reply.headers.get("content-encoding", "identity") == "identity", f"it gets a coding for {headers}")
        target.answers_as_plain(reply, 16)


@GROUP.should(BINARY)
def bytes_in_gzip(target: Target) -> None:
    """Tensors as bytes may be compressed too; the length of their JSON is that before compression."""
    request, parts = as_binary(takes_bytes(target))
    head = json.dumps(request).encode()
    headers = {
        "Content-Type": "application/octet-stream", "Content-Encoding": "gzip",
        "Inference-Header-Content-Length": str(len(head)),
    }  # fmt: skip
    target.answers_as_plain(target.infer(gzip.compress(head + b"".join(parts)), headers))


@GROUP.must(CODING)
def errors_are_readable(target: Target) -> None:
    """An error for a client that takes gzip can be read by it."""
    refused(decoded(target.infer(b"[]", {"Accept-Encoding": "gzip, deflate"})))
