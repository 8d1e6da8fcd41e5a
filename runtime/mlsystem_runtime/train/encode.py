"""From columns to the two tensors that a model reads; `train.rows` does the same for the rows of requests.

Numeric inputs become float32 (B, N), null as NaN, magnitudes beyond float32 held at its limit; categorical inputs
become ids int64 (B, C): 0 null, 1 unseen, then the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlsystem_runtime.data.arrays import numbers, present, text
from mlsystem_runtime.train.architecture import FLOAT32_MAX, NULL_ID, RESERVED_IDS, UNSEEN_ID, Architecture
from mlsystem_runtime.train.fitting import texts

BLOCK_ROWS = 2048  # at a time: what a network of some hundred units makes of them stays in a processor's own cache

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def encode_table(table: pa.Table, architecture: Architecture) -> tuple[Floats, Ints]:
    """(x_BN, ids_BC) of a whole table that has one column per input, by name."""
    x_BN = np.empty((len(table), len(architecture.numeric)), dtype=np.float32)
    first = 0
    for batch in table.select([one.name for one in architecture.numeric]).to_batches():
        fill(x_BN[first : first + len(batch)], [floats(column) for column in batch.columns])
        first += len(batch)
    ids_BC = np.empty((len(table), len(architecture.categorical)), dtype=np.int64)
    for column, categorical in enumerate(architecture.categorical):
        ids_BC[:, column] = ids(table[categorical.name], categorical.vocabulary)
    return x_BN, ids_BC


def fill(x_BN: Floats, columns: list[NDArray[np.float64]]) -> None:
    """Block by block: a column is written between those before it while their lines are in the cache."""
    with np.errstate(over="ignore"):
        for start in range(0, len(x_BN), BLOCK_ROWS):
            block_BN = x_BN[start : start + BLOCK_ROWS]
            for place, column in enumerate(columns):
                block_BN[:, place] = column[start : start + BLOCK_ROWS]
            np.clip(block_BN, -FLOAT32_MAX, FLOAT32_MAX, out=block_BN)


def floats(values: pa.Array) -> NDArray[np.float64]:
    """Null as NaN; no copy of float64 without nulls."""
    found, given = numbers(values.cast(pa.float64()))
    return found if values.null_count == 0 else np.where(given, found, np.nan)


def ids(values: pa.ChunkedArray, vocabulary: tuple[str, ...]) -> Ints:
    column = texts(values).combine_chunks()
    found, known = numbers(pc.index_in(column, text(vocabulary), skip_nulls=True))
    return np.where(known, found + RESERVED_IDS, np.where(present(column), UNSEEN_ID, NULL_ID))


def in_blocks(answer: Callable[[Floats, Ints], Floats], x_BN: Floats, ids_BC: Ints, outputs: int) -> Floats:
    """(B, outputs): what `answer` says of any number of rows."""
    answers_BO = np.empty((len(x_BN), outputs), dtype=np.float32)
    for start in range(0, len(x_BN), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        answers_BO[block] = answer(x_BN[block], ids_BC[block])
    return answers_BO
