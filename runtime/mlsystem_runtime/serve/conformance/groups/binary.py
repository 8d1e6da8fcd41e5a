"""Tensors as bytes behind the JSON: what a right request is answered with."""

from __future__ import annotations

import json

from mlsystem_runtime.serve.conformance.answers import inference, json_length, values
from mlsystem_runtime.serve.conformance.datatypes import to_bytes
from mlsystem_runtime.serve.conformance.places import BINARY, HTTP, REQUEST
from mlsystem_runtime.serve.conformance.table import Group, expect, only_if
from mlsystem_runtime.serve.conformance.target import EXTENSION, Body, Target, as_binary, ask_binary, same_outputs
from mlsystem_runtime.serve.conformance.wire import Reply

GROUP = Group("binary", "Tensors as bytes")


def takes_bytes(target: Target) -> Target:
    only_if(target.binary, "the server does not take tensors as bytes")
    return target


def ask(target: Target, rows: int = 1, padding: int = 0, **members: object) -> Reply:
    """The plain request of these rows with all inputs as bytes, and these members beside them."""
    request, parts = as_binary(takes_bytes(target), rows)
    return ask_binary(target, request | members, parts, padding=padding)


def ask_json(target: Target, outputs: list[Body] | None = None, **parameters: bool) -> Reply:
    """The plain request in JSON, whose outputs are asked for as bytes by these parameters or in `outputs`."""
    request = takes_bytes(target).request() | {"parameters": parameters}
    return target.infer(request if outputs is None else request | {"outputs": outputs})


def in_bytes(reply: Reply) -> set[str]:
    return {one.name for one in inference(reply).outputs if one.binary_size is not None}


def names(target: Target) -> list[str]:
    return [one.name for one in target.model.outputs]


@GROUP.should(BINARY)
def extension_is_listed(target: Target) -> None:
    """A server that takes tensors as bytes says so among its extensions: binary_tensor_data."""
    expect(EXTENSION in takes_bytes(target).server.extensions, f"extensions are {target.server.extensions}")


@GROUP.must(BINARY)
def inputs_as_bytes(target: Target) -> None:
    """Inputs as bytes are answered as the same values in JSON are."""
    target.answers_as_plain(ask(target))


@GROUP.must(BINARY)
def each_input_as_bytes(target: Target) -> None:
    """One input may be bytes while the others are JSON."""
    takes_bytes(target)
    for number, one in enumerate(target.model.inputs):
        data = to_bytes(one.datatype, target.tensors()[one.name])
        request = target.changed(number, data=..., parameters={"binary_data_size": len(data)})
        target.answers_as_plain(ask_binary(target, request, [data]))


@GROUP.must(BINARY)
def rows_as_bytes(target: Target) -> None:
    """Several rows as bytes stand row by row."""
    target.answers_as_plain(ask(target, rows=3), 3)


@GROUP.must(BINARY)
def order_of_bytes(target: Target) -> None:
    """The bytes of inputs stand in the order of the inputs in the JSON, whichever that is."""
    only_if(len(target.model.inputs) > 1, "the model has one input")
    request, parts = as_binary(takes_bytes(target))
    target.answers_as_plain(ask_binary(target, {"inputs": request["inputs"][::-1]}, parts[::-1]))


@GROUP.must(BINARY)
def bytes_at_any_place(target: Target) -> None:
    """The bytes may begin at any place of the body; JSON before them is not padded."""
    for padding in range(8):
        target.answers_as_plain(ask(target, padding=padding))


@GROUP.must(HTTP)
def header_in_small_letters(target: Target) -> None:
    """Inference-Header-Content-Length means the same in small letters."""
    request, parts = as_binary(takes_bytes(target))
    header = {"inference-header-content-length": str(len(json.dumps(request)))}
    target.answers_as_plain(ask_binary(target, request, parts, length="", headers=header))


@GROUP.must(BINARY)
def header_with_json_alone(target: Target) -> None:
    """A body that is all JSON may say so in Inference-Header-Content-Length."""
    request = takes_bytes(target).request()
    target.answers_as_plain(ask_binary(target, request, []))


@GROUP.must(REQUEST)
def id_beside_bytes(target: Target) -> None:
    """The id comes back beside tensors as bytes too."""
    found = inference(ask(target, id="beside-bytes", parameters={"binary_data_output": True})).id
    expect(found == "beside-bytes", f"it comes back as {found!r}")


