"""A reference of the inference protocol behind sockets: HTTP/1.1 and gRPC on loopback, each on a port of its own."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from inference_reference import Answer, Reference, Refused

from mlsystem_runtime.serve.conformance.calls import raw
from mlsystem_runtime.serve.conformance.protobuf import CONTENTS, METHODS, SERVICE, messages

Call = Callable[[Any, grpc.ServicerContext], Any]
STATUSES: Mapping[int, grpc.StatusCode] = {404: grpc.StatusCode.NOT_FOUND}


@dataclass(frozen=True)
class Address:
    url: str
    grpc: str


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that break off are part of the suite; anything else is a slip of the reference."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def serving(
    reference: Reference, service: type[Service] | None = None, handler: type[Handler] | None = None
) -> Iterator[Address]:
    bound = type("Bound", (handler or Handler,), {"reference": reference})
    http = Server(("127.0.0.1", 0), bound)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    with ThreadPoolExecutor(8) as pool:
        rpc = grpc.server(pool)
        rpc.add_generic_rpc_handlers([(service or Service)(reference).handler()])
        port = rpc.add_insecure_port("127.0.0.1:0")
        rpc.start()
        try:
            yield Address(f"http://127.0.0.1:{http.server_address[1]}", f"127.0.0.1:{port}")
        finally:
            rpc.stop(None).wait()
            http.shutdown()
            http.server_close()


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 around a reference. `framing_status` answers bodies whose end cannot be told."""

    reference: Reference
    framing_status = 400
    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = True

    def answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            answer = self.reference.rest(self.command, self.path, headers, self.body())
        except Refused as refused:
            self.close_connection = True
            answer = self.reference.error(refused.status, str(refused))
        except ConnectionError:
            self.close_connection = True
            return
        with contextlib.suppress(ConnectionError):
            self.send(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

    def body(self) -> bytes:
        """Raises ConnectionError where the client goes away in the middle of it."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(self.chunks())
        lengths = self.lengths()
        if len(set(lengths)) > 1 or not lengths[0].isdecimal():
            raise Refused(self.framing_status, f"Content-Length is {lengths}")
        body = self.rfile.read(int(lengths[0]))
        if len(body) < int(lengths[0]):
            raise ConnectionError("the body is cut")
        return body

    def lengths(self) -> list[str]:
        return self.headers.get_all("Content-Length", ["0"])

    def chunks(self) -> Iterator[bytes]:
        size = -1
        while size:
            try:
                size = int(self.rfile.readline(), 16)
            except ValueError as error:
                raise Refused(self.framing_status, f"a chunk is broken: {error}") from error
            yield self.rfile.read(size)
            self.rfile.readline()

    def send(self, answer: Answer) -> None:
        """Headers and body leave together: two small segments would wait for each other."""
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        head = b"".join(self._headers_buffer) + b"\r\n"
        self._headers_buffer = []
        self.wfile.write(head + (b"" if self.command == "HEAD" else answer.body))

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Service:
    """The six calls, each on the methods of the reference that answer REST."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference

    def handler(self) -> Any:
        made = messages()
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                self.guarded(getattr(self, name)), made[request].FromString, made[response].SerializeToString
            )
            for name, (request, response) in METHODS.items()
        }
        return grpc.method_handlers_generic_handler(SERVICE, handlers)

    def guarded(self, call: Call) -> Call:
        def answered(request: Any, context: grpc.ServicerContext) -> Any:
            try:
                return call(request, context)
            except Refused as refused:
                context.abort(STATUSES.get(refused.status, grpc.StatusCode.INVALID_ARGUMENT), str(refused))

        return answered

    def ServerLive(self, _request: Any, _context: Any) -> Any:
        return messages()["ServerLiveResponse"](live=True)

    def ServerReady(self, _request: Any, _context: Any) -> Any:
        return messages()["ServerReadyResponse"](ready=True)

    def ModelReady(self, request: Any, _context: Any) -> Any:
        self.reference.find(request.name, request.version or None)
        return messages()["ModelReadyResponse"](ready=True)

    def ServerMetadata(self, _request: Any, _context: Any) -> Any:
        return messages()["ServerMetadataResponse"](**self.reference.server())

    def ModelMetadata(self, request: Any, _context: Any) -> Any:
        self.reference.find(request.name, request.version or None)
        return messages()["ModelMetadataResponse"](**self.reference.model.described())

    def ModelInfer(self, request: Any, _context: Any) -> Any:
        reference, version = self.reference, request.model_version or None
        reference.find(request.model_name, version)
        plain = {"inputs": self.inputs(request), "outputs": [{"name": one.name} for one in request.outputs]}
        found = reference.infer(plain, version)
        answer = messages()["ModelInferResponse"](
            model_name=found.model.name, model_version=found.version or "", id=request.id
        )
        datatypes = {one.name: one.datatype for one in reference.model.outputs}
        for name, array in found.outputs.items():
            answer.outputs.add(name=name, datatype=datatypes[name], shape=array.shape)
            answer.raw_output_contents.append(raw(array, datatypes[name]))
        return answer

    def inputs(self, request: Any) -> list[dict[str, Any]]:
        packed = self.packed(request)
        found = []
        for number, one in enumerate(request.inputs):
            declared = self.reference.declared(one.name, one.datatype, tuple(one.shape))
            array = (
                self.reference.from_json(declared, self.typed(one), tuple(one.shape)) if packed is None
                else self.reference.from_bytes(declared, packed[number], tuple(one.shape))
            )  # fmt: skip
            found.append({"name": one.name, "array": array})
        return found

    def packed(self, request: Any) -> list[bytes] | None:
        packed = list(request.raw_input_contents)
        if packed and any(one.HasField("contents") for one in request.inputs):
            raise Refused(400, "contents are raw and typed")
        if packed and len(packed) != len(request.inputs):
            raise Refused(400, f"{len(packed)} raw contents for {len(request.inputs)} inputs")
        return packed or None

    def typed(self, one: Any) -> list[Any]:
        """The values of the field that belongs to the datatype; others must be empty."""
        fields = [field.name for field, _ in one.contents.ListFields()]
        if fields != [CONTENTS.get(one.datatype)]:
            raise Refused(400, f"the contents of '{one.name}' are in {fields}")
        values = list(getattr(one.contents, fields[0]))
        try:
            return [value.decode() for value in values] if one.datatype == "BYTES" else values
        except UnicodeDecodeError as error:
            raise Refused(400, f"'{one.name}' is no text: {error}") from error
