"""OpenTelemetry traces, where the environment names a collector; elsewhere nothing of it is even imported.

OTEL_EXPORTER_OTLP_ENDPOINT (or …_TRACES_ENDPOINT), OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG mean what they mean
everywhere. Whether a request is sampled is decided before anything is made for it, and spans are made from the times
that the request has anyway, once it is answered; another thread exports them.
"""

from __future__ import annotations

import logging
import random
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsystem_runtime.serve.http import Headers, Request, Response

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
SAMPLER, SAMPLER_ARGUMENT = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
PARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
SAMPLED = 1
CLOSING_SECONDS = 3.0    # then what a collector that is away has not taken is lost

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sampling:
    """`share` of the requests that come without a decision; with one, `follows` says whether it holds."""

    share: float
    follows: bool


@dataclass(frozen=True)
class Origin:
    """The span that a request was sent in; both None where it begins a trace."""

    trace: int | None = None
    span: int | None = None


BEGINS = Origin()


class Tracing:
    def __init__(self, system: str, exporter: SpanExporter, sampling: Sampling) -> None:
        from opentelemetry.sdk.resources import Resource  # lazy, like all of it: only where there is a collector
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        resource = Resource.create({"service.name": system})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("mlsystem_runtime.serve")
        self._sampling = sampling

    def sampled(self, headers: Headers) -> Origin | None:
        """None where nothing is to be told of this request."""
        given = headers.get(b"traceparent")
        parent = None if given is None else PARENT.fullmatch(given)
        if parent is None:
            return BEGINS if random.random() < self._sampling.share else None
        decided = int(parent[3], 16) & SAMPLED if self._sampling.follows else random.random() < self._sampling.share
        return Origin(int(parent[1], 16), int(parent[2], 16)) if decided else None

    def add(self, request: Request, pattern: str, response: Response) -> None:
        """A request that was answered just now."""
        origin = self.sampled(request.headers)
        if origin is not None:
            self._spans(origin, request, pattern, response)

    def close(self) -> None:
        """Exports what waits, and waits for that for CLOSING_SECONDS at most."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSING_SECONDS)

    def _spans(self, origin: Origin, request: Request, pattern: str, response: Response) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode  # lazy

        offset_ns = time.time_ns() - time.monotonic_ns()
        span = self._tracer.start_span(
            f"{request.method} {pattern}".rstrip(), parent_context(origin), SpanKind.SERVER,
            attributes_of(request, pattern, response), start_time=wall_ns(request.started, offset_ns),
        )
        if response.status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        self._parts(span, request, response, offset_ns)
        span.end(time.monotonic_ns() + offset_ns)

    def _parts(self, span: Span, request: Request, response: Response, offset_ns: int) -> None:
        """What the request waited for, one after the other."""
        from opentelemetry.trace import set_span_in_context  # lazy

        if response.answered is None:
            return
        call, before, inside = response.answered.call, request.started, set_span_in_context(span)
        for name, mark in (("queue", call.taken), ("features", call.assembled), ("model", call.predicted)):
            if mark >= before:
                part = self._tracer.start_span(name, inside, start_time=wall_ns(before, offset_ns))
                part.end(wall_ns(mark, offset_ns))
                before = mark


def parent_context(origin: Origin) -> Context:
    """Never the one of this thread, which belongs to no request."""
    from opentelemetry.context import Context  # lazy
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    if origin.trace is None or origin.span is None:
        return Context()
    sent_in = SpanContext(origin.trace, origin.span, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(sent_in), Context())


def attributes_of(request: Request, pattern: str, response: Response) -> dict[str, Any]:
    """OpenTelemetry's names for HTTP, and ours."""
    told: dict[str, Any] = {
        "http.request.method": request.method, "http.route": pattern, "http.response.status_code": response.status,
        "mlsystem.request_id": request.id,
    }
    if response.answered is not None:
        told["mlsystem.model"] = response.answered.model
        if response.answered.version is not None:
            told["mlsystem.version"] = response.answered.version
    return told


def wall_ns(monotonic: float, offset_ns: int) -> int:
    return int(monotonic * 1e9) + offset_ns


def tracing_of(system: str, environ: Mapping[str, str]) -> Tracing | None:
    """None where the environment names no collector, or what it needs is not installed, which is said."""
    if not any(environ.get(name) for name in ENDPOINTS) or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # lazy
    except ImportError:
        logger.warning("a collector of traces is named, but to send them there needs `pip install 'mlsystem[tracing]'`")
        return None
    return Tracing(environ.get("OTEL_SERVICE_NAME") or system, OTLPSpanExporter(), sampling_of(environ))


def sampling_of(environ: Mapping[str, str]) -> Sampling:
    """OpenTelemetry's names of samplers; what is not one of them counts as its default, as the specification wants."""
    shares = {"always_on": 1.0, "always_off": 0.0, "traceidratio": share_of(environ.get(SAMPLER_ARGUMENT, ""))}
    name = environ.get(SAMPLER, "").lower()
    return Sampling(shares.get(name.removeprefix("parentbased_"), 1.0), follows=name not in shares)


def share_of(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 1.0
