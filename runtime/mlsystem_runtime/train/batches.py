"""Batches of data that fits in memory: the whole epoch is gathered once in its random order, then sliced."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

FEWEST_BATCHES = 32   # of an epoch, so that a small data set gets more than a handful of optimizer steps
SMALLEST_BATCH = 16


@dataclass(frozen=True)
class Data:
    """`y_B` is float32 (0/1, or the standardised target) or int64 classes; `rows_B` are the examples' row numbers."""

    x_BN: Tensor
    ids_BC: Tensor
    y_B: Tensor
    rows_B: Tensor

    def __len__(self) -> int:
        return len(self.y_B)

    def take(self, chosen: Tensor | slice) -> Data:
        return Data(self.x_BN[chosen], self.ids_BC[chosen], self.y_B[chosen], self.rows_B[chosen])


def batch_rows(rows: int, wanted: int) -> int:
    """Rows per batch: `wanted`, or less where an epoch would have fewer than FEWEST_BATCHES batches."""
    return max(1, min(rows, wanted, max(SMALLEST_BATCH, rows // FEWEST_BATCHES)))


def epoch_order(rows: int, seed: int, epoch: int) -> Tensor:
    """A permutation of range(rows) that depends on nothing but (rows, seed, epoch)."""
    key = hashlib.sha256(f"{seed}/{epoch}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(key[:8], "big", signed=True))
    return torch.randperm(rows, generator=generator)


def batches(data: Data, order: Tensor, size: int, start: int = 0) -> Iterator[Data]:
    """Batches `start`, `start + 1`, … of the epoch; what does not fill a last batch is left out (the order changes)."""
    gathered = data.take(order)
    for batch in range(start, len(data) // size):
        yield gathered.take(slice(batch * size, (batch + 1) * size))
