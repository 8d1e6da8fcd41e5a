"""The protocol in protobuf: from the messages of gRPC to requests, and from answers to messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlsystem_runtime.serve.oip.datatypes import (
    DATATYPES,
    Datatype,
    datatype,
    from_bytes,
    from_contents,
    to_bytes,
    to_contents,
)
from mlsystem_runtime.serve.oip.messages import MESSAGES
from mlsystem_runtime.serve.oip.tensors import InferAnswer, InferRequest, Parameters, Tensor, Wanted, bad, row_count


def decode(message: Any) -> InferRequest:
    """Of a ModelInferRequest. Tensors are raw or typed, and answered as they came.

    Raises RefusedError (400) for whatever is wrong with it, whichever model it is for.
    """
    raw = message.raw_input_contents
    if raw and len(raw) != len(message.inputs):
        raise bad(f"there are {len(raw)} raw_input_contents for {len(message.inputs)} inputs")
    return InferRequest(
        id=message.id,
        parameters=_parameters(message.parameters),
        inputs=tuple(_tensor(one, raw[place] if raw else None) for place, one in enumerate(message.inputs)),
        outputs=tuple(Wanted(one.name) for one in message.outputs) or None,
        binary=bool(raw),
    )


def _tensor(one: Any, raw: bytes | None) -> Tensor:
    try:
        kind, rows = datatype(one.datatype), row_count(one.name, one.shape)
        elements = _elements(kind, one, raw, rows)
    except ValueError as error:
        raise bad(str(error), one.name) from error
    return Tensor(one.name, one.datatype, tuple(one.shape), elements)


def _elements(kind: Datatype, one: Any, raw: bytes | None, rows: int) -> Sequence[Any]:
    if raw is not None:
        if one.HasField("contents"):
            raise ValueError("has both 'contents' and raw_input_contents")
        return from_bytes(kind, raw, rows)
    elements = from_contents(kind, one.contents)
    if len(elements) != rows:
        raise ValueError(f"has {len(elements)} elements, but its shape needs {rows}")
    return elements


def _parameters(parameters: Any) -> Parameters:
    """A parameter without a value is none."""
    chosen = ((name, value, value.WhichOneof("parameter_choice")) for name, value in parameters.items())
    return {name: getattr(value, field) for name, value, field in chosen if field is not None}


def encode(answer: InferAnswer, request: InferRequest) -> Any:
    message = MESSAGES["ModelInferResponse"](model_name=answer.model, model_version=answer.version, id=answer.id)
    for tensor in answer.outputs:
        kind = DATATYPES[tensor.datatype]
        contents = {} if request.binary else {"contents": to_contents(kind, tensor.elements)}
        message.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape, **contents)
        if request.binary:
            message.raw_output_contents.append(to_bytes(kind, tensor.elements))
    return message
