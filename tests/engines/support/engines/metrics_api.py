"""The metrics that autoscalers ask an API server for, answered by the test: resources, custom and external ones.

Every question waits until the test answers it, so that the test knows what the autoscaler knew, and when.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from urllib.parse import urlsplit

from engines.authority import new_authority
from engines.controllers import aggregated_api
from engines.kubectl import Cluster, Object

APIS = {"metrics.k8s.io": "v1beta1", "custom.metrics.k8s.io": "v1beta2", "external.metrics.k8s.io": "v1beta1"}
NAMESPACE = "metrics"
PATIENCE = 50.0
"""Seconds that a question waits; the API server itself gives up after a minute."""


@dataclass
class Question:
    """What is asked for in a namespace, at which address, and when; `answer` ends it, with None for an error."""

    path: str
    address: str
    came: float = field(default_factory=time.time)
    answers: Queue[Object | None] = field(default_factory=Queue)

    def answer(self, body: Object | None) -> None:
        self.answers.put(body)


@dataclass
class MetricsApi:
    """Questions by namespace, in the order in which they come."""

    questions: dict[str, Queue[Question]] = field(default_factory=lambda: defaultdict(Queue))
    closed: set[str] = field(default_factory=set)

    def close(self, namespace: str) -> None:
        """Whatever is asked there from now on fails at once, so that it holds up no worker of the controller."""
        self.closed.add(namespace)

    def next(self, namespace: str, seconds: float = 30.0) -> Question:
        try:
            return self.questions[namespace].get(timeout=seconds)
        except Empty:
            raise TimeoutError(f"no question in {namespace} for {seconds:g} s") from None


class Answers(BaseHTTPRequestHandler):
    server: Served

    def do_GET(self) -> None:
        parts = urlsplit(self.path).path.strip("/").split("/")
        if "namespaces" in parts:
            self.say(self.asked(parts[4], Question("/".join(parts[5:]), self.path)))
        else:
            group = "/".join(parts[1:3])
            self.say({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": []})

    def asked(self, namespace: str, question: Question) -> Object | None:
        if namespace in self.server.api.closed:
            return None
        self.server.api.questions[namespace].put(question)
        try:
            return question.answers.get(timeout=PATIENCE)
        except Empty:
            return None

    def say(self, body: Object | None) -> None:
        content = json.dumps(body or {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 500}).encode()
        self.send_response(500 if body is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(OSError):  # who asked may have gone
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Not into the test's output."""


class Served(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, api: MetricsApi, place: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.api = api
        new_authority("metrics").sign("metrics", hosts=("127.0.0.1", "localhost")).write(place, "tls")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(place / "tls.crt", place / "tls.key")
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)


@contextmanager
def metrics_api(cluster: Cluster, place: Path) -> Iterator[MetricsApi]:
    """Registered with the API server and found available by it."""
    server = Served(MetricsApi(), place)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        cluster.namespace(NAMESPACE)
        for group, version in APIS.items():
            cluster.apply(*aggregated_api(group, version, NAMESPACE, group.replace(".", "-"), server.server_address[1]))
        for group, version in APIS.items():
            cluster.wait_for("apiservice", f"{version}.{group}", is_available)
        yield server.api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def is_available(api: Object) -> bool:
    conditions = api.get("status", {}).get("conditions", ())
    return any(one["type"] == "Available" and one["status"] == "True" for one in conditions)