@GROUP.must(BINARY)
def json_by_default(target: Target) -> None:
    """Outputs come as JSON where nobody asks for bytes, also if the inputs were bytes."""
    reply = ask(target)
    expect(not in_bytes(reply) and json_length(reply) == len(reply.body), "they come as bytes")


@GROUP.must(BINARY)
def all_outputs_as_bytes(target: Target) -> None:
    """binary_data_output has all outputs come as bytes, with the same values."""
    reply = ask_json(target, binary_data_output=True)
    target.answers_as_plain(reply)
    expect(in_bytes(reply) == set(names(target)), f"as bytes come {sorted(in_bytes(reply))}")


@GROUP.must(BINARY)
def one_output_as_bytes(target: Target) -> None:
    """binary_data of an output has that one come as bytes, and the others as JSON."""
    for name in names(target):
        outputs: list[Body] = [{"name": one} | ({"parameters": {"binary_data": True}} if one == name else {})
                               for one in names(target)]
        reply = ask_json(target, outputs)
        target.answers_as_plain(reply)
        expect(in_bytes(reply) == {name}, f"as bytes come {sorted(in_bytes(reply))}, not {name}")


@GROUP.must(BINARY)
def bytes_of_one_output_alone(target: Target) -> None:
    """An output that is asked for alone, as bytes, comes alone, as bytes."""
    for name in names(target):
        reply = ask_json(target, [{"name": name, "parameters": {"binary_data": True}}])
        same_outputs(values(reply), {name: target.expected()[name]})
        expect(in_bytes(reply) == {name}, "it comes as JSON")


def with_switch(target: Target, binary: bool) -> list[Body]:
    return [{"name": one, "parameters": {"binary_data": binary}} for one in names(target)]


@GROUP.must(BINARY)
def output_overrides_all(target: Target) -> None:
    """binary_data false of an output overrides binary_data_output true."""
    reply = ask_json(target, with_switch(target, False), binary_data_output=True)
    target.answers_as_plain(reply)
    expect(not in_bytes(reply), f"as bytes come {sorted(in_bytes(reply))}")


@GROUP.must(BINARY)
def output_overrides_none(target: Target) -> None:
    """binary_data true of an output overrides binary_data_output false."""
    reply = ask_json(target, with_switch(target, True), binary_data_output=False)
    target.answers_as_plain(reply)
    expect(in_bytes(reply) == set(names(target)), f"as bytes come {sorted(in_bytes(reply))}")


@GROUP.must(BINARY)
def all_but_one_said(target: Target) -> None:
    """An output that is named without binary_data follows binary_data_output."""
    reply = ask_json(target, [{"name": one} for one in names(target)], binary_data_output=True)
    target.answers_as_plain(reply)
    expect(in_bytes(reply) == set(names(target)), f"as bytes come {sorted(in_bytes(reply))}")


@GROUP.should(BINARY)
def content_type_of_bytes(target: Target) -> None:
    """An answer with bytes in it is application/octet-stream; one in JSON is application/json."""
    kinds = [reply.headers.get("content-type", "").partition(";")[0]
             for reply in (ask_json(target, binary_data_output=True), ask(target))]
    expect(kinds == ["application/octet-stream", "application/json"], f"Content-Types are {kinds}")


@GROUP.must(BINARY)
def bytes_in_and_out(target: Target) -> None:
    """Inputs and outputs of three rows may both be bytes."""
    reply = ask(target, rows=3, parameters={"binary_data_output": True})
    target.answers_as_plain(reply, 3)
    expect(in_bytes(reply) == set(names(target)), f"as bytes come {sorted(in_bytes(reply))}")


@GROUP.must(BINARY)
def any_bits(target: Target) -> None:
    """NaN and infinity as bytes are answered or refused; that is no server error and no broken JSON."""
    takes_bytes(target)
    number = target.index(("FP16", "FP32", "FP64", "BF16"))
    request, parts = as_binary(target)
    for pattern in (b"\xff", b"\x7f"):
        size = len(parts[number])
        reply = ask_binary(target, request, [*parts[:number], pattern * size, *parts[number + 1 :]])
        if reply.status == 200:
            inference(reply)
        else:
            expect(400 <= reply.status < 500, f"expected 200 or 4xx, got {reply.status}")
