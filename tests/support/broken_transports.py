"""Servers that keep the inference protocol but for one thing in gRPC or HTTP, and some that keep hardly anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
from inference_reference import Answer, Headers, Reference, Refused
from inference_servers import Call, Handler, Service


class TakesBothContents(Service):
    """Raw contents win over typed ones."""

    def packed(self, request: Any) -> list[bytes] | None:
        packed = list(request.raw_input_contents)
        if len(packed) not in (0, len(request.inputs)):
            raise Refused(400, "there are too few raw contents")
        return packed or None


class NamesItselfDifferently(Service):
    def ServerMetadata(self, request: Any, context: Any) -> Any:
        answer = super().ServerMetadata(request, context)
        answer.version = "2.0"
        return answer


class ForgetsOutputs(Service):
    """What a call says about outputs is not looked at."""

    def ModelInfer(self, request: Any, context: Any) -> Any:
        request.ClearField("outputs")
        return super().ModelInfer(request, context)


class ReadyForAnything(Service):
    def ModelReady(self, request: Any, context: Any) -> Any:
        request.name = self.reference.model.name
        return super().ModelReady(request, context)


class AnswersAnyMethod(Service):
    def handler(self) -> Any:
        return AnyMethod(super().handler())


class AnyMethod(grpc.GenericRpcHandler):
    def __init__(self, known: grpc.GenericRpcHandler) -> None:
        self.known = known

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        return self.known.service(details) or grpc.unary_unary_rpc_method_handler(lambda *_: b"")


class ClosesEveryTime(Handler):
    """A connection ends with its first answer."""

    def send(self, answer: Answer) -> None:
        super().send(answer)
        self.close_connection = True


class FailsOnFraming(Handler):
    """Lengths and chunks that are broken are taken for a fault of the server."""

    framing_status = 500


class TakesTheLastLength(Handler):
    """Of two lengths the last counts."""

    def lengths(self) -> list[str]:
        return super().lengths()[-1:]


class ReadsNoChunks(Handler):
    def chunks(self) -> Iterator[bytes]:
        raise Refused(411, "the length is missing")


class Agreeable(Reference):
    """After the first plain answer, every inference gets that answer, whatever it says."""

    plain: Answer | None = None

    def of_model(
        self, method: str, name: str, version: str | None, rest: list[str], headers: Headers, body: bytes
    ) -> Answer:
        if rest == ["infer"] and self.plain is not None:
            return self.plain
        answer = super().of_model(method, name, version, rest, headers, body)
        if rest == ["infer"]:
            self.plain = answer
        return answer


class AgreeableService(Service):
    plain: Any = None

    def ModelInfer(self, request: Any, context: Any) -> Any:
        if self.plain is None:
            self.plain = super().ModelInfer(request, context)
        return self.plain


class FailsAlways(Reference):
    """Answers what is needed to begin, and after that nothing but 500."""

    left = 4

    def route(self, method: str, parts: list[str], headers: Headers, body: bytes) -> Answer:
        self.left -= 1
        if self.left < 0:
            raise Refused(500, "something is wrong")
        return super().route(method, parts, headers, body)


class FailingService(Service):
    def guarded(self, call: Call) -> Call:
        def fails(_request: Any, context: grpc.ServicerContext) -> Any:
            context.abort(grpc.StatusCode.INTERNAL, "something is wrong")

        return fails
