"""From rows or columns to the two tensors that a model reads. Training and serving share the definitions below.

Numeric inputs become float32 (B, N), null as NaN, magnitudes beyond float32 held at its limit; categorical inputs
become ids int64 (B, C): 0 null, 1 unseen, then the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from mlsystem_runtime.train.architecture import (
    FLOAT32_MAX,
    NULL_ID,
    RESERVED_IDS,
    UNSEEN_ID,
    Architecture,
    numbers,
    texts,
)


def encode_table(table: pa.Table, architecture: Architecture) -> tuple[Tensor, Tensor]:
    """(x_BN, ids_BC) of a whole table that has one column per input, by name."""
    x_NB = np.empty((len(architecture.numeric), len(table)), dtype=np.float32)
    for row, numeric in enumerate(architecture.numeric):
        x_NB[row] = np.clip(numbers(table[numeric.name]), -FLOAT32_MAX, FLOAT32_MAX)
    ids_CB = np.empty((len(architecture.categorical), len(table)), dtype=np.int64)
    for row, categorical in enumerate(architecture.categorical):
        column = texts(table[categorical.name])
        found = pc.index_in(column, pa.array(categorical.vocabulary, pa.string()), skip_nulls=True)
        ids = np.asarray(pc.fill_null(pc.add(found, RESERVED_IDS), UNSEEN_ID), dtype=np.int64)
        ids_CB[row] = np.where(np.asarray(pc.is_null(column)), NULL_ID, ids)
    return torch.from_numpy(np.ascontiguousarray(x_NB.T)), torch.from_numpy(np.ascontiguousarray(ids_CB.T))


class RowEncoder:
    """The same for the rows of requests: sequences of values in the order of the feature contract's `inputs`."""

    def __init__(self, architecture: Architecture) -> None:
        self._numeric = _picker([one.position for one in architecture.numeric])
        self._categorical = _picker([one.position for one in architecture.categorical])
        self._ids = [_ids(one.vocabulary) for one in architecture.categorical]

    def __call__(self, rows: Sequence[Sequence[Any]]) -> tuple[Tensor, Tensor]:
        """Raises TypeError or ValueError when a value is not of its input's type."""
        x_BN = np.array([self._numeric(row) for row in rows], dtype=np.float64)
        x_BN = np.clip(x_BN, -FLOAT32_MAX, FLOAT32_MAX).astype(np.float32)
        ids_BC = np.array([
            [ids.get(value, UNSEEN_ID) for ids, value in zip(self._ids, self._categorical(row), strict=True)]
            for row in rows
        ], dtype=np.int64)
        return torch.from_numpy(x_BN), torch.from_numpy(ids_BC)


def _ids(vocabulary: Sequence[str]) -> Mapping[Any, int]:
    """Category → id. A boolean input's values are Python's own, so both spellings of a category are known."""
    ids: dict[Any, int] = {value: number for number, value in enumerate(vocabulary, start=RESERVED_IDS)}
    for flag, text in ((False, "false"), (True, "true")):
        if text in ids:
            ids[flag] = ids[text]
    ids[None] = NULL_ID
    return ids


def _picker(positions: list[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    if len(positions) == 1:
        only = positions[0]
        return lambda row: (row[only],)
    if not positions:
        return lambda _row: ()
    return itemgetter(*positions)
