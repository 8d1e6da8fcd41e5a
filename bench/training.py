"""Training speed: our loop against a loop written by hand and against DataLoader, on the same model in the same run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, TensorDataset

from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.contract.features import ModelInput
from mlsystem_runtime.contract.run import TabularParameters
from mlsystem_runtime.train.architecture import Architecture
from mlsystem_runtime.train.batches import Data, batches, epoch_order
from mlsystem_runtime.train.checkpoint import Timer
from mlsystem_runtime.train.encode import encode_table
from mlsystem_runtime.train.fitting import fit_architecture
from mlsystem_runtime.train.loop import fit
from mlsystem_runtime.train.model import Tabular, build
from mlsystem_runtime.train.objective import criterion
from mlsystem_runtime.train.preemption import Preemption

ROWS, INPUTS, BATCH, REPEATS = 32_768, 32, 1024, 12
PARAMETERS = TabularParameters(
    hidden=(256, 256), epochs=1, batch_size=BATCH, learning_rate=1e-3, weight_decay=1e-2, dropout=0.1,
    numeric_embedding="periodic", embedding_size=8, patience=1,
)
TEN_MINUTES_US = 600_000_000


def main() -> list[dict[str, Any]]:
    torch.set_num_threads(1)  # CPU-seconds of several threads depend on the neighbours
    data, architecture = made_data()
    loops: dict[str, Callable[[Tabular], None]] = {
        "ours": lambda model: ours(model, data),
        "by hand": lambda model: by_hand(model, data),
        "DataLoader": lambda model: torch_loop(model, loaded(data)),
    }
    seconds = {name: float("inf") for name in loops}
    for _ in range(REPEATS):  # alternating, so that a busy neighbour meets all of them
        for name, loop in loops.items():
            seconds[name] = min(seconds[name], cpu_seconds(loop, build(architecture)))
    speed = {name: ROWS / one for name, one in seconds.items()}
    return [
        row("training, rows per CPU-second", speed["ours"], "rows/s", "", "32 numeric inputs, periodic, 2 x 256"),
        row("training against a loop by hand", speed["ours"] / speed["by hand"], "x", "≥ 0.95", "gather, slice, AdamW"),
        row("training against DataLoader", speed["ours"] / speed["DataLoader"], "x", "", "DataLoader(TensorDataset)"),
        row("batches alone against DataLoader", batches_alone(data), "x", "", "DataLoader(TensorDataset)"),
    ]


def row(name: str, value: float, unit: str, target: str, reference: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "reference": reference}


def made_data() -> tuple[Data, Architecture]:
    draw = np.random.default_rng(0)
    columns = {f"a.x{number}": draw.normal(size=ROWS) for number in range(INPUTS)}
    label = (columns["a.x0"] + draw.normal(size=ROWS) > 0).astype(np.int64)
    inputs = tuple(ModelInput(name, ColumnType.FLOAT) for name in columns)
    table = pa.table(columns)
    architecture = fit_architecture(table, label, inputs, "binary_classification", PARAMETERS)
    x_BN, ids_BC = map(torch.from_numpy, encode_table(table, architecture))
    return Data(x_BN, ids_BC, torch.from_numpy(label).float(), torch.arange(ROWS)), architecture


def cpu_seconds(loop: Callable[[Tabular], None], model: Tabular) -> float:
    started = time.process_time()
    loop(model)
    return time.process_time() - started


def ours(model: Tabular, data: Data) -> None:
    """The whole of `fit` for one epoch: checkpoints, guards, progress, a validation of one row."""
    with tempfile.TemporaryDirectory() as folder:
        fit(
            model, data, data.take(slice(0, 1)), criterion("binary_classification"), PARAMETERS, seed=0,
            folder=Path(folder), timer=Timer(TEN_MINUTES_US), preemption=Preemption(), report=lambda _done, _text: None,
        )


def by_hand(model: Tabular, data: Data) -> None:
    order = torch.randperm(ROWS)
    x_BN, ids_BC, y_B = data.x_BN[order], data.ids_BC[order], data.y_B[order]
    slices = (slice(start, start + BATCH) for start in range(0, ROWS, BATCH))
    torch_loop(model, ((x_BN[one], ids_BC[one], y_B[one]) for one in slices))


def loaded(data: Data) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    yield from DataLoader(TensorDataset(data.x_BN, data.ids_BC, data.y_B), batch_size=BATCH, shuffle=True)


def torch_loop(model: Tabular, examples: Iterator[tuple[Tensor, Tensor, Tensor]]) -> None:
    """What one writes: forward, backward, step, and the loss for the log."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2, fused=True)
    model.train()
    total = 0.0
    for x_BN, ids_BC, y_B in examples:
        optimizer.zero_grad()
        loss = binary_cross_entropy_with_logits(model(x_BN, ids_BC).squeeze(1), y_B)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total += loss.item()


def batches_alone(data: Data) -> float:
    """How much faster an epoch of batches is made, nothing learning from them."""
    started = time.process_time()
    for _ in loaded(data):
        pass
    theirs = time.process_time() - started
    started = time.process_time()
    for _ in batches(data, epoch_order(ROWS, 0, 0), BATCH):
        pass
    return theirs / (time.process_time() - started)


if __name__ == "__main__":
    for one in main():
        print(f"{one['name']}: {one['value']:.3g} {one['unit']} {one['target']}")
