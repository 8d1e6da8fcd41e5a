"""Tensors as bytes that do not fit: refused with a reason, whatever the sizes claim."""

from __future__ import annotations

import json
from typing import Any

from mlsystem_runtime.serve.conformance.answers import inference, refused
from mlsystem_runtime.serve.conformance.datatypes import framed, from_bytes
from mlsystem_runtime.serve.conformance.groups.binary import takes_bytes
from mlsystem_runtime.serve.conformance.groups.tensors import same_or_refused
from mlsystem_runtime.serve.conformance.places import BINARY, DATATYPES
from mlsystem_runtime.serve.conformance.table import Group, expect, only_if
from mlsystem_runtime.serve.conformance.target import Target, as_binary, ask_binary

SAME_SIZE = {"FP32": "INT32", "INT32": "FP32", "FP64": "INT64"}
GROUP = Group("bytes-refused", "Bytes that are refused")


def refuses_length(target: Target, *lengths: str) -> None:
    """The plain request as bytes with another Inference-Header-Content-Length."""
    request, parts = as_binary(takes_bytes(target))
    for length in lengths:
        refused(ask_binary(target, request, parts, length=length))


def refuses_size(target: Target, number: int, size: Any) -> None:
    """The plain request as bytes with another binary_data_size of one input."""
    request, parts = as_binary(takes_bytes(target))
    request["inputs"][number]["parameters"]["binary_data_size"] = size
    refused(ask_binary(target, request, parts))


def refuses_part(target: Target, number: int, data: bytes) -> None:
    """The plain request with other bytes of one input, whose size is told right."""
    request, parts = as_binary(takes_bytes(target))
    request["inputs"][number]["parameters"]["binary_data_size"] = len(data)
    refused(ask_binary(target, request, [*parts[:number], data, *parts[number + 1 :]]))


def every(target: Target) -> range:
    only_if(bool(takes_bytes(target).model.inputs), "the model has no inputs")
    return range(len(target.model.inputs))


@GROUP.must(BINARY)
def header_beyond_the_body(target: Target) -> None:
    """A length of the JSON beyond the end of the body is refused."""
    refuses_length(target, "1000000", str(2**31), str(2**63), str(2**64 + 10), "9" * 50)


@GROUP.must(BINARY)
def header_that_is_no_number(target: Target) -> None:
    """A length of the JSON that is no number is refused."""
    refuses_length(target, "many", "0x40", "1.5", "1 2")


@GROUP.must(BINARY)
def negative_header(target: Target) -> None:
    """A length of the JSON below zero is refused."""
    refuses_length(target, "-1", "-1000")


@GROUP.must(BINARY)
def header_of_zero(target: Target) -> None:
    """A length of the JSON of zero is refused: nothing says what the bytes are."""
    refuses_length(target, "0")


