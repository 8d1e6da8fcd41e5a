"""What is told of requests on stderr: enough to find one, nothing that a client wrote."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mlsystem_runtime.serve.access_log import MOST_ALIKE, WHOLE, AccessLog
from mlsystem_runtime.serve.app import App
from mlsystem_runtime.serve.guarded import Guarded
from mlsystem_runtime.serve.http import Request, Response, Scope
from mlsystem_runtime.serve.refused import RefusedError


def request(path: str = "/predict", **changes: Any) -> Request:
    return Request(**{"method": "POST", "path": path, "id": "r1", "body": b"", "started": time.monotonic(), **changes})


def told(log: AccessLog, written: list[bytes]) -> list[dict[str, Any]]:
    log.write(log.take())
    return [json.loads(line) for part in written for line in part.splitlines()]


def watched(start: Callable[..., Any], world: Any, everything: bool) -> tuple[Any, AccessLog, list[bytes]]:
    """A client of an app whose log is `written`."""
    client, written = start(world), []
    log = AccessLog(everything, written.append)
    client.app = App(replace(client.app.service, access=log))
    return client, log, written


def test_a_line_says_which_request_it_was_what_answered_and_how(start, world, good_row) -> None:
    world.release((2, 1.0))
    client, log, written = watched(start, world, everything=True)
    reply = client.predict(good_row, **{"x-request-id": "mine"})

    [line] = told(log, written)
    assert line.pop("milliseconds") >= 0
    assert line.pop("time").endswith("Z")
    assert line == {
        "request_id": "mine", "method": "POST", "path": "/predict", "status": 200, "bytes": len(reply.body),
        "model": "main", "version": 2,
    }


def test_a_path_is_told_by_the_pattern_that_answers_never_as_the_client_wrote_it(start, world) -> None:
    client, log, written = watched(start, world, everything=True)
    for path in ("/a-secret-1234", "/v2/models/a-secret-1234", "/livez"):
        client.get(path)

    assert [line["path"] for line in told(log, written)] == ["", "/v2/*", "/livez"]
    assert b"secret" not in b"".join(written)


def test_nothing_of_a_body_or_a_header_is_told(start, world, good_row) -> None:
    world.failing_carrier = "AA"
    world.release((1, 1.0))
    client, log, written = watched(start, world, everything=True)
    client.predict({**good_row, "note": "a-secret"}, authorization="Bearer a-secret", cookie="a-secret")
    client.predict({**good_row, "carrier": "AA", "note": "a-secret"})

    assert [line["status"] for line in told(log, written)] == [200, 500]
    assert b"a-secret" not in b"".join(written)


def test_only_failures_are_told_where_nobody_asked_for_more(start, world, good_row) -> None:
    world.failing_carrier = "AA"
    world.release((1, 1.0))
    client, log, written = watched(start, world, everything=False)
    client.predict(good_row)
    client.predict({"wrong": True})
    client.predict({**good_row, "carrier": "AA"})

    [line] = told(log, written)
    assert (line["status"], line["path"]) == (500, "/predict")


def test_a_body_that_was_not_read_is_told_too(start, world) -> None:
    client, log, written = watched(start, world, everything=True)
    client.predict(b"x" * (2 << 20))

    assert [line["status"] for line in told(log, written)] == [413]


def test_a_flood_of_failures_is_bounded_and_says_how_many_are_not_told() -> None:
    written: list[bytes] = []
    log = AccessLog(write=written.append)
    for _ in range(MOST_ALIKE + 7):
        log.add(request(), "/predict", Response(503, b""))

    lines = told(log, written)
    assert len(lines) == MOST_ALIKE
    assert [line.get("suppressed") for line in lines[-2:]] == [None, 7]
    written.clear()
    assert told(log, written) == []


def test_a_flood_of_one_failure_hides_no_other() -> None:
    written: list[bytes] = []
    log = AccessLog(write=written.append)
    for number in range(MOST_ALIKE + 7):
        log.add(request(), "/predict", Response(503, b""))
        if number % 10 == 9:
            log.add(request(), "/predict", Response(500, b""))

    lines = told(log, written)
    assert [line["status"] for line in lines].count(500) == (MOST_ALIKE + 7) // 10
    assert {line["status"]: line["suppressed"] for line in lines if "suppressed" in line} == {503: 7}


def test_lines_are_written_whole_so_that_those_of_several_workers_do_not_mix() -> None:
    written: list[bytes] = []
    log = AccessLog(everything=True, write=written.append)
    for _ in range(100):
        log.add(request(id="r" * 128), "/predict", Response(200, b""))
    told(log, written)

    assert len(written) > 1
    assert all(len(part) <= WHOLE and part.endswith(b"\n") for part in written)
    assert sum(part.count(b"\n") for part in written) == 100


def test_what_waits_holds_no_body() -> None:
    log = AccessLog(everything=True)
    log.add(request(body=b"x" * 1000), "/predict", Response(200, b"y" * 1000))

    [waiting] = log.take()[0]
    assert not any(isinstance(part, bytes | Request | Response) for part in waiting)


def test_a_reader_that_went_away_stops_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.write", lambda *_: (_ for _ in ()).throw(BrokenPipeError()))
    log = AccessLog(everything=True)
    log.add(request(), "/predict", Response(200, b""))

    log.write(log.take())


class NoOne:
    """Doors that let nobody in."""

    certificate = None

    def check(self, scope: Scope) -> None:
        raise RefusedError(401, "who are you?", reason="auth")


def test_who_is_not_let_in_is_told_too(start, world) -> None:
    client, log, written = watched(start, world, everything=True)
    client.app = Guarded(client.app, NoOne())
    client.get("/predict")

    [line] = told(log, written)
    assert (line["status"], line["path"]) == (401, "/predict")
