"""What the fuzzer calls broken: it is worth nothing if it cannot fail."""

from __future__ import annotations

import http.server
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench" / "serving"))

import fuzz
from fuzz import Findings, Held
from support import schemas

REQUEST = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
DOCUMENT = {
    "openapi": "3.1.0", "info": {"title": "broken", "version": "1"},
    "paths": {"/predict": {"post": {
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {"200": {"description": "an answer"}},
    }}},
}  # fmt: skip


@contextmanager
def answering(status: int, seconds: float = 0.0) -> Iterator[int]:
    """The port of a server that says the same to everybody, after some time."""
    ended = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            ended.wait(seconds)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def sent(status: int, wait: float = 0.0) -> Findings:
    findings = Findings()
    with answering(status, wait) as port:
        fuzz.send(port, findings, "one", REQUEST, seconds=0.5 if wait else 10.0)
    return findings


@pytest.mark.parametrize("status", [200, 400, 422, 503, 504])
def test_an_answer_a_refusal_and_an_honest_no_time_are_good(status: int) -> None:
    assert sent(status).good


@pytest.mark.parametrize("status", [500, 501, 502])
def test_a_handler_that_fails_is_broken(status: int) -> None:
    findings = sent(status)

    assert not findings.good
    assert findings.broken == [f"one: {status}"]


def test_a_handler_that_hangs_is_broken() -> None:
    findings = sent(200, wait=20.0)

    assert not findings.good
    assert "no end of the answer" in findings.broken[0]


@pytest.mark.parametrize(("ended", "code"), [
    (Held(131.0, 20), 0), (Held(100.0 + fuzz.GROWTH_MB + 1, 20), 1), (Held(100.0, 20 + fuzz.GROWTH_FILES + 1), 1),
])  # fmt: skip
def test_a_server_that_grows_ends_the_run_with_a_failure(ended: Held, code: int) -> None:
    assert fuzz.told(Findings(settled=Held(100.0, 20), ended=ended)) == code


def test_what_is_kept_has_no_token_in_it_and_is_sent_with_one(tmp_path: Path) -> None:
    fuzz.keep(tmp_path / "kept.http", fuzz.ours.TOKEN.encode() + REQUEST)

    assert (tmp_path / "kept.http").read_bytes() == b"TOKEN" + REQUEST


@pytest.mark.slow
def test_a_handler_that_fails_is_found_from_its_schema_kept_and_fails_again_until_it_is_mended(tmp_path: Path) -> None:
    schema, kept = tmp_path / "openapi.json", tmp_path / "kept"
    schema.write_text(json.dumps(DOCUMENT))
    with answering(500) as port:
        url, headers = f"http://127.0.0.1:{port}", {"Authorization": "Bearer very-secret"}
        found = schemas.fuzzed(schema, url, headers, 1, 3.0, kept)
        again = schemas.replayed(schema, url, headers, kept)
    with answering(200) as port:
        mended = schemas.replayed(schema, f"http://127.0.0.1:{port}", headers, kept)

    assert "Server error" in found.failed
    assert "Server error" in again.failed
    assert (mended.requests >= 1, mended.failed) == (True, "")
    assert not any("very-secret" in path.read_text() for path in kept.rglob("*.json"))


@pytest.mark.slow
def test_a_handler_that_is_right_is_not_called_broken_by_its_schema(tmp_path: Path) -> None:
    schema = tmp_path / "openapi.json"
    schema.write_text(json.dumps(DOCUMENT))
    with answering(503) as port:
        made = schemas.fuzzed(schema, f"http://127.0.0.1:{port}", {}, 1, 3.0, tmp_path)

    assert made.failed == ""
    assert made.requests > 0
