"""Tensors whose names, datatypes and shapes do not fit the model: refused, never read as something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlsystem_runtime.serve.conformance.places import DATATYPES, REQUEST, REQUEST_INPUT
from mlsystem_runtime.serve.conformance.table import Group, only_if
from mlsystem_runtime.serve.conformance.target import Target

GROUP = Group("tensors", "Tensors that are refused")


def every(target: Target) -> range:
    only_if(bool(target.model.inputs), "the model has no inputs")
    return range(len(target.model.inputs))


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
    """A request without one of the inputs that the model requires is refused."""
    only_if(len(target.model.inputs) > 1, "the model has one input")
    inputs = target.request()["inputs"]
    for number in every(target):
        target.refuses({"inputs": inputs[:number] + inputs[number + 1 :]})


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
def another_datatype(target: Target) -> None:
    """A tensor of another datatype than the metadata gives the input is refused."""
    for number in every(target):
        declared = target.model.inputs[number].datatype
        other = {"BOOL": "BYTES", "BYTES": "INT64", "INT32": "UINT8"}.get(declared, "INT32")
        values = {"BYTES": "a"}.get(other, 1)
        count = len(target.request()["inputs"][number]["data"])
        target.refuses_changed(number, datatype=other, data=[values] * count)


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
    """A tensor with a dimension more than the metadata gives the input is refused."""
    for number in every(target):
        shape = target.request()["inputs"][number]["shape"]
        target.refuses_changed(number, shape=[*shape, 1])


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
