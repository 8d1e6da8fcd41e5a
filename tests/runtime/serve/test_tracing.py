"""Traces: one span a request and its parts, only where a collector is named, and only of requests that are sampled."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from mlsystem_runtime.serve.app import App
from mlsystem_runtime.serve.tracing import BEGINS, Origin, Sampling, Tracing, sampling_of, tracing_of

TRACE, SPAN = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
PARENT = f"00-{TRACE:032x}-{SPAN:016x}-01"
ALWAYS = Sampling(1.0, follows=True)


class Traced:
    """A client of an app whose spans are kept here."""

    def __init__(self, client: Any, sampling: Sampling = ALWAYS) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracing = Tracing("flight-delay", self.exporter, sampling)
        self.client = client
        client.app = App(replace(client.app.service, tracing=self.tracing))

    def spans(self) -> dict[str, ReadableSpan]:
        self.tracing.close()
        return {span.name: span for span in self.exporter.get_finished_spans()}


@pytest.fixture
def traced(start, world) -> Traced:
    world.release((3, 1.0))
    world.failing_carrier = "AA"
    return Traced(start(world))


def test_a_request_is_a_span_with_its_parts_inside_one_after_the_other(traced: Traced, good_row) -> None:
    before = time.time_ns()
    traced.client.predict(good_row, **{"x-request-id": "mine"})
    spans = traced.spans()

    whole = spans.pop("POST /predict")
    parts = list(spans.values())
    assert [part.name for part in parts] == ["queue", "features", "model"]
    assert {part.parent.span_id for part in parts} == {whole.context.span_id}
    times = [whole.start_time, *(at for part in parts for at in (part.start_time, part.end_time)), whole.end_time]
    assert times == sorted(times)
    assert before - 50_000_000 < whole.start_time
    assert dict(whole.attributes) == {
        "http.request.method": "POST", "http.route": "/predict", "http.response.status_code": 200,
        "mlsystem.request_id": "mine", "mlsystem.model": "main", "mlsystem.version": 3,
    }
    assert whole.resource.attributes["service.name"] == "flight-delay"


def test_a_trace_that_was_begun_elsewhere_goes_on(traced: Traced, good_row) -> None:
    traced.client.predict(good_row, traceparent=PARENT)

    whole = traced.spans()["POST /predict"]
    assert (whole.context.trace_id, whole.parent.span_id) == (TRACE, SPAN)


def test_two_requests_without_a_parent_are_two_traces(traced: Traced) -> None:
    traced.client.get("/livez")
    traced.client.get("/readyz")

    assert len({span.context.trace_id for span in traced.spans().values()}) == 2


def test_a_failure_of_the_server_is_an_error_and_what_the_client_got_wrong_is_none(traced: Traced, good_row) -> None:
    traced.client.predict({**good_row, "carrier": "AA"})
    traced.client.get("/a-secret")
    spans = traced.spans()

    assert spans["POST /predict"].status.status_code is StatusCode.ERROR
    assert spans["GET"].status.status_code is StatusCode.UNSET
    assert "secret" not in str([span.to_json() for span in spans.values()])


@pytest.mark.parametrize(
    ("header", "sampling", "expected"),
    [
        (PARENT, Sampling(0.0, follows=True), Origin(TRACE, SPAN)),
        (PARENT[:-1] + "0", Sampling(1.0, follows=True), None),
        (PARENT[:-1] + "0", Sampling(1.0, follows=False), Origin(TRACE, SPAN)),
        (PARENT, Sampling(0.0, follows=False), None),
        (None, Sampling(0.0, follows=True), None),
        (None, Sampling(1.0, follows=True), BEGINS),
        ("cc" + PARENT[2:] + "-later", Sampling(0.0, follows=True), Origin(TRACE, SPAN)),
        ("ff" + PARENT[2:], Sampling(1.0, follows=True), BEGINS),
        (f"00-{0:032x}-{SPAN:016x}-01", Sampling(1.0, follows=True), BEGINS),
        (f"00-{TRACE:032x}-{0:016x}-01", Sampling(1.0, follows=True), BEGINS),
        (PARENT.upper(), Sampling(1.0, follows=True), BEGINS),
        ("garbage", Sampling(0.0, follows=True), None),
    ],
)  # fmt: skip
def test_what_is_sampled(header: str | None, sampling: Sampling, expected: Origin | None) -> None:
    tracing = Tracing("x", InMemorySpanExporter(), sampling)
    headers = {} if header is None else {b"traceparent": header.encode()}

    assert tracing.sampled(headers) == expected
    tracing.close()


def test_a_share_of_the_requests_is_sampled() -> None:
    tracing = Tracing("x", InMemorySpanExporter(), Sampling(0.25, follows=True))

    assert 350 < sum(tracing.sampled({}) is not None for _ in range(2000)) < 650
    tracing.close()


@pytest.mark.parametrize(
    ("sampler", "argument", "expected"),
    [
        (None, None, Sampling(1.0, follows=True)),
        ("always_on", None, Sampling(1.0, follows=False)),
        ("always_off", None, Sampling(0.0, follows=False)),
        ("parentbased_always_off", None, Sampling(0.0, follows=True)),
        ("traceidratio", "0.1", Sampling(0.1, follows=False)),
        ("parentbased_traceidratio", "0.1", Sampling(0.1, follows=True)),
        ("parentbased_traceidratio", "many", Sampling(1.0, follows=True)),
        ("parentbased_traceidratio", "7", Sampling(1.0, follows=True)),
        ("jaeger_remote", None, Sampling(1.0, follows=True)),
    ],
)  # fmt: skip
def test_the_environment_names_the_sampler(sampler: str | None, argument: str | None, expected: Sampling) -> None:
    given = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument}

    assert sampling_of({name: value for name, value in given.items() if value is not None}) == expected


@pytest.mark.parametrize(
    "environ", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
                {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}],
)  # fmt: skip
def test_without_a_collector_there_is_none(environ: dict[str, str]) -> None:
    assert tracing_of("x", environ) is None


def test_without_a_collector_nothing_of_opentelemetry_is_imported() -> None:
    program = (
        "import sys\n"
        "import mlsystem_runtime.serve.process, mlsystem_runtime.serve.app\n"
        "from mlsystem_runtime.serve.tracing import tracing_of\n"
        "assert tracing_of('x', {}) is None\n"
        "print(sorted(name for name in sys.modules if name.startswith('opentelemetry')))"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environ)

    assert done.stdout.strip() == "[]"


class Collector(ThreadingHTTPServer):
    """Speaks OTLP over HTTP, and keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[ExportTraceServiceRequest] = []


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def test_spans_reach_a_collector_by_otlp(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, start, world, good_row
) -> None:
    endpoint = f"http://127.0.0.1:{collector.server_address[1]}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    tracing = tracing_of("flight-delay", {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    world.release((1, 1.0))
    client = start(world)
    client.app = App(replace(client.app.service, tracing=tracing))
    client.predict(good_row, traceparent=PARENT)
    tracing.close()

    [sent] = collector.requests
    [resource] = sent.resource_spans
    spans = {span.name: span for scope in resource.scope_spans for span in scope.spans}
    assert set(spans) == {"POST /predict", "queue", "features", "model"}
    assert spans["POST /predict"].parent_span_id == SPAN.to_bytes(8, "big")


def test_a_collector_that_is_away_delays_neither_a_request_nor_the_end_for_long(
    monkeypatch: pytest.MonkeyPatch, start, world
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    tracing = tracing_of("x", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})
    client = start(world)
    client.app = App(replace(client.app.service, tracing=tracing))
    answered = client.get("/livez").status
    begun = time.monotonic()
    tracing.close()

    assert answered == 200
    assert time.monotonic() - begun < 10
