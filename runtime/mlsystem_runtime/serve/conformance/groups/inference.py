"""Inference in JSON: what a right request is answered with."""

from __future__ import annotations

import json

from mlsystem_runtime.serve.conformance.answers import inference, refused, values
from mlsystem_runtime.serve.conformance.datatypes import FLOATS
from mlsystem_runtime.serve.conformance.places import (
    ERRORS,
    JSON,
    PARAMETERS,
    REQUEST,
    REQUEST_INPUT,
    REQUEST_OUTPUT,
    RESPONSE,
    RESPONSE_OUTPUT,
    TENSOR_DATA,
)
from mlsystem_runtime.serve.conformance.table import Group, expect, only_if
from mlsystem_runtime.serve.conformance.target import Body, Target, same_outputs

GROUP = Group("inference", "Inference in JSON")
MANY = 64


@GROUP.must(RESPONSE)
def model_name(target: Target) -> None:
    """An answer names the model that gave it."""
    name = inference(target.infer(target.request())).model_name
    expect(name == target.model.name, f"model_name is {name!r}")


@GROUP.must(RESPONSE)
def content_type(target: Target) -> None:
    """An answer in JSON is sent as application/json."""
    kind = target.infer(target.request()).headers.get("content-type", "")
    expect(kind.partition(";")[0].strip() == "application/json", f"Content-Type is {kind!r}")


@GROUP.must(REQUEST)
def all_outputs(target: Target) -> None:
    """A request that names no outputs gets all that the metadata lists, each once."""
    names = [one.name for one in inference(target.infer(target.request())).outputs]
    expect(sorted(names) == sorted(one.name for one in target.model.outputs), f"outputs are {names}")


@GROUP.must(RESPONSE_OUTPUT)
def output_datatypes(target: Target) -> None:
    """An output has the datatype that the metadata gives it."""
    declared = {one.name: one.datatype for one in target.model.outputs}
    for one in inference(target.infer(target.request())).outputs:
        expect(one.datatype == declared.get(one.name), f"{one.name} is {one.datatype}, not {declared.get(one.name)}")


@GROUP.must(RESPONSE_OUTPUT)
def output_shapes(target: Target) -> None:
    """An output has the shape that the metadata gives it, -1 being any size."""
    declared = {one.name: one.shape for one in target.model.outputs}
    for one in inference(target.infer(target.request())).outputs:
        wanted = declared.get(one.name, ())
        fits = len(wanted) == len(one.shape) and all(a in (-1, b) for a, b in zip(wanted, one.shape, strict=True))
        expect(fits, f"shape of {one.name} is {list(one.shape)}, declared {list(wanted)}")


@GROUP.must(RESPONSE_OUTPUT)
def output_data(target: Target) -> None:
    """The data of an output are as many values of its datatype as its shape needs."""
    values(target.infer(target.request()))


@GROUP.must(REQUEST)
def id_comes_back(target: Target) -> None:
    """The id of a request comes back in its answer."""
    for one in ("42", "a-b_c.d", "x" * 200):
        found = inference(target.infer(target.request() | {"id": one})).id
        expect(found == one, f"id {one!r} comes back as {found!r}")


@GROUP.must(REQUEST)
def id_in_any_script(target: Target) -> None:
    """An id comes back character by character, in any script, with quotes and backslashes."""
    one = 'é 漢字 "quoted" \\ \t 😀'
    found = inference(target.infer(target.request() | {"id": one})).id
    expect(found == one, f"id {one!r} comes back as {found!r}")


@GROUP.must(REQUEST)
def id_is_not_kept(target: Target) -> None:
    """An id belongs to its request alone: the next one, without an id, does not get it."""
    inference(target.infer(target.request() | {"id": "not-yours"}))
    expect(inference(target.infer(target.request())).id != "not-yours", "the id of an earlier request comes back")


@GROUP.must(REQUEST)
def one_output(target: Target) -> None:
    """A request that names an output gets that one alone."""
    for one in target.model.outputs:
        found = values(target.infer(target.request() | {"outputs": [{"name": one.name}]}))
        same_outputs(found, {one.name: target.expected()[one.name]})


@GROUP.must(REQUEST)
def every_output_by_name(target: Target) -> None:
    """A request that names all outputs gets all of them."""
    target.answers_as_plain(target.infer(target.request() | {"outputs": named(target)}))


@GROUP.should(REQUEST)
def outputs_in_order(target: Target) -> None:
    """Outputs come in the order in which they are asked for."""
    only_if(len(target.model.outputs) > 1, "the model has one output")
    wanted = named(target)[::-1]
    found = inference(target.infer(target.request() | {"outputs": wanted})).outputs
    expect([one.name for one in found] == [one["name"] for one in wanted], f"order is {[one.name for one in found]}")


@GROUP.must(ERRORS)
def unknown_output(target: Target) -> None:
    """An output that the model does not have is an error, 4xx."""
    refused(target.infer(target.request() | {"outputs": [{"name": "no-such-output"}]}))


@GROUP.should(REQUEST_OUTPUT)
def output_twice(target: Target) -> None:
    """An output that is asked for twice is an error, 4xx, or comes once."""
    reply = target.infer(target.request() | {"outputs": named(target)[:1] * 2})
    if reply.status == 200:
        expect(len(inference(reply).outputs) == 1, "it comes twice")
    else:
        refused(reply)


@GROUP.must(REQUEST_INPUT)
def several_rows(target: Target) -> None:
    """Where the first dimension is free, a request of three rows gets outputs of three rows."""
    for name, array in values(target.infer(target.request(3))).items():
        expect(array.shape[:1] == (3,), f"shape of {name} is {list(array.shape)}")


