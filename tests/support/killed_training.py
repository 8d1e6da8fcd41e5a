"""Small trainings that end themselves at a chosen moment, then run again: `killed_training.py FOLDER MOMENT …`.

Moments: `never`, `train:N` and `validation:N` (the N-th forward pass of that kind), `write:N` (inside the N-th
checkpoint's write, half of it on disk), `rename:N` (between its two renames); `term:…` in front sends SIGTERM to
itself instead of SIGKILL. Each leaves its best weights in FOLDER/MOMENT/final.safetensors.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import IO

import safetensors.torch
import torch
from torch import Tensor, nn

from mlsystem_runtime.contract.run import TabularParameters
from mlsystem_runtime.train import checkpoint
from mlsystem_runtime.train.batches import Data
from mlsystem_runtime.train.checkpoint import Timer
from mlsystem_runtime.train.loop import fit
from mlsystem_runtime.train.objective import criterion
from mlsystem_runtime.train.preemption import on_sigterm

PARAMETERS = TabularParameters(
    hidden=(8,), epochs=4, batch_size=32, learning_rate=1e-2, weight_decay=1e-3, dropout=0.3, numeric_embedding="none",
    embedding_size=2, patience=4,
)

FINAL = "final.safetensors"


class Fuse:
    """Counts moments and ends the process at the chosen one."""

    def __init__(self, moment: str) -> None:
        self.signal = signal.SIGTERM if moment.startswith("term:") else signal.SIGKILL
        self.kind, _, number = moment.removeprefix("term:").partition(":")
        self.number = int(number or 0)
        self.seen: Counter[str] = Counter()

    def next_is(self, kind: str) -> bool:
        return kind == self.kind and self.seen[kind] + 1 == self.number

    def reach(self, kind: str) -> None:
        self.seen[kind] += 1
        if kind == self.kind and self.seen[kind] == self.number:
            os.kill(os.getpid(), self.signal)


class Watched(nn.Module):
    """Dropout makes the random generator's state part of what has to be restored."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self.fuse = fuse
        self.body = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1))

    def forward(self, x_BN: Tensor, _ids_BC: Tensor) -> Tensor:
        self.fuse.reach("train" if self.training else "validation")
        logits_BO: Tensor = self.body(x_BN)
        return logits_BO


class EveryThird(Timer):
    """A checkpoint after every third step: some work is lost and done again."""

    looks = 0

    def due(self) -> bool:
        self.looks += 1
        return self.looks % 3 == 0


def data(rows: int, seed: int) -> Data:
    draw = torch.Generator().manual_seed(seed)
    x_BN = torch.randn(rows, 6, generator=draw)
    y_B = (x_BN.sum(dim=1) + torch.randn(rows, generator=draw) > 0).float()
    return Data(x_BN, torch.zeros(rows, 0, dtype=torch.int64), y_B, torch.arange(rows))


def interrupt_writes(fuse: Fuse) -> None:
    """Puts the fuse into the two places where a checkpoint is half on disk."""
    sync, rename = checkpoint.sync, os.replace

    def sync_or_die(file: IO[bytes]) -> None:
        file.flush()
        if fuse.next_is("write"):
            file.truncate(file.tell() // 2)
        fuse.reach("write")
        sync(file)

    def replace_or_die(source: Path, target: Path) -> None:
        if Path(target).name == checkpoint.LATEST:
            fuse.reach("rename")
        rename(source, target)

    vars(checkpoint)["sync"] = sync_or_die
    vars(os)["replace"] = replace_or_die


def train(folder: Path, moment: str) -> None:
    """One attempt; it goes on from what an earlier one left in `folder`."""
    torch.set_num_threads(1)
    fuse = Fuse(moment)
    interrupt_writes(fuse)
    torch.manual_seed(1)
    model = Watched(fuse)
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    with on_sigterm() as preemption:
        fit(
            model, data(640, 2), data(200, 3), criterion("binary_classification"), PARAMETERS, seed=5,
            folder=checkpoints, timer=EveryThird(0), preemption=preemption, report=lambda _done, _text: None,
        )
    safetensors.torch.save_file(dict(model.state_dict()), folder / FINAL)


def attempt(folder: Path, moment: str) -> int:
    """In a child, so that it may die; its exit status, negative for a signal. Importing torch is paid once."""
    child = os.fork()
    if child == 0:
        try:
            train(folder, moment)
        except SystemExit as left:
            os._exit(int(str(left.code)))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(folder: Path, moments: list[str]) -> None:
    """One JSON line per moment: how the first attempt ended, and the second."""
    for moment in moments:
        statuses = [attempt(folder / moment, moment), attempt(folder / moment, "never")]
        sys.stdout.write(json.dumps({"moment": moment, "statuses": statuses}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
