"""A stand-in for Prometheus: its HTTP API for one moment, with answers that the test gives."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit


class Fault(Enum):
    """An answer that is none: an error of the server, no JSON, or more series than were asked for."""

    DOWN = auto()
    GARBAGE = auto()
    TWO_SERIES = auto()


Answer: TypeAlias = float | Fault | None
"""A value of one series, None for no series."""


@dataclass
class PrometheusApi:
    """`answers` by query, `answer` to all others; `asked` has the time of each question, by query."""

    address: str
    answer: Answer = None
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: dict[str, Queue[float]] = field(default_factory=lambda: defaultdict(Queue))


class Answers(BaseHTTPRequestHandler):
    server: Served

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query).get("query", [""])[0]
        api = self.server.api
        answer = api.answers.get(query, api.answer)
        api.asked[query].put(time.time())
        body = in_json(answer).encode()
        self.send_response(500 if answer is Fault.DOWN else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Not into the test's output."""


def in_json(answer: Answer) -> str:
    match answer:
        case Fault.DOWN | Fault.GARBAGE:
            return "not what was asked for"
        case Fault.TWO_SERIES:
            values: tuple[str, ...] = ("1", "2")
        case None:
            values = ()
        case _:
            values = (str(answer),)
    result = [{"metric": {}, "value": [0, value]} for value in values]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})


class Served(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.api = PrometheusApi(f"http://127.0.0.1:{self.server_address[1]}")


@contextmanager
def prometheus_api(answer: Answer = None) -> Iterator[PrometheusApi]:
    server = Served()
    server.api.answer = answer
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
