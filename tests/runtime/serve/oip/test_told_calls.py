"""A call over gRPC is logged and traced by what logs and traces HTTP, with the status that HTTP would have given."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import grpc
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mlsystem_runtime.serve.access_log import AccessLog
from mlsystem_runtime.serve.http import Headers
from mlsystem_runtime.serve.oip.grpc import Listening, answering, handler
from mlsystem_runtime.serve.oip.messages import MESSAGES, SERVICE
from mlsystem_runtime.serve.refused import RefusedError
from mlsystem_runtime.serve.service import Service
from mlsystem_runtime.serve.tracing import Sampling, Tracing

TRACE, SPAN = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
DEPARTURE_US = 1_388_235_600_000_000  # 2013-12-28T13:00:00Z
INFER = f"/{SERVICE}/ModelInfer"


def anyone(path: str, headers: Headers) -> None: ...


def nobody(path: str, headers: Headers) -> None:
    raise RefusedError(401, "who are you?", reason="auth")


class Called:
    """Calls of a service over gRPC, and what is told of them."""

    def __init__(self, client: Any, everything: bool = True) -> None:
        self.runner = client.runner
        self.written: list[bytes] = []
        self.exporter = InMemorySpanExporter()
        self.tracing = Tracing("flight-delay", self.exporter, Sampling(1.0, follows=True))
        log = AccessLog(everything, self.written.append)
        self.service: Service = replace(client.app.service, access=log, tracing=self.tracing)

    def call(self, name: str, message: bytes, *metadata: tuple[str, str], admit: Any = anyone) -> bytes:
        """The answer; empty for a refusal."""
        async def ask() -> bytes:
            async with (
                answering(self.service, Listening("127.0.0.1", 0), admit) as port,
                grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
            ):
                return bytes(await channel.unary_unary(f"/{SERVICE}/{name}")(message, metadata=metadata))

        try:
            return bytes(self.runner.run(ask()))
        except grpc.RpcError:
            return b""

    def lines(self) -> list[dict[str, Any]]:
        self.service.access.write(self.service.access.take())
        return [json.loads(line) for part in self.written for line in part.splitlines()]

    def spans(self) -> dict[str, Any]:
        self.tracing.close()
        return {span.name: span for span in self.exporter.get_finished_spans()}


def asked(row: dict[str, Any], **other: Any) -> bytes:
    """One row, as tensors of one element."""
    contents = {"carrier": ("BYTES", {"bytes_contents": [row["carrier"].encode()]}),
                "distance": ("FP64", {"fp64_contents": [row["distance"]]}),
                "seats": ("INT64", {"int64_contents": [row["seats"]]}),
                "express": ("BOOL", {"bool_contents": [row["express"]]}),
                "departure": ("INT64", {"int64_contents": [DEPARTURE_US]})}
    inputs = [{"name": name, "datatype": kind, "shape": [1], "contents": data}
              for name, (kind, data) in contents.items()]
    return bytes(MESSAGES["ModelInferRequest"](model_name="main", inputs=inputs, **other).SerializeToString())


@pytest.fixture
def called(start, world) -> Called:
    world.release((3, 1.0))
    world.failing_carrier = "AA"
    return Called(start(world))


def test_a_line_says_which_call_it_was_what_answered_and_how(called: Called, good_row) -> None:
    answer = called.call("ModelInfer", asked(good_row), ("x-request-id", "mine"))

    [line] = called.lines()
    assert line.pop("milliseconds") >= 0
    assert line.pop("time").endswith("Z")
    assert line == {
        "request_id": "mine", "method": "POST", "path": INFER, "status": 200, "bytes": len(answer), "model": "main",
        "version": 3,
    }


@pytest.mark.parametrize(
    ("name", "message", "admit", "status"),
    [
        ("ModelInfer", b"\xff", anyone, 400),
        ("ModelInfer", MESSAGES["ModelInferRequest"](model_name="a-secret").SerializeToString(), anyone, 404),
        ("ModelInfer", MESSAGES["ModelInferRequest"](model_name="main").SerializeToString(), anyone, 400),
        ("ModelInfer", MESSAGES["ModelInferRequest"](model_name="main").SerializeToString(), nobody, 401),
        ("ServerLive", b"", anyone, 200),
    ],
)  # fmt: skip
def test_a_refusal_has_the_status_that_http_would_have_given(called: Called, name, message, admit, status) -> None:
    called.call(name, message, admit=admit)

    [line] = called.lines()
    assert (line["path"], line["status"]) == (f"/{SERVICE}/{name}", status)
    assert b"a-secret" not in b"".join(called.written)


def test_only_failures_are_told_where_nobody_asked_for_more(start, world, good_row) -> None:
    world.failing_carrier = "AA"
    called = Called(start(world), everything=False)
    called.call("ModelInfer", asked(good_row))
    called.call("ModelInfer", asked({**good_row, "carrier": "AA"}))
    called.call("ModelInfer", b"\xff")

    [line] = called.lines()
    assert (line["path"], line["status"]) == (INFER, 500)


class Silent:
    """A call as gRPC gives it to a handler: without metadata, without a deadline."""

    def invocation_metadata(self) -> tuple[()]:
        return ()

    def time_remaining(self) -> None: ...

    def set_trailing_metadata(self, trailers: tuple[tuple[str, str], ...]) -> None: ...


def test_a_client_that_goes_away_is_told_as_over_http() -> None:
    told: list[tuple[str, int]] = []

    async def left(*_: Any) -> Any:
        raise asyncio.CancelledError  # which is how gRPC says it

    handle = handler("ServerLive", left, lambda _, path, response: told.append((path, response.status)))
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(handle(b"", Silent()))

    assert told == [(f"/{SERVICE}/ServerLive", 499)]


def test_a_call_is_a_span_with_its_parts_in_the_trace_that_its_client_began(called: Called, good_row) -> None:
    called.call("ModelInfer", asked(good_row), ("traceparent", f"00-{TRACE:032x}-{SPAN:016x}-01"))
    spans = called.spans()

    whole = spans.pop(f"POST {INFER}")
    assert set(spans) == {"queue", "features", "model"}
    assert {part.parent.span_id for part in spans.values()} == {whole.context.span_id}
    assert (whole.context.trace_id, whole.parent.span_id) == (TRACE, SPAN)
    assert whole.attributes["http.response.status_code"] == 200
    assert (whole.attributes["mlsystem.model"], whole.attributes["mlsystem.version"]) == ("main", 3)


def test_the_protocol_over_http_says_which_version_answered_too(start, world, good_row) -> None:
    world.release((3, 1.0))
    client = start(world)
    told = Called(client)
    kinds = {"carrier": "BYTES", "distance": "FP64", "seats": "INT64", "express": "BOOL", "departure": "INT64"}
    row = {**good_row, "departure": DEPARTURE_US}
    tensors = [{"name": name, "datatype": kind, "shape": [1], "data": [row[name]]} for name, kind in kinds.items()]
    client.app = type(client.app)(told.service)
    client.predict({"inputs": tensors}, "/v2/models/main/infer")

    [line] = told.lines()
    assert (line["path"], line["status"], line["model"], line["version"]) == ("/v2/*", 200, "main", 3)
    assert {"queue", "features", "model"} < set(told.spans())
