"""The protocol over gRPC: the same models and the same rules, on a port of its own in the loop of the HTTP server."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import DRAIN_SECONDS
from mlsystem_runtime.serve.call import begin
from mlsystem_runtime.serve.http import GONE, MAX_BODY, Answered, Headers, Request, Response, request_id
from mlsystem_runtime.serve.oip import wire
from mlsystem_runtime.serve.oip.messages import MESSAGES, METHODS, SERVICE
from mlsystem_runtime.serve.oip.models import Models, answered, counted
from mlsystem_runtime.serve.oip.rest import status_of
from mlsystem_runtime.serve.oip.routes import ROOT
from mlsystem_runtime.serve.refused import DepartedError, RefusedError, failed
from mlsystem_runtime.serve.service import Service

CODES: Mapping[int, grpc.StatusCode] = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
LONGEST_WORDS = 1000     # of an error: it travels in headers, whose size is limited
PATHS: Mapping[str, Callable[[Any], str]] = {
    "ServerLive": lambda _: f"{ROOT}/health/live",
    "ServerReady": lambda _: f"{ROOT}/health/ready",
    "ModelReady": lambda asked: f"{ROOT}/models/{asked.name}/ready",
    "ServerMetadata": lambda _: ROOT,
    "ModelMetadata": lambda asked: f"{ROOT}/models/{asked.name}",
    "ModelInfer": lambda asked: f"{ROOT}/models/{asked.model_name}/infer",
    "RepositoryIndex": lambda _: f"{ROOT}/repository/index",
}
"""The path over HTTP at which the same is asked, which says who may."""

Admit = Callable[[str, Headers], object]
"""Raises RefusedError for whom `headers` do not let in at a path."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listening:
    """Where to answer. `shared`: several processes answer on one port. `pem` gives the certificate and its key that
    new connections are shown; without it the port speaks plain text."""

    host: str
    port: int
    shared: bool = False
    pem: Callable[[], tuple[bytes, bytes]] | None = None


@contextlib.asynccontextmanager
async def answering(service: Service, listening: Listening, admit: Admit) -> AsyncIterator[int]:
    """Answers on that port, which it gives, while the context lasts, and on leaving finishes what was begun.

    Raises MlsystemError where the port is taken.
    """
    server = grpc.aio.server(options=(
        ("grpc.so_reuseport", int(listening.shared)), ("grpc.max_receive_message_length", MAX_BODY),
    ))
    server.add_generic_rpc_handlers((handlers(Models(service), admit, service.tell),))
    port = listen(server, listening)
    await server.start()
    logger.info("listening on grpc://%s:%d", listening.host, port)
    try:
        yield port
    finally:
        await server.stop(DRAIN_SECONDS)


def listen(server: Any, listening: Listening) -> int:
    host = f"[{listening.host}]" if ":" in listening.host else listening.host
    try:
        if listening.pem is not None:
            return int(server.add_secure_port(f"{host}:{listening.port}", credentials(listening.pem)))
        return int(server.add_insecure_port(f"{host}:{listening.port}"))
    except RuntimeError as error:
        raise MlsystemError(f"cannot listen for gRPC on {host}:{listening.port}",
                            f"another process uses it (`ss -ltnp 'sport = :{listening.port}'` names it)") from error


def credentials(pem: Callable[[], tuple[bytes, bytes]]) -> Any:
    """Asked for again at every new connection."""
    def shown() -> Any:
        certificate, key = pem()
        return grpc.ssl_server_certificate_configuration([(key, certificate)])

    return grpc.dynamic_ssl_server_credentials(shown(), shown)


Answer = Callable[[Any, Request, float | None], Awaitable[tuple[Any, Answered | None]]]
"""From a message, its call (whose path is the method) and for how many seconds its client waits."""

Tell = Callable[[Request, str, Response], None]


def handlers(models: Models, admit: Admit, tell: Tell) -> Any:
    """Of all methods. A message arrives as bytes, so that damaged ones are refused in words of ours."""
    answers = {name: at_once(name, fields, admit) for name, fields in fields_of(models).items()}
    answers["ModelInfer"] = infer(models, admit)
    return grpc.method_handlers_generic_handler(SERVICE, {
        name: grpc.unary_unary_rpc_method_handler(handler(name, answers[name], tell)) for name in METHODS
    })


