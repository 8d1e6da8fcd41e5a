"""What every peer serves: a network of 16-64-64-4 with weights of its own seed, or work that takes a known time.

Each peer imports this in its own virtual environment, on one thread, beside the same build of torch. SERVICE_SECONDS in
the environment says how long a request takes; without it the network answers.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

Rows = Sequence[Sequence[float]]

SPIN_SECONDS = 0.0005  # the last of a wait, so that a timer that fires late does not lengthen it


def model() -> Callable[[Rows], list[list[float]]]:
    seconds = os.environ.get("SERVICE_SECONDS")
    return timed(float(seconds)) if seconds else network()


def network() -> Callable[[Rows], list[list[float]]]:
    torch.set_num_threads(1)
    torch.manual_seed(7)
    layers = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4)).eval()

    def predict(rows: Rows) -> list[list[float]]:
        with torch.inference_mode():
            answers: list[list[float]] = layers(torch.from_numpy(np.asarray(rows, dtype=np.float32))).tolist()
        return answers

    return predict


def timed(seconds: float) -> Callable[[Rows], list[list[float]]]:
    """Takes `seconds` for every row, whatever else the machine does, and leaves the interpreter to others."""
    def predict(rows: Rows) -> list[list[float]]:
        wait(seconds * len(rows))
        return [[0.0] * 4 for _ in rows]

    return predict


def wait(seconds: float) -> None:
    end = time.perf_counter() + seconds
    time.sleep(max(0.0, seconds - SPIN_SECONDS))
    while time.perf_counter() < end:
        pass


def alone(seconds: float, lasting: float) -> float:
    """How many times a second one caller after the other is through the wait here: what a server could answer that
    costs nothing. A machine that others use wakes nobody in time."""
    began, times = time.perf_counter(), 0
    while time.perf_counter() < began + lasting:
        wait(seconds)
        times += 1
    return times / (time.perf_counter() - began)


if __name__ == "__main__":
    print(alone(*map(float, sys.argv[1:])))
