"""What stands between a store and its table in tests: it counts, and does what a busy service or a bad network does."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Body = dict[str, Any]
Fault = Literal["throttled", "half", "lost", "refused", "denied"] | None
"""`half` of a batch is done and the rest handed back; the answer of what was done is `lost`; `refused`: bad request."""

ERRORS = {
    "throttled": "ProvisionedThroughputExceededException", "denied": "AccessDeniedException",
    "refused": "ValidationException",
}  # fmt: skip


class Proxy(ThreadingHTTPServer):
    """`rule` is asked about each request by its operation."""

    daemon_threads = True

    def __init__(self, upstream: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream
        self.rule: Callable[[str, Body], Fault] = lambda operation, body: None
        self.asked: Counter[str] = Counter()
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hung up does not care."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_POST(self) -> None:
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        body: Body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked[operation] += 1
        fault = self.server.rule(operation, body)
        if fault in ERRORS:
            error = {"__type": f"com.amazonaws.dynamodb.v20120810#{ERRORS[fault]}", "message": "Ada Lovelace"}
            self.answer(400, json.dumps(error).encode())
            return
        rest = handed_back(body) if fault == "half" else {}
        status, answer = self.forwarded(json.dumps(body).encode())
        if fault == "lost":
            self.close_connection = True
            return
        if rest:
            answer = json.dumps(json.loads(answer) | rest).encode()
        self.answer(status, answer)

    def forwarded(self, body: bytes) -> tuple[int, bytes]:
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream)
        kept = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length")}
        upstream.request("POST", "/", body, kept | {"Host": "dynamodb.eu-central-1.amazonaws.com"})
        with contextlib.closing(upstream), upstream.getresponse() as response:
            return response.status, response.read()

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        """Nothing."""


def handed_back(body: Body) -> Body:
    """Takes the second half out of a batch of a table's keys or writes, if there is more than one."""
    ((table, wanted),) = body["RequestItems"].items()
    keys = wanted["Keys"] if isinstance(wanted, dict) else wanted
    half = (len(keys) + 1) // 2
    rest = keys[half:]
    del keys[half:]
    if not rest:
        return {}
    if isinstance(wanted, dict):
        return {"UnprocessedKeys": {table: wanted | {"Keys": rest}}}
    return {"UnprocessedItems": {table: rest}}


@contextlib.contextmanager
def proxy(upstream: int) -> Iterator[Proxy]:
    server = Proxy(upstream)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
