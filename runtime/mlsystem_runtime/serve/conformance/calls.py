"""The six calls of the protocol's gRPC service. Imported only where there is something to call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import text_format

from mlsystem_runtime.serve.conformance.answers import is_element
from mlsystem_runtime.serve.conformance.datatypes import Array, array_of, from_bytes, to_bytes
from mlsystem_runtime.serve.conformance.protobuf import CONTENTS, METHODS, SERVICE, messages
from mlsystem_runtime.serve.conformance.table import Violation, expect
from mlsystem_runtime.serve.conformance.wire import Trail, short

Message = Any


@dataclass(frozen=True)
class Result:
    """`status` is the name of the code; `message` is None unless that is OK."""

    status: str
    reason: str
    message: Message


@dataclass(frozen=True)
class Calls:
    """A channel to a server. `metadata` goes with every call."""

    channel: grpc.Channel
    metadata: Sequence[tuple[str, str]]
    timeout: float
    trail: Trail

    @classmethod
    def to(
        cls, address: str, headers: Mapping[str, str], timeout: float, trail: Trail, tls: bool = False,
        trusted: bytes | None = None,
    ) -> Calls:  # fmt: skip
        """With `tls` the channel is encrypted; `trusted` are certificates in PEM, in place of those of the system."""
        metadata = [(name.lower(), value) for name, value in headers.items()]
        made = grpc.secure_channel(address, grpc.ssl_channel_credentials(trusted)) if tls else None
        return cls(made or grpc.insecure_channel(address), metadata, timeout, trail)

    def call(
        self, method: str, request: Message | bytes, timeout: float | None = None,
        metadata: Sequence[tuple[str, str]] = (), compressed: bool = False,
    ) -> Result:  # fmt: skip
        """One call to its end, whichever that is."""
        compression = grpc.Compression.Gzip if compressed else None
        try:
            found = self.stub(method)(
                request, timeout=self.timeout if timeout is None else timeout,
                metadata=[*self.metadata, *metadata], compression=compression,
            )  # fmt: skip
        except grpc.RpcError as error:
            result = Result(error.code().name, error.details() or "", None)
        else:
            result = Result("OK", "", found)
        self.noted(method, request, result)
        return result

    def stub(self, method: str) -> Any:
        response = messages().get(METHODS[method][1] if method in METHODS else "ServerLiveResponse")
        assert response is not None
        return self.channel.unary_unary(f"/{SERVICE}/{method}", _serialized, response.FromString)

    def noted(self, method: str, request: Message | bytes, result: Result) -> None:
        text = repr(request) if isinstance(request, bytes) else text_format.MessageToString(request, as_one_line=True)
        answer = text_format.MessageToString(result.message, as_one_line=True) if result.message is not None else ""
        self.trail.note(short(f"{method} {text}".encode()), f"{result.status} {result.reason}{short(answer.encode())}")

    def close(self) -> None:
        self.channel.close()


def _serialized(request: Message | bytes) -> bytes:
    return request if isinstance(request, bytes) else bytes(request.SerializeToString())


def succeeded(result: Result) -> Message:
    expect(result.status == "OK", f"expected OK, got {result.status}: {result.reason}")
    return result.message


def failed(result: Result, *statuses: str) -> None:
    """With one of these codes, and a reason."""
    expect(result.status in statuses, f"expected {' or '.join(statuses)}, got {result.status}")
    expect(bool(result.reason.strip()), "the status has no message")


def typed(array: Array, datatype: str) -> Message:
    """InferTensorContents with these values. Raises KeyError for a datatype that is raw only."""
    values = [str(one).encode() if datatype == "BYTES" else one for one in array.ravel().tolist()]
    return messages()["InferTensorContents"](**{CONTENTS[datatype]: values})


def raw(array: Array, datatype: str) -> bytes:
    return to_bytes(datatype, array)


def outputs(message: Message) -> dict[str, Array]:
    """The outputs of an answer by name, raw or typed; all of it is accounted for."""
    packed = list(message.raw_output_contents)
    expect(len(packed) in (0, len(message.outputs)), f"{len(packed)} raw contents for {len(message.outputs)} outputs")
    found: dict[str, Array] = {}
    for number, one in enumerate(message.outputs):
        expect(one.name not in found, f"output {one.name} is in the answer twice")
        try:
            found[one.name] = _output(one, packed[number] if packed else None)
        except (ValueError, OverflowError, KeyError) as error:
            raise Violation(f"contents of output {one.name} are not of its shape and datatype: {error}") from error
    return found


def _output(one: Message, packed: bytes | None) -> Array:
    if packed is not None:
        expect(not one.contents.ListFields(), f"output {one.name} has raw and typed contents")
        return from_bytes(one.datatype, packed, one.shape)
    held = list(getattr(one.contents, CONTENTS[one.datatype]))
    values = [value.decode() for value in held] if one.datatype == "BYTES" else held
    expect(all(is_element(one.datatype, value) for value in values), f"contents of {one.name} are no {one.datatype}")
    return array_of(one.datatype, values, tuple(one.shape))
