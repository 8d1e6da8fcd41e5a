"""The answers that the protocol promises, read strictly: whatever is of another form is a violation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from mlsystem_runtime.serve.conformance.datatypes import NUMPY, Array, array_of, flat, from_bytes
from mlsystem_runtime.serve.conformance.table import Violation, expect
from mlsystem_runtime.serve.conformance.wire import Reply

T = TypeVar("T")


class TensorMetadata(msgspec.Struct, frozen=True):
    name: str
    datatype: str
    shape: tuple[int, ...]


class ModelMetadata(msgspec.Struct, frozen=True):
    name: str
    inputs: tuple[TensorMetadata, ...]
    outputs: tuple[TensorMetadata, ...]
    platform: str | None = None
    versions: tuple[str, ...] | None = None


class ServerMetadata(msgspec.Struct, frozen=True):
    name: str
    version: str
    extensions: tuple[str, ...]


class Output(msgspec.Struct, frozen=True):
    """`data` is absent where the values follow the JSON as bytes."""

    name: str
    shape: tuple[int, ...]
    datatype: str
    parameters: dict[str, Any] | None = None
    data: list[Any] | msgspec.UnsetType = msgspec.UNSET

    @property
    def binary_size(self) -> int | None:
        size = (self.parameters or {}).get("binary_data_size")
        expect(size is None or (type(size) is int and size >= 0), f"binary_data_size of {self.name} is {size!r}")
        return None if size is None else int(size)


class Inference(msgspec.Struct, frozen=True):
    model_name: str
    outputs: tuple[Output, ...]
    model_version: str | None = None
    id: str | None = None
    parameters: dict[str, Any] | None = None


class Error(msgspec.Struct, frozen=True):
    error: str


def read(reply: Reply, form: type[T], data: bytes | None = None) -> T:
    """The body (or the part of it in `data`) as `form`."""
    try:
        return msgspec.json.decode(reply.body if data is None else data, type=form)
    except (ValueError, RecursionError) as error:
        raise Violation(f"the answer is not the promised JSON ({form.__name__}): {error}") from error


def ok(reply: Reply, form: type[T]) -> T:
    expect(reply.status == 200, f"expected 200, got {reply.status}")
    return read(reply, form)


def refused(reply: Reply, *statuses: int) -> str:
    """The reason given. The status is one of `statuses`, or any of 400 to 499."""
    wanted = " or ".join(map(str, statuses)) if statuses else "4xx"
    fits = reply.status in statuses if statuses else 400 <= reply.status < 500
    expect(fits, f"expected {wanted}, got {reply.status}")
    error = read(reply, Error).error
    expect(bool(error.strip()), "the error has no message")
    return error


def inference(reply: Reply) -> Inference:
    """The JSON part of an answer to an inference request."""
    expect(reply.status == 200, f"expected 200, got {reply.status}")
    return read(reply, Inference, reply.body[: json_length(reply)])


def json_length(reply: Reply) -> int:
    header = reply.headers.get("inference-header-content-length")
    if header is None:
        return len(reply.body)
    expect(header.isdecimal() and int(header) <= len(reply.body), f"Inference-Header-Content-Length is {header!r}")
    return int(header)


def values(reply: Reply) -> Mapping[str, Array]:
    """The outputs by name, from JSON or from the bytes behind it; all of the body is accounted for."""
    answer = inference(reply)
    rest = reply.body[json_length(reply) :]
    found = {}
    for output in answer.outputs:
        size = output.binary_size
        expect(output.name not in found, f"output {output.name} is in the answer twice")
        found[output.name] = _from_json(output) if size is None else _from_binary(output, rest[:size])
        rest = rest[size or 0 :]
    expect(not rest, f"{len(rest)} bytes of the answer belong to no output")
    return found


def _from_json(output: Output) -> Array:
    expect(isinstance(output.data, list), f"output {output.name} has neither data nor binary_data_size")
    elements = flat(output.data)
    expect(all(is_element(output.datatype, one) for one in elements), f"data of {output.name} is no {output.datatype}")
    return _array(output, elements)


def _from_binary(output: Output, data: bytes) -> Array:
    expect(output.data is msgspec.UNSET, f"output {output.name} has both data and binary_data_size")
    expect(output.datatype in NUMPY, f"{output.datatype} is no datatype of the protocol")
    try:
        return from_bytes(output.datatype, data, output.shape)
    except ValueError as error:
        raise Violation(f"the bytes of output {output.name} are not of its shape and datatype: {error}") from error


def _array(output: Output, elements: list[Any]) -> Array:
    try:
        return array_of(output.datatype, elements, output.shape)
    except (ValueError, OverflowError) as error:
        raise Violation(f"data of output {output.name} is not of its shape and datatype: {error}") from error


def is_element(datatype: str, value: object) -> bool:
    """Whether a JSON value is one of the datatype; FP types may be written as integers."""
    expect(datatype in NUMPY, f"{datatype} is no datatype of the protocol")
    if datatype == "BOOL":
        return isinstance(value, bool)
    if datatype == "BYTES":
        return isinstance(value, str)
    return isinstance(value, int if "INT" in datatype else int | float) and not isinstance(value, bool)
