"""Data that do not fit their tensor, and values that are none of its datatype: refused, never read as another value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mlsystem_runtime.serve.conformance.answers import refused
from mlsystem_runtime.serve.conformance.datatypes import FLOATS, INTEGERS, bounds
from mlsystem_runtime.serve.conformance.groups.tensors import every, of_type, same_or_refused
from mlsystem_runtime.serve.conformance.places import DATATYPES, ERRORS, JSON, TENSOR_DATA
from mlsystem_runtime.serve.conformance.table import Group, expect, only_if
from mlsystem_runtime.serve.conformance.target import Target

GROUP = Group("values", "Values that are refused")
NUMBERS = (*INTEGERS, *FLOATS)
GREATEST_FLOAT = {"FP16": 65504.0, "FP32": 3.4028234e38, "BF16": 3.3895314e38}


def with_first(target: Target, number: int, text: str) -> bytes:
    """The plain request with `text` where the first value of that input stood."""
    data = target.request()["inputs"][number]["data"]
    return json.dumps(target.changed(number, data=["HERE", *data[1:]])).replace('"HERE"', text).encode()


def refuses_values(target: Target, datatypes: Sequence[str], texts: Sequence[str]) -> None:
    """No input of these types takes any of these texts for a value."""
    for number in of_type(target, datatypes):
        for text in texts:
            target.refuses(with_first(target, number, text))


@GROUP.must(TENSOR_DATA)
def too_few_values(target: Target) -> None:
    """Fewer values than the shape needs are refused."""
    for number in every(target):
        target.refuses_changed(number, data=target.request()["inputs"][number]["data"][:-1])


@GROUP.must(TENSOR_DATA)
def too_many_values(target: Target) -> None:
    """More values than the shape needs are refused."""
    for number in every(target):
        data = target.request()["inputs"][number]["data"]
        target.refuses_changed(number, data=[*data, data[0]])


@GROUP.must(TENSOR_DATA)
def several_rows_too_few(target: Target) -> None:
    """A shape of three rows with the values of two is refused, not filled up and not cut."""
    only_if(target.batched, "the model does not take several rows")
    request, two = target.request(3), target.request(2)
    for one, fewer in zip(request["inputs"], two["inputs"], strict=True):
        one["data"] = fewer["data"]
    target.refuses(request)


@GROUP.must(TENSOR_DATA)
def ragged_data(target: Target) -> None:
    """Nested data whose rows have different lengths are refused."""
    only_if(target.batched, "the model does not take several rows")
    data = target.request(2)["inputs"][0]["data"]
    shape = target.request(2)["inputs"][0]["shape"]
    target.refuses_changed(shape=shape, data=[data[:1], [*data[1:], data[0]]])


@GROUP.should(TENSOR_DATA)
def nesting_against_the_shape(target: Target) -> None:
    """Nested data whose lists are those of another shape are refused, also where the number of values is right."""
    for number, one in enumerate(target.request()["inputs"]):
        if len(one["shape"]) > 1 and one["shape"][1] > 1 and one["shape"][0] == 1:
            target.refuses_changed(number, data=[[value] for value in one["data"]])
            return
    only_if(False, "no input has a second dimension above 1")


@GROUP.must(TENSOR_DATA)
def data_of_another_kind(target: Target) -> None:
    """Data that are null, an object, a string or a boolean are refused."""
    for data in (None, {}, {"0": 1}, "1", True):
        target.refuses_changed(data=data)


@GROUP.must(TENSOR_DATA)
def null_as_a_value(target: Target) -> None:
    """null is no value: it is refused, or means that an input which is optional is left out; it is never a number."""
    for number in every(target):
        inputs = target.request()["inputs"]
        reply, without = target.infer(with_first(target, number, "null")), inputs[:number] + inputs[number + 1 :]
        if reply.status == 200 and len(inputs[number]["data"]) == 1:
            same_or_refused(reply, target.infer({"inputs": without}))
        else:
            refused(reply)


@GROUP.must(TENSOR_DATA)
def object_as_a_value(target: Target) -> None:
    """An object is no value of any datatype."""
    refuses_values(target, (*NUMBERS, "BOOL", "BYTES"), ("{}", '{"a": 1}'))


@GROUP.must(TENSOR_DATA)
def string_in_numbers(target: Target) -> None:
    """A string is no number, not even one of digits."""
    refuses_values(target, NUMBERS, ('"a"', '"1"', '""'))


@GROUP.must(TENSOR_DATA)
def boolean_in_numbers(target: Target) -> None:
    """true is not 1."""
    refuses_values(target, NUMBERS, ("true", "false"))


@GROUP.must(TENSOR_DATA)
def number_in_booleans(target: Target) -> None:
    """2 and "true" are no booleans."""
    refuses_values(target, ("BOOL",), ("2", "-1", "0.5", '"true"'))


@GROUP.must(TENSOR_DATA)
def number_in_bytes(target: Target) -> None:
    """A number or a boolean is no string."""
    refuses_values(target, ("BYTES",), ("1", "1.5", "true"))


@GROUP.must(DATATYPES)
def fraction_in_integers(target: Target) -> None:
    """1.5 is no whole number: it is refused and not cut."""
    refuses_values(target, INTEGERS, ("1.5", "-0.5", "1e-3"))


@GROUP.must(DATATYPES)
def integer_too_large(target: Target) -> None:
    """An integer above the greatest of its datatype is refused and never wrapped, by one and by much."""
    for number in of_type(target, INTEGERS):
        greatest = bounds(target.model.inputs[number].datatype)[1]
        for value in (greatest + 1, 2 * greatest + 3, 2**64 + 1):
            target.refuses(with_first(target, number, str(value)))


@GROUP.must(DATATYPES)
def integer_of_2_to_the_40(target: Target) -> None:
    """2^40 does not fit into 32 bits or fewer: it is refused, not answered as another number."""
    small = [one for one in INTEGERS if bounds(one)[1] < 2**40]
    refuses_values(target, small, (str(2**40), str(2**40 + 1)))


@GROUP.must(DATATYPES)
def integer_too_small(target: Target) -> None:
    """An integer below the least of its datatype is refused and never wrapped; -1 has no unsigned type."""
    for number in of_type(target, INTEGERS):
        least = bounds(target.model.inputs[number].datatype)[0]
        for value in (least - 1, -(2**64) - 1):
            target.refuses(with_first(target, number, str(value)))


@GROUP.must(JSON)
def number_of_a_thousand_digits(target: Target) -> None:
    """A number of a thousand digits is refused, as is one of ten thousand."""
    refuses_values(target, NUMBERS, ("9" * 1000, "9" * 10_000))


@GROUP.must(JSON)
def nan(target: Target) -> None:
    """NaN is no JSON."""
    refuses_values(target, NUMBERS, ("NaN", "nan"))


@GROUP.must(JSON)
def infinity(target: Target) -> None:
    """Infinity is no JSON."""
    refuses_values(target, NUMBERS, ("Infinity", "-Infinity", "inf"))


@GROUP.must(DATATYPES)
def float_too_large(target: Target) -> None:
    """A number beyond the greatest of its float type is refused: it is not infinity."""
    for number in of_type(target, FLOATS):
        greatest = GREATEST_FLOAT.get(target.model.inputs[number].datatype)
        for text in ("1e999", "-1e999", *([] if greatest is None else [repr(greatest * 10)])):
            target.refuses(with_first(target, number, text))


@GROUP.must(DATATYPES)
def extreme_values(target: Target) -> None:
    """The least and the greatest value of a datatype are no server error; a model may refuse them."""
    for number in of_type(target, NUMBERS):
        for text in extremes(target.model.inputs[number].datatype):
            status = target.infer(with_first(target, number, text)).status
            expect(status == 200 or 400 <= status < 500, f"expected 200 or 4xx for {text}, got {status}")


def extremes(datatype: str) -> tuple[str, ...]:
    if datatype in INTEGERS:
        return tuple(map(str, bounds(datatype)))
    greatest = GREATEST_FLOAT.get(datatype, 1.7e308)
    return (repr(greatest), repr(-greatest), "5e-324", "-0.0")


@GROUP.must(ERRORS)
def wrong_in_the_last_row(target: Target) -> None:
    """A value that is wrong in the last of many rows has the request refused, not that row dropped."""
    only_if(target.batched, "the model does not take several rows")
    number = target.index((*NUMBERS, "BOOL"))
    request: dict[str, Any] = target.request(16)
    request["inputs"][number]["data"][-1] = "wrong"
    target.refuses(request)


@GROUP.must(ERRORS)
def one_wrong_of_many(target: Target) -> None:
    """A request that is wrong in every input is refused once, with one reason."""
    request = target.request()
    for one in request["inputs"]:
        one |= {"datatype": "FP33", "shape": [-1], "data": [None]}
    only_if(bool(request["inputs"]), "the model has no inputs")
    target.refuses(request)
