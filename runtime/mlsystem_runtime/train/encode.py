"""From columns to the two tensors that a model reads; `train.rows` does the same for the rows of requests.

Numeric inputs become float32 (B, N), null as NaN, magnitudes beyond float32 held at its limit; categorical inputs
become ids int64 (B, C): 0 null, 1 unseen, then the vocabulary.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from mlsystem_runtime.train.architecture import FLOAT32_MAX, NULL_ID, RESERVED_IDS, UNSEEN_ID, Architecture
from mlsystem_runtime.train.fitting import numbers, texts


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