@GROUP.should(REQUEST_INPUT)
def rows_do_not_mix(target: Target) -> None:
    """A row is answered in company as it is alone, and in its place."""
    together = values(target.infer(target.request(3)))
    for row in range(3):
        same_outputs({name: array[row : row + 1] for name, array in together.items()}, target.expected(1, row))


@GROUP.must(REQUEST_INPUT)
def many_rows(target: Target) -> None:
    """A request of 64 rows gets outputs of 64 rows."""
    for name, array in values(target.infer(target.request(MANY))).items():
        expect(array.shape[:1] == (MANY,), f"shape of {name} is {list(array.shape)}")


@GROUP.should(REQUEST_INPUT)
def no_rows(target: Target) -> None:
    """A request of no rows gets outputs of no rows, or is an error, 4xx."""
    only_if(target.batched, "the model does not take several rows")
    request = target.request()
    for one in request["inputs"]:
        one |= {"shape": [0, *one["shape"][1:]], "data": []}
    reply = target.infer(request)
    if reply.status == 200:
        expect(all(array.size == 0 for array in values(reply).values()), "there are values without a row")
    else:
        refused(reply)


@GROUP.must(TENSOR_DATA)
def nested_data(target: Target) -> None:
    """Data may be nested as its shape is, and mean the same as one list row by row."""
    target.answers_as_plain(target.infer(nested(target)))


@GROUP.must(TENSOR_DATA)
def nested_rows(target: Target) -> None:
    """Data of several rows, nested, mean the same as one list row by row."""
    target.answers_as_plain(target.infer(nested(target, 3)), 3)


@GROUP.must(REQUEST)
def order_of_inputs(target: Target) -> None:
    """Inputs are told apart by their names; their order means nothing."""
    only_if(len(target.model.inputs) > 1, "the model has one input")
    request = target.request()
    target.answers_as_plain(target.infer({"inputs": request["inputs"][::-1]}))


@GROUP.must(JSON)
def order_of_members(target: Target) -> None:
    """The order of the members of an object means nothing."""
    request = target.request()
    request["inputs"] = [dict(reversed(one.items())) for one in request["inputs"]]
    target.answers_as_plain(target.infer(request))


@GROUP.must(JSON)
def white_space(target: Target) -> None:
    """White space between tokens means nothing."""
    body = "\r\n\t " + json.dumps(target.request(), indent=4, separators=(" , ", " : ")) + " \n"
    target.answers_as_plain(target.infer(body.encode()))


@GROUP.must(JSON)
def escaped_members(target: Target) -> None:
    """A character of a JSON string means the same when it is written as an escape of six."""
    body = json.dumps(target.request()).replace('"inputs"', '"\\u0069nputs"').replace('"name"', '"n\\u0061me"')
    target.answers_as_plain(target.infer(body.encode()))


@GROUP.must(JSON)
def exponents(target: Target) -> None:
    """A number with an exponent is the number that it is."""
    number = target.index(FLOATS)
    request = target.request()
    texts = [f"{value * 10:.6f}E-1" for value in request["inputs"][number]["data"]]
    request["inputs"][number]["data"] = "HERE"
    body = json.dumps(request).replace('"HERE"', f"[{', '.join(texts)}]")
    target.answers_as_plain(target.infer(body.encode()))


@GROUP.must(TENSOR_DATA)
def whole_numbers_as_floats(target: Target) -> None:
    """A value of a float type may be written without a fraction: 1 is 1.0."""
    number = target.index(FLOATS)
    zeros = [0] * len(target.request()["inputs"][number]["data"])
    written = values(target.infer(target.changed(number, data=zeros)))
    same_outputs(written, values(target.infer(target.changed(number, data=[0.0 for _ in zeros]))))


@GROUP.should(REQUEST)
def unknown_members(target: Target) -> None:
    """A member that the protocol does not have is ignored, so that later clients go on working."""
    target.answers_as_plain(target.infer(target.request() | {"no_such_member": {"a": [1]}}))


@GROUP.should(REQUEST_INPUT)
def unknown_members_of_an_input(target: Target) -> None:
    """A member that an input does not have is ignored."""
    target.answers_as_plain(target.infer(target.changed(no_such_member=True)))


@GROUP.must(PARAMETERS)
def no_parameters(target: Target) -> None:
    """Parameters may be empty, of a request, an input and an output."""
    request = target.changed(parameters={}) | {"parameters": {}}
    request["outputs"] = [one | {"parameters": {}} for one in named(target)]
    target.answers_as_plain(target.infer(request))


@GROUP.should(PARAMETERS)
def unknown_parameters(target: Target) -> None:
    """Parameters that a server does not know (a string, a number, a boolean) change nothing."""
    unknown = {"my_text": "a", "my_number": 3, "my_switch": True}
    target.answers_as_plain(target.infer(target.changed(parameters=unknown) | {"parameters": unknown}))


@GROUP.must(RESPONSE)
def asked_twice(target: Target) -> None:
    """The same request gets the same answer again."""
    first = target.expected()
    for _ in range(3):
        same_outputs(values(target.infer(target.request())), first)


@GROUP.must(RESPONSE)
def another_row_is_another(target: Target) -> None:
    """A request with another row is not answered with what an earlier one got."""
    only_if(target.batched, "there is one request only")
    for row in (0, 1, 2, 1, 0):
        same_outputs(values(target.infer(target.request(1, row))), target.expected(1, row))


def named(target: Target) -> list[Body]:
    return [{"name": one.name} for one in target.model.outputs]


def nested(target: Target, rows: int = 1) -> Body:
    tensors, request = target.tensors(rows), target.request(rows)
    for one in request["inputs"]:
        one["data"] = tensors[one["name"]].tolist()
    return request
