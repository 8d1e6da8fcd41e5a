"""Rows that a model is asked about: out of its metadata, or out of a request that its owner gives."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlsystem_runtime.serve.conformance.answers import TensorMetadata
from mlsystem_runtime.serve.conformance.datatypes import FLOATS, Array, array_of, flat

ROWS = 16
FREE_DIMENSION = 2

Sample = Mapping[str, Array]


class SampleError(ValueError):
    """No request can be made from what was given; the message says why."""


def made_up(inputs: Sequence[TensorMetadata]) -> Sample:
    """Small numbers and short words, another in every row, for `ROWS` rows where the first dimension is free."""
    return {one.name: _made_up(one) for one in inputs}


def _made_up(tensor: TensorMetadata) -> Array:
    rows = [ROWS if size == -1 else size for size in tensor.shape[:1]]
    shape = [*rows, *(FREE_DIMENSION if size == -1 else size for size in tensor.shape[1:])]
    count = int(np.prod(shape, dtype=int))
    return array_of(tensor.datatype, [_value(tensor.datatype, number) for number in range(count)], shape)


def _value(datatype: str, number: int) -> Any:
    """Numbers that every type of their kind holds exactly."""
    step = number * 7 % 11
    if datatype in FLOATS:
        return step / 4
    if datatype == "BOOL":
        return step % 2 == 1
    return "abcdefghijk"[step] if datatype == "BYTES" else step


def from_file(path: Path, inputs: Sequence[TensorMetadata]) -> Sample:
    """The tensors of an inference request in JSON. Every input of the model must be in it."""
    try:
        given = {one["name"]: one for one in json.loads(path.read_bytes())["inputs"]}
        return {one.name: _tensor(one, given[one.name]) for one in inputs}
    except KeyError as error:
        raise SampleError(f"{path} has no {error}") from error
    except (OSError, ValueError, TypeError, OverflowError) as error:
        raise SampleError(f"{path} is not an inference request of this model: {error}") from error


def _tensor(metadata: TensorMetadata, given: Mapping[str, Any]) -> Array:
    return array_of(metadata.datatype, flat(given["data"]), given["shape"])


def is_batched(inputs: Sequence[TensorMetadata]) -> bool:
    """Whether the first dimension of every input is the row: then requests of any number of rows are valid."""
    return bool(inputs) and all(one.shape[:1] == (-1,) for one in inputs)


def rows_of(sample: Sample, count: int, first: int) -> Sample:
    """`count` rows from `first` on, from the beginning again after the last."""
    length = min(len(array) for array in sample.values())
    chosen = (np.arange(count) + first) % length
    return {name: np.take(array, chosen, axis=0) for name, array in sample.items()}
