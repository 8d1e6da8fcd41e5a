"""Calls over gRPC that are wrong: a status that says so, never INTERNAL or UNKNOWN, and never an answer."""

from __future__ import annotations

from typing import Any

from mlsystem_runtime.serve.conformance.datatypes import INTEGERS, bounds
from mlsystem_runtime.serve.conformance.groups.grpc_calls import answers_as_plain, calls_of, message, request
from mlsystem_runtime.serve.conformance.places import GRPC_CONTENTS, GRPC_INFER, GRPC_RAW, GRPC_SERVICE, GRPC_STATUS
from mlsystem_runtime.serve.conformance.table import Group, expect, only_if
from mlsystem_runtime.serve.conformance.target import Target

GROUP = Group("grpc-refused", "gRPC calls that are refused")
INVALID = ("INVALID_ARGUMENT", "OUT_OF_RANGE")
SMALL = ("INT8", "INT16", "UINT8", "UINT16")


def refuses(target: Target, made: Any, *statuses: str) -> None:
    from mlsystem_runtime.serve.conformance.calls import failed  # lazy, with grpc

    failed(calls_of(target).call("ModelInfer", made), *(statuses or INVALID))


@GROUP.must(GRPC_STATUS)
def unknown_model(target: Target) -> None:
    """An inference by a model that the server does not have is NOT_FOUND."""
    made = request(target)
    made.model_name = "no-such-model"
    refuses(target, made, "NOT_FOUND")


@GROUP.must(GRPC_STATUS)
def unknown_version(target: Target) -> None:
    """An inference by a version that the model does not have is NOT_FOUND, or INVALID_ARGUMENT."""
    for version in ("987654321", "no-version"):
        made = request(target)
        made.model_version = version
        refuses(target, made, "NOT_FOUND", "INVALID_ARGUMENT")


@GROUP.must(GRPC_SERVICE)
def unknown_model_metadata(target: Target) -> None:
    """Metadata of a model that the server does not have are NOT_FOUND."""
    from mlsystem_runtime.serve.conformance.calls import failed  # lazy, with grpc

    failed(calls_of(target).call("ModelMetadata", message("ModelMetadataRequest", name="no-such-model")), "NOT_FOUND")


@GROUP.must(GRPC_STATUS)
def unknown_method(target: Target) -> None:
    """A method that the service does not have is UNIMPLEMENTED."""
    found = calls_of(target).call("NoSuchMethod", b"")
    expect(found.status == "UNIMPLEMENTED", f"expected UNIMPLEMENTED, got {found.status}")


@GROUP.must(GRPC_INFER)
def empty_request(target: Target) -> None:
    """A request with nothing in it is INVALID_ARGUMENT or NOT_FOUND."""
    refuses(target, message("ModelInferRequest"), *INVALID, "NOT_FOUND")


@GROUP.must(GRPC_INFER)
def no_inputs(target: Target) -> None:
    """A request without inputs is refused by a model that has some."""
    only_if(bool(target.model.inputs), "the model has no inputs")
    refuses(target, message("ModelInferRequest", model_name=target.model.name))


@GROUP.must(GRPC_RAW)
def raw_and_typed(target: Target) -> None:
    """Raw and typed contents in one request are refused: which of both count?"""
    made = request(target, packed=False)
    made.raw_input_contents.extend(request(target).raw_input_contents)
    refuses(target, made)


@GROUP.must(GRPC_RAW)
def number_of_raw_contents(target: Target) -> None:
    """Raw contents that are fewer or more than the inputs are refused."""
    made = request(target)
    made.raw_input_contents.append(b"")
    refuses(target, made)
    made = request(target)
    del made.raw_input_contents[-1]
    refuses(target, made)


@GROUP.must(GRPC_RAW)
def size_of_raw_contents(target: Target) -> None:
    """Raw contents of another size than shape and datatype need are refused."""
    for number, data in enumerate(request(target).raw_input_contents):
        for other in (data[:-1], b"", data + b"\0", data + data):
            made = request(target)
            made.raw_input_contents[number] = other
            refuses(target, made)


@GROUP.must(GRPC_CONTENTS)
def number_of_values(target: Target) -> None:
    """Fewer or more typed values than the shape needs are refused."""
    for number in range(len(target.model.inputs)):
        for kept in (lambda values: values[1:], lambda values: [*values, values[0]]):
            made = request(target, packed=False)
            [(field, values)] = made.inputs[number].contents.ListFields()
            getattr(made.inputs[number].contents, field.name)[:] = kept(list(values))
            refuses(target, made)


@GROUP.must(GRPC_CONTENTS)
def no_contents(target: Target) -> None:
    """Inputs with neither raw nor typed contents are refused."""
    made = request(target, packed=False)
    for one in made.inputs:
        one.ClearField("contents")
    refuses(target, made)


def fill_wrongly(tensor: Any, datatype: str, count: int) -> None:
    """Numbers in place of strings, strings in place of all else."""
    tensor.ClearField("contents")
    if datatype == "BYTES":
        tensor.contents.int64_contents.extend([1] * count)
    else:
        tensor.contents.bytes_contents.extend([b"1"] * count)


@GROUP.must(GRPC_CONTENTS)
def values_of_another_type(target: Target) -> None:
    """Values in the field of another datatype are refused."""
    for number, one in enumerate(target.model.inputs):
        made = request(target, packed=False)
        fill_wrongly(made.inputs[number], one.datatype, int(target.tensors()[one.name].size))
        refuses(target, made)


