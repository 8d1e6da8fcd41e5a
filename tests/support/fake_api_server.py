"""ConfigMaps and Workflows as the Kubernetes API serves them: versions, conflicts, watches. For tests that need no
cluster."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PATH = re.compile(
    r"/(?:api/v1|apis/argoproj\.io/v1alpha1)/namespaces/(?P<namespace>[^/]+)/(?:configmaps|workflows)(?:/(?P<name>[^/]+))?"
)


@dataclass
class FakeApiServer:
    """`held` maps namespace/name to objects. `token`: what requests must bear. `overtake`: called before a write."""

    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    token: str | None = None
    overtake: Any = None
    refusing: int | None = None
    watching: bool = True
    port: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    _version: int = 100
    _epoch: int = 0
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler_of(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self.end_watches()
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def end_watches(self) -> None:
        with self.changed:
            self._epoch += 1
            self.changed.notify_all()

    def put(self, key: str, value: dict[str, Any]) -> dict[str, Any]:
        with self.changed:
            self._version += 1
            metadata = {**value["metadata"], "resourceVersion": str(self._version), "uid": "u"}
            self.held[key] = {**value, "metadata": metadata}
            self.changed.notify_all()
            return self.held[key]

    def events(self, key: str) -> Iterator[dict[str, Any]]:
        """The object as it is, then every change, until the watch is ended."""
        epoch, seen = self._epoch, None
        while epoch == self._epoch:
            with self.changed:
                one = self.held.get(key)
                if (one is None or one["metadata"]["resourceVersion"] == seen) and epoch == self._epoch:
                    self.changed.wait(5)
                    continue
            if one is not None:
                kind = "ADDED" if seen is None else "MODIFIED"
                seen = one["metadata"]["resourceVersion"]
                yield {"type": kind, "object": one}


@contextlib.contextmanager
def fake_api_server() -> Iterator[FakeApiServer]:
    server = FakeApiServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def handler_of(api: FakeApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def do_PUT(self) -> None:
            self._answer("PUT")

        def _answer(self, method: str) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"null")
            parts = urlsplit(self.path)
            api.requests.append((method, self.path))
            found = PATH.fullmatch(parts.path)
            assert found is not None, self.path
            if api.token is not None and self.headers.get("authorization") != f"Bearer {api.token}":
                self._say(401, {"message": "Unauthorized"})
            elif api.refusing is not None:
                self._say(api.refusing, {"message": "not now"})
            elif "watch" in parts.query:
                self._watch(found["namespace"], parse_qs(parts.query))
            elif method == "GET":
                one = api.held.get(f"{found['namespace']}/{found['name']}")
                self._say(*((404, {"message": "not found"}) if one is None else (200, one)))
            else:
                self._write(method, found["namespace"], body)

        def _write(self, method: str, namespace: str, body: dict[str, Any]) -> None:
            if api.overtake is not None:
                api.overtake()
            key = f"{namespace}/{body['metadata']['name']}"
            held = api.held.get(key)
            if method == "POST" and held is not None:
                self._say(409, {"message": "already exists"})
            elif method == "PUT" and (
                held is None or held["metadata"]["resourceVersion"] != body["metadata"].get("resourceVersion")
            ):
                self._say(409 if held else 404, {"message": "the object has been modified"})
            else:
                self._say(201 if method == "POST" else 200, api.put(key, body))

        def _watch(self, namespace: str, chosen: dict[str, list[str]]) -> None:
            if not api.watching:
                self._say(403, {"message": "may not watch"})
                return
            name = chosen["fieldSelector"][0].removeprefix("metadata.name=")
            self.send_response(200)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.flush()
                for event in api.events(f"{namespace}/{name}"):
                    line = json.dumps(event).encode() + b"\n"
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")

        def _say(self, status: int, value: dict[str, Any]) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler
