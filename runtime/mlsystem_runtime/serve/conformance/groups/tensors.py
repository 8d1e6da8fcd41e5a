"""Tensors whose names, datatypes and shapes do not fit the model: refused, never read as something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlsystem_runtime.serve.conformance.answers import refused, values
from mlsystem_runtime.serve.conformance.datatypes import FLOATS, INTEGERS
from mlsystem_runtime.serve.conformance.places import DATATYPES, REQUEST, REQUEST_INPUT
from mlsystem_runtime.serve.conformance.table import Group, expect, only_if
from mlsystem_runtime.serve.conformance.target import Target, same_outputs
from mlsystem_runtime.serve.conformance.wire import Reply

GROUP = Group("tensors", "Tensors that are refused")


def every(target: Target) -> range:
    only_if(bool(target.model.inputs), "the model has no inputs")
    return range(len(target.model.inputs))


def of_type(target: Target, datatypes: Sequence[str]) -> list[int]:
    """Which inputs are of these types; not applicable where none is."""
    target.index(datatypes)
    return [number for number, one in enumerate(target.model.inputs) if one.datatype in datatypes]


def refused_or_answered(reply: Reply) -> None:
    if reply.status == 200:
        values(reply)
    else:
        refused(reply)


def same_or_refused(reply: Reply, plain: Reply) -> None:
    """Refused with a reason, or the same outputs as those of a request that is plainly right."""
    if reply.status == 200:
        same_outputs(values(reply), values(plain))
    else:
        refused(reply)


@GROUP.must(REQUEST_INPUT)
def without_name(target: Target) -> None:
    """An input without a name is refused."""
    target.refuses_changed(name=...)


@GROUP.must(REQUEST_INPUT)
def without_shape(target: Target) -> None:
    """An input without a shape is refused."""
    target.refuses_changed(shape=...)


@GROUP.must(REQUEST_INPUT)
def without_datatype(target: Target) -> None:
    """An input without a datatype is refused."""
    target.refuses_changed(datatype=...)


@GROUP.must(REQUEST_INPUT)
def without_data(target: Target) -> None:
    """An input without data is refused."""
    target.refuses_changed(data=...)


@GROUP.must(REQUEST_INPUT)
def name_of_another_kind(target: Target) -> None:
    """A name that is no string is refused."""
    others: tuple[Any, ...] = (1, None, [], {})
    for name in others:
        target.refuses_changed(name=name)


@GROUP.must(REQUEST)
def unknown_name(target: Target) -> None:
    """An input under a name that the model does not have is refused."""
    target.refuses_changed(name="no-such-input")


@GROUP.must(REQUEST)
def one_more(target: Target) -> None:
    """An input that the model does not have, beside all that it has, is refused."""
    extra = {"name": "no-such-input", "shape": [1], "datatype": "FP32", "data": [1.0]}
    target.refuses({"inputs": [*target.request()["inputs"], extra]})


@GROUP.must(REQUEST)
def twice(target: Target) -> None:
    """An input that is given twice is refused: which of both counts?"""
    inputs = target.request()["inputs"]
    for one in inputs:
        target.refuses({"inputs": [*inputs, one]})


@GROUP.must(REQUEST)
def one_is_missing(target: Target) -> None:
    """A request without an input is refused, unless that one is optional; not all are."""
    only_if(len(target.model.inputs) > 1, "the model has one input")
    inputs = target.request()["inputs"]
    without = [target.infer({"inputs": inputs[:number] + inputs[number + 1 :]}) for number in every(target)]
    expect(any(reply.status != 200 for reply in without), "each input may be left out")
    for reply in without:
        refused_or_answered(reply)


@GROUP.must(DATATYPES)
def unknown_datatype(target: Target) -> None:
    """A datatype that the protocol does not have is refused."""
    for datatype in ("FP33", "float32", "", "STRING"):
        target.refuses_changed(datatype=datatype)


@GROUP.should(DATATYPES)
def datatype_in_small_letters(target: Target) -> None:
    """Datatypes are written in capital letters; another way is refused."""
    target.refuses_changed(datatype=target.model.inputs[0].datatype.lower())


@GROUP.must(DATATYPES)
def datatype_of_another_kind(target: Target) -> None:
    """A datatype that is no string is refused."""
    for datatype in (1, None, ["FP32"]):
        target.refuses_changed(datatype=datatype)


@GROUP.must(DATATYPES)
def another_kind_of_datatype(target: Target) -> None:
    """Strings are refused where the metadata has numbers or booleans, and numbers where it has strings."""
    for number in every(target):
        to_text = target.model.inputs[number].datatype != "BYTES"
        count = len(target.request()["inputs"][number]["data"])
        datatype, value = ("BYTES", "1") if to_text else ("INT64", 1)
        target.refuses_changed(number, datatype=datatype, data=[value] * count)


@GROUP.must(DATATYPES)
def another_datatype(target: Target) -> None:
    """Numbers of another datatype than the metadata has are refused, or answered as the same numbers."""
    for number in of_type(target, (*INTEGERS, *FLOATS)):
        declared, count = target.model.inputs[number].datatype, len(target.request()["inputs"][number]["data"])
        plain = target.infer(target.changed(number, data=[1] * count))
        for datatype in ("INT8", "INT32", "INT64", "FP32", "FP64"):
            if datatype != declared:
                same_or_refused(target.infer(target.changed(number, datatype=datatype, data=[1] * count)), plain)


@GROUP.must(REQUEST_INPUT)
def shape_of_another_kind(target: Target) -> None:
    """A shape that is no list of whole numbers is refused."""
    others: tuple[Any, ...] = (None, 1, "[1]", {}, ["1"], [1.5], [None], [True], [[1]])
    for shape in others:
        target.refuses_changed(shape=shape)


@GROUP.must(REQUEST_INPUT)
def empty_shape(target: Target) -> None:
    """A shape without dimensions is refused where the input has some."""
    only_if(bool(target.request()["inputs"][0]["shape"]), "the input is a scalar")
    target.refuses_changed(shape=[])


@GROUP.must(REQUEST_INPUT)
def negative_dimension(target: Target) -> None:
    """A dimension below zero is refused; -1 is of metadata, not of requests."""
    for number in every(target):
        shape = target.request()["inputs"][number]["shape"]
        for size in (-1, -2, -(2**31), -(2**63)):
            target.refuses_changed(number, shape=[size, *shape[1:]])


@GROUP.must(REQUEST_INPUT)
def two_negative_dimensions(target: Target) -> None:
    """Two dimensions below zero whose product is right are refused."""
    target.refuses_changed(shape=[-size for size in target.request()["inputs"][0]["shape"]])


@GROUP.must(REQUEST_INPUT)
def huge_dimension(target: Target) -> None:
    """Dimensions of 2^31 to 2^63 with a few values are refused at once; nothing of that size is made."""
    shape = target.request()["inputs"][0]["shape"]
    for power in (31, 40, 60, 63):
        target.refuses_changed(shape=[2**power, *shape[1:]])


@GROUP.must(REQUEST_INPUT)
def dimension_beyond_64_bits(target: Target) -> None:
    """A dimension that no 64 bits hold is refused."""
    shape = target.request()["inputs"][0]["shape"]
    for size in (2**64, 2**64 + 1, 10**30):
        target.refuses_changed(shape=[size, *shape[1:]])


@GROUP.must(REQUEST_INPUT)
def product_that_wraps(target: Target) -> None:
    """Dimensions whose product is 0 or 1 in 64 bits, and is not, are refused."""
    target.refuses_changed(shape=[2**32, 2**32], data=[])
    target.refuses_changed(shape=[2**62, 4], data=[])
    target.refuses_changed(shape=[2**63 + 1, 2**63 + 1])
    target.refuses_changed(shape=[2**63 + 1, 2**63 + 1, *target.request()["inputs"][0]["shape"]])


@GROUP.must(REQUEST_INPUT)
def another_rank(target: Target) -> None:
    """A tensor with a dimension more than the metadata gives the input is refused, or without meaning if it is 1."""
    for number in every(target):
        one = target.request()["inputs"][number]
        same_or_refused(target.infer(target.changed(number, shape=[*one["shape"], 1])), target.infer(target.request()))
        target.refuses_changed(number, shape=[*one["shape"], 2], data=one["data"] * 2)


@GROUP.must(REQUEST_INPUT)
def another_fixed_dimension(target: Target) -> None:
    """A dimension that the metadata fixes cannot be another, however right the number of values is."""
    fixed = [(number, place) for number, one in enumerate(target.model.inputs) for place, size in enumerate(one.shape)
             if size > 0]
    only_if(bool(fixed), "all dimensions are free")
    for number, place in fixed:
        one = target.request()["inputs"][number]
        shape = list(one["shape"])
        values = one["data"] * (shape[place] + 1)
        shape[place] += 1
        target.refuses_changed(number, shape=shape, data=values[: product(shape)])


def product(shape: Sequence[int]) -> int:
    size = 1
    for one in shape:
        size *= one
    return size


@GROUP.must(REQUEST_INPUT)
def rows_that_differ(target: Target) -> None:
    """Inputs with different numbers of rows in one request are refused, where the first dimension is the row."""
    only_if(target.batched and len(target.model.inputs) > 1, "no two inputs share their rows")
    few, many = target.request(1)["inputs"], target.request(3)["inputs"]
    target.refuses({"inputs": [few[0], *many[1:]]})
