"""Small models for servers of the inference protocol: of many datatypes, of half floats, and of one fixed shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlsystem_runtime.serve.conformance.datatypes import Array


@dataclass(frozen=True)
class Tensor:
    name: str
    datatype: str
    shape: tuple[int, ...]

    def described(self) -> dict[str, Any]:
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}


@dataclass(frozen=True)
class Model:
    name: str
    versions: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    compute: Callable[[Mapping[str, Array]], Mapping[str, Array]]

    def described(self) -> dict[str, Any]:
        return {
            "name": self.name, "versions": list(self.versions), "platform": "reference",
            "inputs": [one.described() for one in self.inputs], "outputs": [one.described() for one in self.outputs],
        }  # fmt: skip


def summed(given: Mapping[str, Array]) -> Mapping[str, Array]:
    arrays = [array.astype(float) for array in given.values() if array.dtype != "O"]
    numbers = [array.sum(axis=tuple(range(1, array.ndim))) for array in arrays]
    words = np.array([str(text).upper() for text in given["word"]], dtype="O")
    return {"score": np.sum(numbers, axis=0).astype("<f4"), "label": words, "total": given["long"][:, 0] % 1000}


MIXED = Model(
    "mixed", ("1", "2"),
    (
        Tensor("amount", "FP32", (-1, 3)), Tensor("count", "INT32", (-1,)), Tensor("small", "INT8", (-1,)),
        Tensor("unsigned", "UINT16", (-1,)), Tensor("long", "INT64", (-1, 1)), Tensor("flag", "BOOL", (-1,)),
        Tensor("word", "BYTES", (-1,)),
    ),
    (Tensor("score", "FP32", (-1,)), Tensor("label", "BYTES", (-1,)), Tensor("total", "INT64", (-1,))),
    summed,
)  # fmt: skip

HALVES = Model(
    "halves", (), (Tensor("half", "FP16", (-1, 2)), Tensor("brain", "BF16", (-1, 2)), Tensor("double", "FP64", (-1,))),
    (Tensor("sum", "FP32", (-1,)), Tensor("half_again", "FP16", (-1, 2)), Tensor("brain_again", "BF16", (-1, 2))),
    lambda given: {
        "sum": (given["half"].sum(axis=1) + given["brain"].sum(axis=1) + given["double"]).astype("<f4"),
        "half_again": given["half"], "brain_again": given["brain"],
    },
)  # fmt: skip

FIXED = Model(
    "fixed", (), (Tensor("vector", "FP64", (4,)),), (Tensor("mean", "FP64", (1,)),),
    lambda given: {"mean": given["vector"].mean(keepdims=True)},
)  # fmt: skip