def fields_of(models: Models) -> Mapping[str, Callable[[Any], Mapping[str, Any]]]:
    """The fields of each response that is there at once, from its request."""
    return {
        "ServerLive": lambda _: {"live": True},
        "ServerReady": lambda _: {"ready": models.ready()},
        "ModelReady": lambda asked: {"ready": model_ready(models, asked)},
        "ServerMetadata": lambda _: models.server_metadata(),
        "ModelMetadata": lambda asked: models.metadata(asked.name, asked.version),
        "RepositoryIndex": lambda _: {"models": models.index()},
    }


def model_ready(models: Models, asked: Any) -> bool:
    """A model or a version that is not there is not ready, which is all that clients ask for here."""
    try:
        return models.model_ready(asked.name, asked.version)
    except RefusedError:
        return False


def at_once(name: str, fields: Callable[[Any], Mapping[str, Any]], admit: Admit) -> Answer:
    async def answer(message: Any, request: Request, _: float | None) -> tuple[Any, None]:
        admit(PATHS[name](message), request.headers)
        return MESSAGES[f"{name}Response"](**fields(message)), None

    return answer


def infer(models: Models, admit: Admit) -> Answer:
    async def answer(message: Any, request: Request, allowed: float | None) -> tuple[Any, Answered]:
        predictor = models.predictor(message.model_name)
        with counted(predictor):
            admit(PATHS["ModelInfer"](message), request.headers)
            call = begin(request.id, request.started, predictor.budget(), allowed)
            asked = wire.decode(message)
        found = await models.infer(message.model_name, message.model_version, asked, call)
        return wire.encode(found, asked), answered(found, call)

    return answer


def handler(name: str, answer: Answer, tell: Tell) -> Callable[[bytes, Any], Awaitable[bytes]]:
    """Answers with what `answer` gives, or with a status. The request's id comes back in the trailers. It is told of as
    HTTP would have answered it."""
    path = f"/{SERVICE}/{name}"

    async def handle(data: bytes, call: Any) -> bytes:
        started, headers = time.monotonic(), headers_of(call)
        request, ended = Request("POST", path, request_id(headers), b"", headers, started), GONE
        call.set_trailing_metadata((("x-request-id", request.id),))
        try:
            ended = await respond(name, answer, data, request, call.time_remaining())
        except RefusedError as refused:
            ended = Response(status_of(refused), b"")
            await refuse(call, request, refused)
        except DepartedError:
            await call.abort(grpc.StatusCode.CANCELLED, "the client is gone")
        finally:
            tell(request, path, ended)
        return ended.body

    return handle


async def respond(name: str, answer: Answer, data: bytes, request: Request, allowed: float | None) -> Response:
    """Raises RefusedError, DepartedError."""
    try:
        message, about = await answer(MESSAGES[f"{name}Request"].FromString(data), request, allowed)
        return Response(200, message.SerializeToString(), answered=about)
    except DecodeError as error:
        raise RefusedError(400, f"the message is no {name}Request") from error
    except (RefusedError, DepartedError):
        raise
    except Exception as error:  # the client gets an answer, the log the reason, and the next call a living server
        logger.exception("call %s of %s failed", request.id, name)
        raise failed() from error


async def refuse(call: Any, request: Request, refused: RefusedError) -> None:
    trailers = [("x-request-id", request.id)]
    if refused.retry_after is not None:
        trailers.append(("grpc-retry-pushback-ms", f"{refused.retry_after * 1000:.0f}"))
    code = CODES.get(refused.status, grpc.StatusCode.INTERNAL)
    await call.abort(code, refused.message[:LONGEST_WORDS], tuple(trailers))


def headers_of(call: Any) -> Headers:
    """In lower case, as over HTTP."""
    return {
        key.encode(): value if isinstance(value, bytes) else value.encode()
        for key, value in call.invocation_metadata() or ()
    }
