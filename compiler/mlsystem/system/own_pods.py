"""What the system's own pods request, beside servers and trainings, whose hardware the file has."""

from __future__ import annotations

from msgspec.structs import replace

from mlsystem.system.target import TrainingHardware
from mlsystem_runtime.contract.base import Struct

MI, GI = 2**20, 2**30


class PodSize(Struct):
    """`cpu` in cores, `memory` in bytes."""

    cpu: float
    memory: int


MONITOR = PodSize(1.0, 2 * GI)
ONLINE_STORE = PodSize(1.0, 2 * GI)
TRACKING = PodSize(1.0, 2 * GI)
TRACKING_DATABASE = PodSize(0.5, GI)
RECORD = PodSize(0.2, 512 * MI)
"""Of a pod of the pipeline that only writes something down, or waits for others."""
EXECUTOR = PodSize(0.1, 128 * MI)
"""Of what Argo puts beside the container of a step."""
STEPS_AT_ONCE = 8
"""Pods of one run of the pipeline; the graph decides what could run beside what."""


def ordinary(one: TrainingHardware) -> TrainingHardware:
    """One machine, without GPUs: what steps of a model have that do not train it."""
    return replace(one, gpus=0, gpu_type=None, nodes=1)


def larger(one: TrainingHardware, other: TrainingHardware) -> TrainingHardware:
    """The most of both."""
    return replace(one, cpu=max(one.cpu, other.cpu), memory_bytes=max(one.memory_bytes, other.memory_bytes))