@GROUP.must(BINARY)
def header_inside_the_json(target: Target) -> None:
    """A length that cuts the JSON is refused."""
    size = len(json.dumps(as_binary(takes_bytes(target))[0]))
    refuses_length(target, "1", str(size // 2), str(size - 1))


@GROUP.must(BINARY)
def header_inside_the_bytes(target: Target) -> None:
    """A length that reaches into the bytes is refused."""
    size = len(json.dumps(as_binary(takes_bytes(target))[0]))
    refuses_length(target, str(size + 1))


@GROUP.must(BINARY)
def without_the_header(target: Target) -> None:
    """Bytes behind the JSON without the header that tells them apart are refused."""
    request, parts = as_binary(takes_bytes(target))
    refused(ask_binary(target, request, parts, length=""))


@GROUP.must(BINARY)
def cut_bytes(target: Target) -> None:
    """Fewer bytes than all sizes say together are refused."""
    request, parts = as_binary(takes_bytes(target))
    for kept in (len(parts[-1]) - 1, 0):
        refused(ask_binary(target, request, [*parts[:-1], parts[-1][:kept]]))


@GROUP.must(BINARY)
def no_bytes(target: Target) -> None:
    """Sizes without any bytes behind the JSON are refused."""
    refused(ask_binary(target, as_binary(takes_bytes(target))[0], []))


@GROUP.must(BINARY)
def bytes_left_over(target: Target) -> None:
    """More bytes than all sizes say together are refused."""
    request, parts = as_binary(takes_bytes(target))
    refused(ask_binary(target, request, [*parts, b"\0"]))


@GROUP.must(BINARY)
def size_below_the_shape(target: Target) -> None:
    """An input with fewer bytes than its shape and datatype need is refused."""
    for number in every(target):
        data = as_binary(target)[1][number]
        refuses_part(target, number, data[: len(data) - 1])
        refuses_part(target, number, b"")


@GROUP.must(BINARY)
def size_above_the_shape(target: Target) -> None:
    """An input with more bytes than its shape and datatype need is refused."""
    for number in every(target):
        data = as_binary(target)[1][number]
        refuses_part(target, number, data + data)
        refuses_part(target, number, data + b"\0")


@GROUP.must(BINARY)
def shape_above_the_bytes(target: Target) -> None:
    """A shape that needs more values than there are bytes is refused, also one of 2^60."""
    request, parts = as_binary(takes_bytes(target))
    shape = request["inputs"][0]["shape"]
    for rows in (2, 2**31, 2**60):
        request["inputs"][0]["shape"] = [rows, *shape[1:]]
        refused(ask_binary(target, request, parts))


@GROUP.must(BINARY)
def negative_shape_of_bytes(target: Target) -> None:
    """A dimension below zero is refused with bytes as it is with JSON."""
    request, parts = as_binary(takes_bytes(target))
    request["inputs"][0]["shape"] = [-1, *request["inputs"][0]["shape"][1:]]
    refused(ask_binary(target, request, parts))


@GROUP.must(BINARY)
def size_that_is_no_number(target: Target) -> None:
    """A binary_data_size that is no whole number is refused."""
    for size in ("4", 4.5, None, True, [4]):
        refuses_size(target, 0, size)


@GROUP.must(BINARY)
def negative_size(target: Target) -> None:
    """A binary_data_size below zero is refused."""
    refuses_size(target, 0, -1)
    refuses_size(target, 0, -(2**63))


@GROUP.must(BINARY)
def huge_size(target: Target) -> None:
    """A binary_data_size of 2^31 and more is refused at once."""
    for power in (31, 32, 62, 63, 64):
        refuses_size(target, 0, 2**power)


@GROUP.must(BINARY)
def sizes_that_swap(target: Target) -> None:
    """Sizes that are right together and wrong each are refused."""
    only_if(len(takes_bytes(target).model.inputs) > 1, "the model has one input")
    request, parts = as_binary(target)
    request["inputs"][0]["parameters"]["binary_data_size"] += 1
    request["inputs"][1]["parameters"]["binary_data_size"] -= 1
    refused(ask_binary(target, request, parts))


@GROUP.must(BINARY)
def data_and_bytes(target: Target) -> None:
    """An input with both data and bytes is refused: which of both counts?"""
    request, parts = as_binary(takes_bytes(target))
    request["inputs"][0]["data"] = target.request()["inputs"][0]["data"]
    refused(ask_binary(target, request, parts))


@GROUP.must(BINARY)
def another_datatype_of_bytes(target: Target) -> None:
    """Bytes of another datatype are never read as those of the declared one: refused, or answered as in JSON."""
    for number in every(target):
        declared = target.model.inputs[number].datatype
        other = SAME_SIZE.get(declared, "FP64")
        request, parts = as_binary(target)
        request["inputs"][number]["datatype"] = other
        reply = ask_binary(target, request, parts)
        if reply.status == 200 and declared in SAME_SIZE:
            numbers = from_bytes(other, parts[number], request["inputs"][number]["shape"])
            same_or_refused(reply, target.infer(target.changed(number, datatype=other, data=numbers.ravel().tolist())))
        else:
            refused(reply)


@GROUP.should(BINARY)
def output_switch_of_another_kind(target: Target) -> None:
    """binary_data_output and binary_data that are no booleans are refused."""
    request = takes_bytes(target).request()
    others: tuple[Any, ...] = ("yes", 1, None, [])
    for value in others:
        refused(target.infer(request | {"parameters": {"binary_data_output": value}}))
        output = {"name": target.model.outputs[0].name, "parameters": {"binary_data": value}}
        refused(target.infer(request | {"outputs": [output]}))


def first_text(target: Target) -> int:
    return takes_bytes(target).index(("BYTES",))


def texts(target: Target) -> int:
    """How many elements the input of BYTES has."""
    number = first_text(target)
    return int(target.tensors()[target.model.inputs[number].name].size)


@GROUP.must(DATATYPES)
def length_beyond_the_end(target: Target) -> None:
    """An element of BYTES whose length reaches beyond the end is refused."""
    number, count = first_text(target), texts(target)
    for length in (2, 1000, 2**31, 2**32 - 1):
        refuses_part(target, number, framed(b"a") * (count - 1) + length.to_bytes(4, "little") + b"a")


@GROUP.must(DATATYPES)
def cut_length(target: Target) -> None:
    """An element of BYTES whose length itself is cut is refused."""
    number, count = first_text(target), texts(target)
    refuses_part(target, number, framed(b"a") * (count - 1) + b"\1\0\0")


@GROUP.must(DATATYPES)
def an_element_too_few(target: Target) -> None:
    """BYTES with an element fewer than the shape needs are refused."""
    refuses_part(target, first_text(target), framed(b"a") * (texts(target) - 1))


@GROUP.must(DATATYPES)
def an_element_too_many(target: Target) -> None:
    """BYTES with an element more than the shape needs are refused."""
    refuses_part(target, first_text(target), framed(b"a") * (texts(target) + 1))


@GROUP.must(DATATYPES)
def bytes_that_are_no_text(target: Target) -> None:
    """An element of BYTES may be any bytes: a model answers or refuses them, and that is no server error."""
    request, parts = as_binary(takes_bytes(target))
    number, count = first_text(target), texts(target)
    parts[number] = framed(b"\xff\xfe\x00") * count
    request["inputs"][number]["parameters"]["binary_data_size"] = len(parts[number])
    reply = ask_binary(target, request, parts)
    if reply.status == 200:
        inference(reply)
    else:
        refused(reply)


@GROUP.must(DATATYPES)
def a_byte_that_is_no_boolean(target: Target) -> None:
    """A BOOL of another byte than 0 or 1 is refused, or true; it is no server error."""
    request, parts = as_binary(takes_bytes(target))
    number = target.index(("BOOL",))
    parts[number] = b"\2" * len(parts[number])
    status = ask_binary(target, request, parts).status
    expect(status == 200 or 400 <= status < 500, f"expected 200 or 4xx, got {status}")
