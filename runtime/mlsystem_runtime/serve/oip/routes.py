"""The protocol's paths. Every refusal is an object with `error`, and what is wrong with a request is 400."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlsystem_runtime.serve.call import begin
from mlsystem_runtime.serve.http import Request, Response, json_response, seconds_allowed
from mlsystem_runtime.serve.oip.models import Models, answered, counted
from mlsystem_runtime.serve.oip.rest import decode, encode, refusal
from mlsystem_runtime.serve.refused import RefusedError

ROOT = "/v2"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")     # a path says itself which it answers
INDEX = ("repository", "index")


class Rest:
    """Answers every path at and below ROOT."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._whole: dict[tuple[str, ...], Callable[[], Response]] = {
            (): lambda: json_response(200, models.server_metadata()),
            ("health", "live"): lambda: json_response(200, {"live": True}),
            ("health", "ready"): lambda: readiness({}, models.ready()),
        }

    async def __call__(self, request: Request) -> Response:
        parts = tuple(filter(None, request.path.removeprefix(ROOT).split("/")))
        try:
            match parts:
                case ("models", name, "versions", number, *rest):
                    return await self._model(request, name, number, tuple(rest))
                case ("models", name, *rest):
                    return await self._model(request, name, "", tuple(rest))
                case _:
                    return self._server(request, parts)
        except RefusedError as refused:
            return refusal(refused)

    def _server(self, request: Request, parts: tuple[str, ...]) -> Response:
        if parts == INDEX:
            expect(request, "POST")
            return json_response(200, self._models.index())
        if parts not in self._whole:
            raise nothing(request)
        expect(request, "GET")
        return self._whole[parts]()

    async def _model(self, request: Request, name: str, number: str, rest: tuple[str, ...]) -> Response:
        if rest == ("infer",):
            expect(request, "POST")
            return await self._infer(request, name, number)
        if rest not in ((), ("ready",)):
            raise nothing(request)
        expect(request, "GET")
        if rest:
            return readiness({"name": name}, self._models.model_ready(name, number))
        return json_response(200, self._models.metadata(name, number))

    async def _infer(self, request: Request, name: str, number: str) -> Response:
        predictor = self._models.predictor(name)
        with counted(predictor):
            call = begin(request.id, request.started, predictor.budget(), seconds_allowed(request.headers),
                         departed=request.departed)
            asked = decode(request.body, request.headers)
        answer = await self._models.infer(name, number, asked, call)
        return encode(answer, asked, answered(answer, call))


def expect(request: Request, method: str) -> None:
    if ("GET" if request.method == "HEAD" else request.method) != method:
        raise RefusedError(405, f"{request.path} answers {method} only", allow=method)


def nothing(request: Request) -> RefusedError:
    return RefusedError(404, f"nothing answers at {request.path}; see /docs")


def readiness(named: dict[str, Any], ready: bool) -> Response:
    if ready:
        return json_response(200, {**named, "ready": True})
    return json_response(503, {**named, "ready": False, "error": "not ready"})
