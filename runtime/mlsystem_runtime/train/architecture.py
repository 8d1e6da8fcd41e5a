"""What rebuilds a model: inputs with their frozen preprocessing, sizes, outputs. JSON, inside `model.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
import numpy as np

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.model import Task

FORMAT = 1
RESERVED_IDS = 2     # id 0 is null, id 1 a category that the vocabulary does not hold
NULL_ID, UNSEEN_ID = 0, 1
FLOAT32_MAX = float(np.finfo(np.float32).max)


class NumericInput(Struct):
    """`centre` and `spread` scale it (median and interquartile range, where there is one); `knots` are its quantiles,
    ascending and distinct, at least two."""

    name: str
    position: int
    centre: float
    spread: float
    knots: tuple[float, ...]


class CategoricalInput(Struct):
    """`vocabulary[i]` has the id `i + RESERVED_IDS`. Booleans are the categories "false" and "true"."""

    name: str
    position: int
    vocabulary: tuple[str, ...]


class Architecture(Struct):
    """`position` of an input is its place in the feature contract's `inputs`, which is the order of a row."""

    format: int
    task: Task
    outputs: tuple[str, ...]
    numeric: tuple[NumericInput, ...]
    categorical: tuple[CategoricalInput, ...]
    hidden: tuple[int, ...]
    dropout: float
    numeric_embedding: Literal["periodic", "piecewise", "none"]
    embedding_size: int
    target_centre: float = 0.0
    target_spread: float = 1.0

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Architecture:
        """From `ModelCard.architecture`. Raises MlsystemError when this version cannot rebuild it."""
        if values.get("format") != FORMAT:
            raise MlsystemError(f"model architecture of format {values.get('format')!r}; this version reads {FORMAT}",
                                "serve it with the version of mlsystem that trained it")
        return msgspec.convert(values, cls)

    def values(self) -> dict[str, object]:
        built: dict[str, object] = msgspec.to_builtins(self)
        return built
