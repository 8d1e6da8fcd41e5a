"""Requests of which every part may be wrong: a valid one, changed once to three times."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import Any

from support.ours import KNOWN, PROTOCOL, ROW

HEADERS = (
    "Content-Encoding", "Content-Type", "Accept-Encoding", "Expect", "X-Request-Id", "X-Request-Timeout",
    "Authorization", "Connection", "Inference-Header-Content-Length", "Host", "Upgrade", "Transfer-Encoding",
)  # fmt: skip
VALUES = (
    "", "0", "-1", "1e999", "NaN", "gzip", "gzip, gzip", "deflate", "identity", "100-continue", "close", "chunked",
    "websocket", "Bearer", "Bearer x", "application/octet-stream", "a" * 5000, "\xff\xfe", "99999999999999999999",
)  # fmt: skip
NASTY: tuple[Any, ...] = (
    None, True, "", "x" * 10_000, 0, -1, 2**31, 2**40, 2**63, 2**64, -(2**70), 1e308, 5e-324, float("nan"),
    float("inf"), [], {}, [[]], [None], {"a": {"b": 1}}, "\x00", "\ud800", "2013-12-28T08:00:00Z", "NaN",
)  # fmt: skip
TOKENS = (b"{", b"}", b"[", b"]", b'"', b",", b":", b"null", b"NaN", b"1e999", b"\x00", b"\xff", b"\\ud800", b"9" * 400)
METHODS = ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "post", "P\x00ST", "PRI")


@dataclass(frozen=True)
class Draft:
    method: str
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    chunked: bool = False
    declared: int | None = None


VALID = (
    Draft("POST", "/predict", json.dumps(ROW).encode()),
    Draft("POST", "/main/predict", json.dumps({"rows": [ROW, ROW]}).encode()),
    Draft("POST", "/v2/models/main/infer", json.dumps(PROTOCOL).encode()),
    Draft("POST", "/v2/models/main/versions/1/infer", json.dumps(PROTOCOL).encode()),
    Draft("POST", "/feedback", b'{"request_id": "a", "outcome": "b"}'),
    *(Draft("GET", path, b"") for path in (
        "/livez", "/readyz", "/healthz", "/metrics", "/status", "/openapi.json", "/docs", "/v2", "/v2/health/live",
        "/v2/health/ready", "/v2/models/main", "/v2/models/main/ready",
    )),
)  # fmt: skip


def strange_request(random: Random) -> bytes:
    draft = random.choice(VALID)
    for _ in range(random.randint(1, 3)):
        draft = random.choice(CHANGES)(random, draft)
    data = written(draft)
    match random.randrange(12):
        case 0:
            return data[: random.randrange(len(data))]  # the client leaves
        case 1:
            return data + written(random.choice(VALID))  # a second request behind it
        case 2:
            return changed_bytes(random, data)
        case _:
            return data


def written(draft: Draft) -> bytes:
    headers = {"Host": "127.0.0.1", "Content-Type": "application/json", **KNOWN[1], **draft.headers}
    body = draft.body
    if draft.chunked:
        headers["Transfer-Encoding"] = "chunked"
        body = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces(body)) + b"0\r\n\r\n"
    elif body or draft.declared is not None:
        headers["Content-Length"] = str(len(body) if draft.declared is None else draft.declared)
    lines = [f"{draft.method} {draft.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def pieces(body: bytes) -> list[bytes]:
    return [body[start : start + 100] for start in range(0, min(len(body), 10_000), 100)]


def bytes_of_body(random: Random, draft: Draft) -> Draft:
    return replace(draft, body=changed_bytes(random, draft.body))


def changed_bytes(random: Random, data: bytes) -> bytes:
    start = random.randrange(len(data) + 1)
    end = min(len(data), start + random.choice((0, 1, 1, 5, 50)))
    new = random.choice((b"", random.choice(TOKENS), random.randbytes(3), data[start:end] * 3))
    return data[:start] + new + data[end:]


def value_of_body(random: Random, draft: Draft) -> Draft:
    """One value somewhere in the JSON, or its name."""
    try:
        content = json.loads(draft.body)
    except (ValueError, RecursionError):  # changed before
        return draft
    return replace(draft, body=json.dumps(changed_value(random, content)).encode())


def changed_value(random: Random, value: Any) -> Any:
    if not value or not isinstance(value, dict | list) or random.random() < 0.1:
        return random.choice(NASTY)
    changed = value.copy()
    place = random.choice(list(value) if isinstance(value, dict) else range(len(value)))
    match random.randrange(4):
        case 0:
            del changed[place]
        case 1 if isinstance(changed, dict):
            changed[random.choice(("rows", "at", "id", "parameters", "outputs", "é", ""))] = random.choice(NASTY)
        case _:
            changed[place] = changed_value(random, value[place])
    return changed


def deep(random: Random, draft: Draft) -> Draft:
    depth = random.choice((100, 1000, 100_000))
    opening, closing = random.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return replace(draft, body=opening * depth + b"0" + closing * depth)


def large(random: Random, draft: Draft) -> Draft:
    rows = random.choice((999, 1001, 5000))
    return replace(draft, body=json.dumps({"rows": [ROW] * rows}).encode())


def packed(random: Random, draft: Draft) -> Draft:
    """Compressed: whole, cut off, spoilt, or a great deal of nothing."""
    whole = gzip.compress(draft.body, mtime=0)
    body = random.choice((whole, whole, whole[:-5], changed_bytes(random, whole), bomb(), whole + whole, b""))
    return replace(draft, body=body, headers={**draft.headers, "Content-Encoding": "gzip"})


@cache
def bomb() -> bytes:
    return gzip.compress(bytes(50 << 20), compresslevel=9, mtime=0)


def header(random: Random, draft: Draft) -> Draft:
    return replace(draft, headers={**draft.headers, random.choice(HEADERS): random.choice(VALUES)})


def method(random: Random, draft: Draft) -> Draft:
    return replace(draft, method=random.choice(METHODS))


def path(random: Random, draft: Draft) -> Draft:
    ends = ("/", "?a=b", "//", "/../..", "%00", "%ff%fe", "/" + "a" * 3000, "/versions/99", "/versions/-1", "\xe9")
    return replace(draft, path=draft.path + random.choice(ends))


def chunked(_: Random, draft: Draft) -> Draft:
    return replace(draft, chunked=True)


def declared(random: Random, draft: Draft) -> Draft:
    """A length that is not the body's."""
    return replace(draft, declared=random.choice((0, 1, len(draft.body) + 10, 1 << 21, 1 << 40)))


CHANGES: tuple[Callable[[Random, Draft], Draft], ...] = (
    bytes_of_body, bytes_of_body, value_of_body, value_of_body, value_of_body, deep, large, packed, header, header,
    method, path, chunked, declared,
)  # fmt: skip
