"""One question in every form: JSON, bytes and gRPC must agree, in what they answer and in what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlsystem_runtime.serve.conformance.answers import inference, refused, values
from mlsystem_runtime.serve.conformance.groups import grpc_calls
from mlsystem_runtime.serve.conformance.groups.binary import takes_bytes
from mlsystem_runtime.serve.conformance.groups.grpc_calls import answers_as_plain, calls_of
from mlsystem_runtime.serve.conformance.groups.grpc_refused import INVALID
from mlsystem_runtime.serve.conformance.groups.inference import nested
from mlsystem_runtime.serve.conformance.places import BINARY, GRPC_INFER, GRPC_SERVICE, RESPONSE, TENSOR_DATA
from mlsystem_runtime.serve.conformance.sample import ROWS
from mlsystem_runtime.serve.conformance.table import Group, expect, only_if
from mlsystem_runtime.serve.conformance.target import Target, as_binary, ask_binary, same_outputs

GROUP = Group("agreement", "All forms agree")

def of_another_kind(datatype: str) -> str:
    return "FP64" if datatype == "BYTES" else "BYTES"


WRONG: tuple[tuple[str, Callable[[Target], dict[str, Any]]], ...] = (
    ("another datatype", lambda target: {"datatype": of_another_kind(target.model.inputs[0].datatype)}),
    ("a dimension below zero", lambda target: {"shape": [-1, *target.request()["inputs"][0]["shape"][1:]]}),
    ("a dimension too many", lambda target: {"shape": [*target.request()["inputs"][0]["shape"], 7]}),
    ("a shape that is too large", lambda target: {"shape": [7, *target.request()["inputs"][0]["shape"][1:]]}),
    ("an unknown name", lambda _: {"name": "no-such-input"}),
)


def every_row(target: Target) -> range:
    return range(ROWS if target.batched else 1)


@GROUP.must(TENSOR_DATA)
def flat_and_nested(target: Target) -> None:
    """Flat and nested data of sixteen rows are answered alike."""
    rows = ROWS if target.batched else 1
    target.answers_as_plain(target.infer(nested(target, rows)), rows)


@GROUP.must(BINARY)
def json_and_bytes_row_by_row(target: Target) -> None:
    """Every row is answered alike as JSON and as bytes."""
    takes_bytes(target)
    for row in every_row(target):
        target.answers_as_plain(ask_binary(target, *as_binary(target, 1, row)), 1, row)


@GROUP.must(BINARY)
def json_and_bytes_together(target: Target) -> None:
    """Sixteen rows at once are answered alike as JSON and as bytes, in and out."""
    rows = ROWS if takes_bytes(target).batched else 1
    request, parts = as_binary(target, rows)
    target.answers_as_plain(ask_binary(target, request | {"parameters": {"binary_data_output": True}}, parts), rows)


@GROUP.must(GRPC_INFER)
def json_and_raw(target: Target) -> None:
    """Every row is answered alike as JSON and as raw contents."""
    for row in every_row(target):
        answers_as_plain(target, grpc_calls.request(target, 1, row), 1, row)


@GROUP.must(GRPC_INFER)
def json_and_typed(target: Target) -> None:
    """Every row is answered alike as JSON and as typed contents."""
    for row in every_row(target):
        answers_as_plain(target, grpc_calls.request(target, 1, row, packed=False), 1, row)


@GROUP.must(GRPC_INFER)
def all_forms_of_many_rows(target: Target) -> None:
    """Sixteen rows at once are answered alike as JSON, as raw and as typed contents."""
    rows = ROWS if target.batched else 1
    for packed in (True, False):
        answers_as_plain(target, grpc_calls.request(target, rows, packed=packed), rows)


@GROUP.must(RESPONSE)
def versions_agree(target: Target) -> None:
    """The version in answers over REST and over gRPC is one that both metadata list."""
    listed = grpc_calls.call(target, "ModelMetadata", name=target.model.name).versions
    answer = inference(target.infer(target.request()))
    only_if(answer.model_version is not None, "answers name no version")
    expect(answer.model_version in list(listed) or not listed, f"{answer.model_version} is not in {list(listed)}")


@GROUP.must(BINARY)
def bytes_refuse_what_json_refuses(target: Target) -> None:
    """What is wrong in JSON is wrong in bytes: datatype, shape and name."""
    takes_bytes(target)
    only_if(bool(target.model.inputs), "the model has no inputs")
    for what, change in WRONG:
        refused(target.infer(target.changed(**change(target))))
        request, parts = as_binary(target)
        request["inputs"][0] |= change(target)
        reply = ask_binary(target, request, parts)
        expect(reply.status != 200, f"{what} is refused in JSON and answered in bytes")
        refused(reply)


@GROUP.must(GRPC_INFER)
def grpc_refuses_what_json_refuses(target: Target) -> None:
    """What is wrong in JSON is INVALID_ARGUMENT over gRPC: datatype, shape and name."""
    calls = calls_of(target)
    only_if(bool(target.model.inputs), "the model has no inputs")
    for what, change in WRONG:
        made, changed = grpc_calls.request(target), change(target)
        for member, value in changed.items():
            if member == "shape":
                made.inputs[0].shape[:] = value
            else:
                setattr(made.inputs[0], member, value)
        found = calls.call("ModelInfer", made)
        expect(found.status in INVALID, f"{what} is refused in JSON, and {found.status} over gRPC")


@GROUP.must(GRPC_SERVICE)
def readiness_agrees(target: Target) -> None:
    """REST and gRPC say the same about readiness."""
    over_http = target.http.ask("GET", f"{target.path}/ready").status == 200
    over_grpc = grpc_calls.call(target, "ModelReady", name=target.model.name).ready
    expect(over_http == over_grpc, f"REST says {over_http}, gRPC {over_grpc}")


@GROUP.must(RESPONSE)
def alone_after_all(target: Target) -> None:
    """After the whole suite a plain request is answered as it was before it."""
    same_outputs(values(target.infer(target.request())), target.expected())
