"""Which path is answered by what."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mlsystem_runtime.contract.names import LIVE, READY
from mlsystem_runtime.serve.http import HTML, TEXT, Request, Response, json_response
from mlsystem_runtime.serve.openapi import openapi, page
from mlsystem_runtime.serve.predict import Predictor
from mlsystem_runtime.serve.refused import RefusedError
from mlsystem_runtime.serve.service import Service

Handler = Callable[[Request, float], Response]
Routes = Mapping[str, Mapping[str, Handler]]

logger = logging.getLogger(__name__)


def routes(service: Service) -> Routes:
    """Path → method → handler. A handler gets the request and the monotonic time of its first byte."""
    table: dict[str, dict[str, Handler]] = {
        LIVE: get(alive),
        "/healthz": get(alive),
        READY: get(lambda: readiness(service)),
        "/metrics": get(lambda: Response(200, service.metrics.text(), TEXT)),
        "/status": get(lambda: json_response(200, status(service))),
        "/openapi.json": get(lambda: json_response(200, document(service))),
        "/docs": get(lambda: Response(200, page(service.system, service.endpoints, service.board).encode(), HTML)),
    }
    for predictor in service.predictors:
        for route in predictor.endpoint.routes:
            table[route] = {"POST": predict_handler(service, predictor)}
    return table


def get(answer: Callable[[], Response]) -> dict[str, Handler]:
    return {"GET": lambda *_: answer()}


def dispatch(table: Routes, request: Request, started: float) -> Response:
    """404 and 405 where nothing answers. HEAD is GET; the server leaves the body out."""
    methods = table.get(request.path)
    if methods is None:
        raise RefusedError(404, f"nothing answers at {request.path}; see /docs")
    handler = methods.get("GET" if request.method == "HEAD" else request.method)
    if handler is None:
        raise RefusedError(405, f"{request.path} answers {', '.join(methods)} only")
    return handler(request, started)


def alive() -> Response:
    return json_response(200, {"status": "alive"})


def readiness(service: Service) -> Response:
    """200 where requests may be sent: every model is loaded, and the server was not told to stop."""
    if service.drain.begun:
        return json_response(503, {"status": "draining", "waiting_for": []})
    waiting = [endpoint.model for endpoint in service.endpoints if endpoint.model not in service.board.models]
    return json_response(503 if waiting else 200, {"status": "waiting" if waiting else "ready", "waiting_for": waiting})


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
    }


def iso(at_us: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)).isoformat().replace("+00:00", "Z")


def document(service: Service) -> dict[str, Any]:
    return openapi(service.system, service.kind, service.endpoints, service.board)


def predict_handler(service: Service, predictor: Predictor) -> Handler:
    """Answers, and counts how the request ended: `outcome` is one of `names.OUTCOMES`."""
    model = predictor.endpoint.model
    metrics, sli = service.metrics, service.sli[model]

    def handler(request: Request, started: float) -> Response:
        try:
            answer = predictor.answer(request.body, request.id)
        except RefusedError as refused:
            if refused.status >= 500:
                sli.add(False, 0.0)
            metrics.requests.labels(model, "", "rejected" if refused.status >= 500 else "invalid").inc()
            raise
        except Exception:
            sli.add(False, 0.0)
            metrics.requests.labels(model, "", "error").inc()
            raise
        response = json_response(200, {
            "predictions": answer.predictions, "model": model, "version": answer.version, "request_id": request.id,
        })
        seconds = time.monotonic() - started
        sli.add(True, seconds)
        metrics.latency.labels(model).observe(seconds)
        metrics.requests.labels(model, "" if answer.version is None else answer.version, "ok").inc()
        return response

    return handler
