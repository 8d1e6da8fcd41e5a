"""Bodies that are no inference request: an error of the caller with a reason, never one of the server."""

from __future__ import annotations

import json
from typing import Any

from mlsystem_runtime.serve.conformance.answers import inference, refused
from mlsystem_runtime.serve.conformance.places import ERRORS, JSON, PARAMETERS, REQUEST, REQUEST_INPUT, REQUEST_OUTPUT
from mlsystem_runtime.serve.conformance.table import Group, expect, only_if
from mlsystem_runtime.serve.conformance.target import Target

GROUP = Group("bodies", "Bodies that are refused")
DEEP = 100_000


@GROUP.must(ERRORS)
def empty_body(target: Target) -> None:
    """An empty body is refused."""
    target.refuses(b"")


@GROUP.must(ERRORS)
def cut_json(target: Target) -> None:
    """JSON that ends too early is refused."""
    body = json.dumps(target.request()).encode()
    for length in (1, len(body) // 2, len(body) - 1):
        target.refuses(body[:length])


@GROUP.must(ERRORS)
def words(target: Target) -> None:
    """A body that is not JSON at all is refused."""
    target.refuses(b"a=1&b=2")


@GROUP.must(JSON)
def more_behind(target: Target) -> None:
    """A body with something behind its JSON is refused."""
    target.refuses(json.dumps(target.request()).encode() + b"]")


@GROUP.must(JSON)
def trailing_comma(target: Target) -> None:
    """A comma too many is refused, as JSON has it."""
    target.refuses(json.dumps(target.request()).encode()[:-1] + b",}")


@GROUP.must(JSON)
def single_quotes(target: Target) -> None:
    """Python's way of writing a dictionary is no JSON and is refused."""
    target.refuses(str(target.request()).encode())


@GROUP.must(REQUEST)
def a_list(target: Target) -> None:
    """A list is no inference request."""
    target.refuses(b"[]")


@GROUP.must(REQUEST)
def null(target: Target) -> None:
    """null is no inference request."""
    target.refuses(b"null")


@GROUP.must(REQUEST)
def a_scalar(target: Target) -> None:
    """A number, a string and a boolean are no inference requests."""
    for body in (b"1", b'"inputs"', b"true"):
        target.refuses(body)


@GROUP.must(REQUEST)
def no_inputs(target: Target) -> None:
    """A request without the member inputs is refused."""
    target.refuses({"id": "1"})


@GROUP.must(REQUEST)
def empty_inputs(target: Target) -> None:
    """An empty list of inputs is refused by a model that has inputs."""
    only_if(bool(target.model.inputs), "the model has no inputs")
    target.refuses({"inputs": []})


@GROUP.must(REQUEST)
def inputs_of_another_kind(target: Target) -> None:
    """Inputs that are null, an object, a string or a number are refused."""
    for inputs in (None, {}, {"name": "a"}, "inputs", 1):
        target.refuses({"inputs": inputs})


@GROUP.must(REQUEST_INPUT)
def an_input_of_another_kind(target: Target) -> None:
    """An input that is no object is refused, beside right ones too."""
    others: tuple[Any, ...] = (None, 1, "a", [], True)
    for other in others:
        target.refuses({"inputs": [other]})
        target.refuses({"inputs": [*target.request()["inputs"], other]})


@GROUP.must(REQUEST)
def id_of_another_kind(target: Target) -> None:
    """An id that is a number, an object, a list or a boolean is refused."""
    others: tuple[Any, ...] = (1, {}, ["a"], True)
    for one in others:
        target.refuses(target.request() | {"id": one})


@GROUP.must(PARAMETERS)
def parameters_of_another_kind(target: Target) -> None:
    """Parameters that are a list, a string or a number are refused."""
    for parameters in ([], [1], "a", 1):
        target.refuses(target.request() | {"parameters": parameters})


@GROUP.must(REQUEST)
def outputs_of_another_kind(target: Target) -> None:
    """Outputs that are an object, a string or a number are refused."""
    for outputs in ({"name": target.model.outputs[0].name}, "a", 1):
        target.refuses(target.request() | {"outputs": outputs})


@GROUP.must(REQUEST_OUTPUT)
def an_output_of_another_kind(target: Target) -> None:
    """An output asked for without a name, or that is no object, is refused."""
    others: tuple[Any, ...] = ({}, {"name": 1}, {"name": None}, 1, target.model.outputs[0].name, [])
    for output in others:
        target.refuses(target.request() | {"outputs": [output]})


@GROUP.must(JSON)
def deep_lists(target: Target) -> None:
    """A hundred thousand brackets are refused; they bring nobody down."""
    target.refuses(b"[" * DEEP + b"]" * DEEP)


@GROUP.must(JSON)
def deep_data(target: Target) -> None:
    """Data nested a hundred thousand deep are refused."""
    target.refuses(json.dumps(target.changed(data=["HERE"])).replace('"HERE"', "[" * DEEP + "]" * DEEP).encode())


@GROUP.must(JSON)
def deep_parameters(target: Target) -> None:
    """Parameters nested a hundred thousand deep are no server error."""
    deep = '{"a":' * DEEP + "1" + "}" * DEEP
    status = target.infer(json.dumps(target.request() | {"parameters": {}})[:-3].encode() + deep.encode() + b"}").status
    expect(status == 200 or 400 <= status < 500, f"got {status}")


@GROUP.must(JSON)
def not_utf8(target: Target) -> None:
    """A body that is not UTF-8 is refused."""
    body = json.dumps(target.request() | {"id": "HERE"}).encode()
    for bad in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"):
        target.refuses(body.replace(b"HERE", bad))


@GROUP.must(JSON)
def utf16(target: Target) -> None:
    """JSON in UTF-16 is refused: between programs it is UTF-8."""
    target.refuses(json.dumps(target.request()).encode("utf-16"))


@GROUP.must(JSON)
def lone_surrogate(target: Target) -> None:
    """Half of a pair of surrogates in an id is no server error, and no broken answer."""
    reply = target.infer(json.dumps(target.request() | {"id": "HERE"}).replace("HERE", "\\ud800").encode())
    if reply.status == 200:
        inference(reply)
    else:
        refused(reply)


@GROUP.must(JSON)
def control_character(target: Target) -> None:
    """A control character inside a string, not escaped, is refused."""
    target.refuses(json.dumps(target.request() | {"id": "HERE"}).replace("HERE", "\x01\n").encode())


@GROUP.must(JSON)
def odd_numbers(target: Target) -> None:
    """01, +1, .5, 1., 0x10 and 1_000 are no numbers of JSON."""
    body = json.dumps(target.changed(shape=["HERE"]))
    for text in ("01", "+1", ".5", "1.", "0x10", "1_000", "--1", "1e"):
        target.refuses(body.replace('"HERE"', text).encode())


@GROUP.must(JSON)
def a_name_twice(target: Target) -> None:
    """An object with a member twice is refused, or one of both counts; it is no server error."""
    body = json.dumps(target.request())
    status = target.infer(f'{{"id": "first", {body[1:-1]}, "id": "second"}}'.encode()).status
    expect(status == 200 or 400 <= status < 500, f"got {status}")


@GROUP.must(REQUEST)
def long_id(target: Target) -> None:
    """An id of a hundred thousand characters comes back or is refused."""
    reply = target.infer(target.request() | {"id": "x" * 100_000})
    if reply.status == 200:
        expect(inference(reply).id == "x" * 100_000, "the id comes back cut")
    else:
        refused(reply)


@GROUP.should(ERRORS)
def error_content_type(target: Target) -> None:
    """An error is sent as application/json."""
    for body in (b"", b"[]", b'{"inputs": 1}'):
        kind = target.infer(body).headers.get("content-type", "")
        expect(kind.partition(";")[0].strip() == "application/json", f"Content-Type is {kind!r}")


@GROUP.should(ERRORS)
def error_names_the_input(target: Target) -> None:
    """An error about an input names it."""
    only_if(bool(target.model.inputs), "the model has no inputs")
    number = len(target.model.inputs) - 1
    reason = refused(target.infer(target.changed(number, datatype="FP33")))
    expect(target.model.inputs[number].name in reason, f"the reason is {reason!r}")


@GROUP.should(ERRORS)
def error_tells_nothing_of_the_server(target: Target) -> None:
    """An error speaks of the request, not of the server's files and stack."""
    for body in (b"[", b"[]", json.dumps(target.changed(data={"a": 1})).encode()):
        text = target.infer(body).body.decode("utf-8", "replace")
        expect("Traceback" not in text and "site-packages" not in text and '.py"' not in text, "it shows a stack")


@GROUP.must(ERRORS)
def afterwards(target: Target) -> None:
    """After all that was refused the server is ready, and answers as before."""
    expect(target.http.ask("GET", "/v2/health/ready").status == 200, "it is not ready any more")
    target.answers_as_plain(target.infer(target.request()))