@GROUP.must(GRPC_CONTENTS)
def values_beyond_a_small_type(target: Target) -> None:
    """A value of int_contents that an INT8 or INT16 does not hold is refused, never wrapped; so for UINT8, UINT16."""
    made, number = request(target, packed=False), target.index(SMALL)
    datatype = target.model.inputs[number].datatype
    field = made.inputs[number].contents
    held = field.int_contents if datatype in ("INT8", "INT16") else field.uint_contents
    held[0] = bounds(datatype)[1] + 1
    refuses(target, made)


@GROUP.must(GRPC_INFER)
def another_kind_of_datatype(target: Target) -> None:
    """Strings are refused where the metadata has numbers or booleans, and numbers where it has strings."""
    for number, one in enumerate(target.model.inputs):
        made = request(target, packed=False)
        made.inputs[number].datatype = "INT64" if one.datatype == "BYTES" else "BYTES"
        fill_wrongly(made.inputs[number], one.datatype, int(target.tensors()[one.name].size))
        refuses(target, made)


@GROUP.must(GRPC_INFER)
def unknown_datatype(target: Target) -> None:
    """A datatype that the protocol does not have is refused."""
    for datatype in ("FP33", ""):
        made = request(target)
        made.inputs[0].datatype = datatype
        refuses(target, made)


@GROUP.must(GRPC_INFER)
def wrong_shapes(target: Target) -> None:
    """A shape that the contents do not fill, or with a dimension below zero, is refused; also one of 2^60."""
    plain = list(request(target).inputs[0].shape)
    for size in (7, -1, 2**31, 2**60, -(2**63)):
        made = request(target)
        made.inputs[0].shape[:] = [size, *plain[1:]]
        refuses(target, made)


@GROUP.must(GRPC_INFER)
def shape_that_wraps(target: Target) -> None:
    """Dimensions whose product is 0 in 64 bits, and is not, are refused."""
    made = request(target)
    made.inputs[0].shape[:] = [2**32, 2**32]
    made.raw_input_contents[0] = b""
    refuses(target, made)


@GROUP.must(GRPC_INFER)
def another_rank(target: Target) -> None:
    """A tensor with a dimension more than the metadata gives the input is refused if it holds more then."""
    for number in range(len(target.model.inputs)):
        made = request(target)
        made.inputs[number].shape.append(2)
        made.raw_input_contents[number] *= 2
        refuses(target, made)


@GROUP.must(GRPC_INFER)
def unknown_input(target: Target) -> None:
    """An input under a name that the model does not have is refused."""
    made = request(target)
    made.inputs[0].name = "no-such-input"
    refuses(target, made)


@GROUP.must(GRPC_INFER)
def input_twice(target: Target) -> None:
    """An input that is given twice is refused."""
    made = request(target)
    made.inputs.append(made.inputs[0])
    made.raw_input_contents.append(made.raw_input_contents[0])
    refuses(target, made)


@GROUP.must(GRPC_INFER)
def one_is_missing(target: Target) -> None:
    """A request without an input is refused, unless that one is optional; not all are."""
    only_if(len(target.model.inputs) > 1, "the model has one input")
    statuses = set()
    for number in range(len(target.model.inputs)):
        made = request(target)
        del made.inputs[number], made.raw_input_contents[number]
        statuses.add(calls_of(target).call("ModelInfer", made).status)
    expect(statuses <= {"OK", *INVALID} and statuses != {"OK"}, f"statuses are {sorted(statuses)}")


@GROUP.must(GRPC_INFER)
def unknown_output(target: Target) -> None:
    """An output that the model does not have is refused."""
    made = request(target)
    made.outputs.append(message("InferRequestedOutputTensor", name="no-such-output"))
    refuses(target, made, *INVALID, "NOT_FOUND")


@GROUP.must(GRPC_RAW)
def broken_bytes(target: Target) -> None:
    """Raw BYTES whose lengths reach beyond the end, or leave something over, are refused."""
    number = target.index(("BYTES",))
    data = request(target).raw_input_contents[number]
    for other in (b"\xff\xff\xff\xff" + data[4:], data + b"\1\0\0\0", data[:3]):
        made = request(target)
        made.raw_input_contents[number] = other
        refuses(target, made)


@GROUP.must(GRPC_STATUS)
def no_message(target: Target) -> None:
    """Bytes that are no message are an error, and the next call is answered."""
    found = calls_of(target).call("ModelInfer", b"\xff\xff\xff\xff")
    expect(found.status != "OK", "they are answered")
    answers_as_plain(target, request(target))


@GROUP.must(GRPC_STATUS)
def no_time(target: Target) -> None:
    """Calls whose deadline is too near are DEADLINE_EXCEEDED, refused as UNAVAILABLE, or answered in time; the next one
    is answered."""
    for _ in range(10):
        found = calls_of(target).call("ModelInfer", request(target), timeout=0.001)
        honest = ("DEADLINE_EXCEEDED", "UNAVAILABLE", "OK")
        expect(found.status in honest, f"expected DEADLINE_EXCEEDED, got {found.status}")
    answers_as_plain(target, request(target))


@GROUP.must(GRPC_STATUS)
def cancelled(target: Target) -> None:
    """Calls that are cancelled harm nobody."""
    stub, made = calls_of(target).stub("ModelInfer"), request(target)
    for _ in range(10):
        stub.future(made, timeout=10.0, metadata=calls_of(target).metadata).cancel()
    answers_as_plain(target, request(target))


@GROUP.must(GRPC_INFER)
def wrapped_never(target: Target) -> None:
    """An integer tensor declared 32 bits or fewer is not taken from 64-bit values."""
    small = [one for one in INTEGERS if bounds(one)[1] < 2**40]
    number = target.index(small)
    made = request(target, packed=False)
    count = int(target.tensors()[target.model.inputs[number].name].size)
    made.inputs[number].ClearField("contents")
    made.inputs[number].contents.int64_contents.extend([2**40] * count)
    refuses(target, made)
