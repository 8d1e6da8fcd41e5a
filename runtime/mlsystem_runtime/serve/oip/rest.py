"""The protocol over HTTP: from a body and its headers to a request, and from an answer to a body.

Tensor data stands in the JSON, or, by the extension for binary data, behind it: then a header says how long the JSON
is, and each tensor how many of the bytes behind are its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from mlsystem_runtime.serve.http import Answered, Response
from mlsystem_runtime.serve.oip.datatypes import DATATYPES, Datatype, datatype, from_bytes, from_json, to_bytes
from mlsystem_runtime.serve.oip.tensors import InferAnswer, InferRequest, Tensor, Wanted, bad, row_count
from mlsystem_runtime.serve.refused import RefusedError

HEADER = b"inference-header-content-length"
BINARY = b"application/octet-stream"
Given = dict[str, bool | int | float | str]


class InputBody(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    parameters: Given | None = None
    data: list[Any] | msgspec.UnsetType = msgspec.UNSET


class OutputBody(msgspec.Struct):
    name: str
    parameters: Given | None = None


class Body(msgspec.Struct):
    inputs: list[InputBody]
    id: str | None = None
    parameters: Given | None = None
    outputs: list[OutputBody] | None = None


DECODER = msgspec.json.Decoder(Body)


def decode(data: bytes, headers: Mapping[bytes, bytes]) -> InferRequest:
    """Raises RefusedError (400) for whatever is wrong with it, whichever model it is for."""
    head, rest = _parts(data, headers)
    try:
        body = DECODER.decode(head)
    except (ValueError, RecursionError) as error:
        raise bad(f"the body is not an inference request: {error}") from error
    parameters = body.parameters or {}
    return InferRequest(
        id=body.id or "",
        parameters=parameters,
        inputs=_inputs(body.inputs, rest),
        outputs=None if not body.outputs else tuple(_wanted(one) for one in body.outputs),
        binary=_flag("binary_data_output", parameters) or False,
    )


def _parts(data: bytes, headers: Mapping[bytes, bytes]) -> tuple[memoryview, memoryview | None]:
    """The JSON and what stands behind it; None where the request does not use the extension."""
    length, whole = headers.get(HEADER), memoryview(data)
    if length is None:
        return whole, None
    if not length.isdigit() or len(length) > 10 or int(length) > len(data):
        raise bad(f"the header Inference-Header-Content-Length must be a number of bytes, at most {len(data)}")
    return whole[: int(length)], whole[int(length) :]


def _inputs(inputs: Sequence[InputBody], rest: memoryview | None) -> tuple[Tensor, ...]:
    tensors = []
    for one in inputs:
        try:
            kind, size = datatype(one.datatype), _size(one)
            if size is None:
                tensors.append(_tensor(one, from_json(kind, _elements(one))))
                continue
            if rest is None or size > len(rest):
                raise ValueError(f"has {size} bytes of data, of which {0 if rest is None else len(rest)} are there")
            tensors.append(_binary(one, kind, rest[:size]))
            rest = rest[size:]
        except ValueError as error:
            raise bad(str(error), one.name) from error
    if rest:
        raise bad(f"{len(rest)} bytes behind the JSON belong to no input")
    return tuple(tensors)


def _size(one: InputBody) -> int | None:
    """The bytes of an input that has binary data. Raises ValueError unless it has data in one way."""
    size = (one.parameters or {}).get("binary_data_size")
    if (size is None) == (one.data is msgspec.UNSET):
        raise ValueError("must have 'data' or the parameter 'binary_data_size', one of the two")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
        raise ValueError("has a 'binary_data_size' that is no number of bytes")
    return size


def _elements(one: InputBody) -> list[Any]:
    """The data, flat or nested as its shape is. Raises ValueError where their sizes differ."""
    assert isinstance(one.data, list)
    rows, data = row_count(one.name, one.shape), one.data
    if len(one.shape) == 2 and data and all(isinstance(row, list) and len(row) == 1 for row in data):
        data = [row[0] for row in data]
    if len(data) != rows:
        raise ValueError(f"has {len(data)} elements, but its shape needs {rows}")
    return data


def _tensor(one: InputBody, elements: Sequence[Any]) -> Tensor:
    return Tensor(one.name, one.datatype, tuple(one.shape), elements)


def _binary(one: InputBody, kind: Datatype, data: memoryview) -> Tensor:
    return _tensor(one, from_bytes(kind, data, row_count(one.name, one.shape)))


def _wanted(one: OutputBody) -> Wanted:
    return Wanted(one.name, _flag("binary_data", one.parameters or {}))


def _flag(name: str, parameters: Mapping[str, Any]) -> bool | None:
    flag = parameters.get(name)
    if flag is not None and not isinstance(flag, bool):
        raise bad(f"the parameter '{name}' must be true or false")
    return flag


def encode(answer: InferAnswer, request: InferRequest, answered: Answered | None = None) -> Response:
    """Each output as the request asks for it, in JSON or behind it."""
    said = {one.name: one.binary for one in request.outputs or ()}
    outputs, chunks = [], []
    for tensor in answer.outputs:
        binary = said.get(tensor.name)
        written: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}
        if request.binary if binary is None else binary:
            chunk = to_bytes(DATATYPES[tensor.datatype], tensor.elements)
            chunks.append(chunk)
            outputs.append({**written, "parameters": {"binary_data_size": len(chunk)}})
        else:
            outputs.append({**written, "data": tensor.elements})
    head = msgspec.json.encode({**_identity(answer), "outputs": outputs})
    if not chunks:
        return Response(200, head, answered=answered)
    return Response(200, b"".join((head, *chunks)), BINARY, {HEADER: str(len(head)).encode()}, answered)


def _identity(answer: InferAnswer) -> dict[str, str]:
    """Names that have no value are left out."""
    given = {"model_name": answer.model, "model_version": answer.version, "id": answer.id}
    return {name: value for name, value in given.items() if value}


def refusal(refused: RefusedError) -> Response:
    """An answer to it is an object with `error`."""
    body = msgspec.json.encode({"error": refused.message})
    return Response(status_of(refused), body, headers=refused.headers())


def status_of(refused: RefusedError) -> int:
    """What is wrong with a request is 400 in this protocol."""
    return 400 if refused.status == 422 else refused.status
