"""A registry for tests, on loopback and in memory: as much of the OCI distribution protocol as push, pull and a look
need, with no login, a login, or a service for tokens.

https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Literal
from urllib.parse import parse_qs, urlsplit

USER, PASSWORD, TOKEN = "robot", "s3cret", "token-of-the-test"
MANIFEST = re.compile(r"/v2/(.+)/manifests/([^/]+)")
BLOB = re.compile(r"/v2/(.+)/blobs/(sha256:[0-9a-f]+)")
UPLOAD = re.compile(r"/v2/(.+)/blobs/uploads/")
SESSIONS = count(1)
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class StoredRegistry:
    """`manifests` by (repository, tag or digest): media type and bytes. `asked` lists method and path."""

    host: str = ""
    login: Literal["none", "basic", "token"] = "none"
    tells_digest: bool = True
    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, repository: str, version: str, content: bytes, media_type: str = OCI_MANIFEST) -> str:
        digest = sha256(content)
        self.manifests[repository, version] = self.manifests[repository, digest] = (media_type, content)
        return digest

    def admits(self, authorization: str | None) -> bool:
        return self.login == "none" or authorization == {"basic": basic(), "token": f"Bearer {TOKEN}"}[self.login]


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def basic() -> str:
    return f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"


def login_file(host: str) -> str:
    """As `buildah login` writes it."""
    return json.dumps({"auths": {host: {"auth": basic().removeprefix("Basic ")}}})


@contextmanager
def oci_registry(registry: StoredRegistry) -> Iterator[StoredRegistry]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, registry))
    registry.host = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, registry: StoredRegistry, *arguments: object) -> None:
        self.registry = registry
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.registry.asked.append(f"{self.command} {path}")
        if path == "/token":
            known = self.headers.get("Authorization") == basic()
            self.answer(200 if known else 401, json.dumps({"token": TOKEN}).encode())
        elif self.may():
            self.found(path)

    def found(self, path: str) -> None:
        if match := MANIFEST.fullmatch(path):
            media_type, content = self.registry.manifests.get((match[1], match[2]), ("", b""))
            self.answer(200 if content else 404, content, {"Content-Type": media_type}, digest=sha256(content))
        elif match := BLOB.fullmatch(path):
            content = self.registry.blobs.get(match[2], b"")
            self.answer(200 if content else 404, content)
        else:
            self.answer(200 if path == "/v2/" else 404)

    def do_POST(self) -> None:
        self.body()
        if self.may() and UPLOAD.fullmatch(self.path):
            self.answer(202, headers={"Location": f"{self.path}{next(SESSIONS)}"})

    def do_PATCH(self) -> None:
        self.registry.blobs[self.path] = self.registry.blobs.get(self.path, b"") + self.body()
        self.answer(202, headers={"Location": self.path})

    def do_PUT(self) -> None:
        content, address = self.body(), urlsplit(self.path)
        if match := MANIFEST.fullmatch(address.path):
            digest = self.registry.put(match[1], match[2], content, self.headers["Content-Type"])
        else:
            content = self.registry.blobs.pop(address.path, b"") + content
            digest = sha256(content)
            self.registry.blobs[digest] = content
            if digest != parse_qs(address.query)["digest"][0]:
                return self.answer(400)
        return self.answer(201, digest=digest)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def may(self) -> bool:
        if self.registry.admits(self.headers.get("Authorization")):
            return True
        service = f'Bearer realm="http://{self.registry.host}/token",service="test"'
        challenge = service if self.registry.login == "token" else 'Basic realm="test"'
        self.answer(401, headers={"Www-Authenticate": challenge})  # spelled as registries do
        return False

    def answer(
        self, status: int, content: bytes = b"", headers: dict[str, str] | None = None, digest: str = ""
    ) -> None:
        self.send_response(HTTPStatus(status))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if digest and self.registry.tells_digest:
            self.send_header("Docker-Content-Digest", digest)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        del format, arguments
