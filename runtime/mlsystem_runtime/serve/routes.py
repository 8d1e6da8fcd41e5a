"""Which path is answered by what."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from mlsystem_runtime.contract.names import LIVE, READY
from mlsystem_runtime.contract.run import Endpoint
from mlsystem_runtime.serve.call import Call, begin
from mlsystem_runtime.serve.exposition import OPEN, PLAIN
from mlsystem_runtime.serve.feedback import feedback_handler
from mlsystem_runtime.serve.http import HTML, Answered, Request, Response, json_response, seconds_allowed
from mlsystem_runtime.serve.oip.models import Models
from mlsystem_runtime.serve.oip.routes import METHODS, ROOT, Rest
from mlsystem_runtime.serve.openapi import openapi
from mlsystem_runtime.serve.page import page
from mlsystem_runtime.serve.predict import Answer, Predictor
from mlsystem_runtime.serve.refused import RefusedError
from mlsystem_runtime.serve.service import Service
from mlsystem_runtime.serve.slots import CONNECTIONS, RESTARTS, State

Handler = Callable[[Request], Response | Awaitable[Response]]
Methods = Mapping[str, Handler]


@dataclass(frozen=True)
class Routes:
    """`exact`: path → method → handler. `prefixes`: what answers below a path, where no exact one does."""

    exact: Mapping[str, Methods]
    prefixes: Mapping[str, Methods]

    def find(self, method: str, path: str) -> Handler:
        """HEAD is GET; the server leaves the body out. Raises RefusedError: 404 and 405 where nothing answers."""
        methods = self.exact.get(path) or self._below(path)
        if methods is None:
            raise RefusedError(404, f"nothing answers at {path}; see /docs")
        handler = methods.get("GET" if method == "HEAD" else method)
        if handler is None:
            allowed = ", ".join(methods)
            raise RefusedError(405, f"{path} answers {allowed} only", allow=allowed)
        return handler

    def pattern(self, path: str) -> str:
        """What of these answers there; "" where nothing does. There are few of them, whatever clients ask for."""
        if path in self.exact:
            return path
        return next((f"{prefix}*" for prefix in self.prefixes if path.startswith(prefix)), "")

    def _below(self, path: str) -> Methods | None:
        return next((methods for prefix, methods in self.prefixes.items() if path.startswith(prefix)), None)


def routes(service: Service) -> Routes:
    exact: dict[str, Methods] = {
        LIVE: get(alive),
        "/healthz": get(alive),
        READY: get(lambda: readiness(service)),
        "/metrics": {"GET": lambda request: metrics(service, request)},
        "/status": get(lambda: json_response(200, status(service))),
        "/openapi.json": get(lambda: json_response(200, document(service))),
        "/docs": get(lambda: Response(200, page(service.system, service.endpoints, service.board).encode(), HTML)),
    }
    for predictor in service.predictors:
        for route in predictor.endpoint.routes:
            exact[route] = {"POST": predict_handler(predictor)}
    for feedback in service.feedback:
        exact.update({path: {"POST": feedback_handler(feedback)} for path in feedback.endpoint.feedback})
    rest = dict.fromkeys(METHODS, Rest(Models(service)))
    return Routes({**exact, ROOT: rest}, {f"{ROOT}/": rest})


def paths(endpoint: Endpoint) -> tuple[str, ...]:
    """Those by which its model is asked."""
    return *endpoint.routes, f"{ROOT}/models/{endpoint.model}/infer"


def get(answer: Callable[[], Response]) -> Methods:
    return {"GET": lambda _: answer()}


def metrics(service: Service, request: Request) -> Response:
    """Of all workers, in the format that is asked for."""
    openmetrics = b"application/openmetrics-text" in request.headers.get(b"accept", b"")
    return Response(200, service.metrics.text(openmetrics), OPEN if openmetrics else PLAIN)


def alive() -> Response:
    return json_response(200, {"status": "alive"})


def readiness(service: Service) -> Response:
    """200 where requests may be sent: every model is loaded in all workers that accept connections, and the server was
    not told to stop."""
    if service.drain.begun:
        return json_response(503, {"status": "draining", "waiting_for": []})
    waiting = service.waiting_for
    ready = not waiting and all(slot.state is not State.WAITING for slot in service.fleet.others)
    return json_response(200 if ready else 503, {"status": "ready" if ready else "waiting", "waiting_for": waiting})


def status(service: Service) -> dict[str, Any]:
    now_us = service.clock.now_us()
    return {
        "models": {
            name: {
                "shares": [{"version": share.version, "share": share.share} for share in released.release.shares],
                "loaded": sorted(released.versions),
            }
            for name, released in service.board.models.items()
        },
        "clock": {"kind": service.kind, "us": now_us, "at": None if now_us is None else iso(now_us)},
        "release_serial": service.board.serial,
        "workers": [worker(service, number) for number in range(len(service.fleet.slots))],
    }


def worker(service: Service, number: int) -> dict[str, Any]:
    """`pid` is None while it does not run. Connections are counted where several workers share them."""
    slot = service.fleet.slots[number]
    state = service.state if slot is service.fleet.own else slot.state
    said = state.name.lower() if slot.pid else "absent"
    return {
        "worker": number, "pid": slot.pid or None, "state": said, "restarts": int(slot.values[RESTARTS]),
        "connections": None if service.fleet.parent is None else int(slot.values[CONNECTIONS]),
    }


def iso(at_us: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)).isoformat().replace("+00:00", "Z")


def document(service: Service) -> dict[str, Any]:
    return openapi(service.system, service.kind, service.endpoints, service.board)


def predict_handler(predictor: Predictor) -> Handler:
    model = predictor.endpoint.model

    def handler(request: Request) -> Awaitable[Response]:
        call = call_of(request, predictor.budget())
        write = partial(written, request, call)
        return predictor.begin(request.body, call, write) or slowly(request, call, write)

    async def slowly(request: Request, call: Call, write: Callable[[Answer], Response]) -> Response:
        return write(await predictor.answer_body(request.body, call))

    def written(request: Request, call: Call, answer: Answer) -> Response:
        timing = server_timing(call) if b"x-server-timing" in request.headers else None
        return json_response(200, {
            "predictions": answer.predictions, "model": model, "version": answer.version, "request_id": request.id,
        }, timing, Answered(model, answer.version, call))

    return handler


def call_of(request: Request, budget: float) -> Call:
    """`budget`: seconds within which the SLO wants an answer. Raises RefusedError where the client's own is no time."""
    return begin(request.id, request.started, budget, seconds_allowed(request.headers), departed=request.departed)


def server_timing(call: Call) -> dict[bytes, bytes]:
    """What a request waited for, in milliseconds, as the header Server-Timing says it."""
    marks = (("queue", call.taken), ("features", call.assembled), ("model", call.predicted))
    told, before = [], call.started
    for name, mark in marks:
        told.append(f"{name};dur={(mark - before) * 1e3:.3f}")
        before = mark
    told.append(f"total;dur={(time.monotonic() - call.started) * 1e3:.3f}")
    return {b"server-timing": ", ".join(told).encode()}
