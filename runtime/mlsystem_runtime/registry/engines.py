"""A registered version in the engine that the contract names for it, torch or ONNX Runtime; the other is not loaded."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.model import Engine, ModelCard
from mlsystem_runtime.registry.recorded import Recorded, check_recorded

logger = logging.getLogger(__name__)


class Answers(Protocol):
    """A trained model, for the rows of requests and for the arrays that are made of them."""

    @property
    def card(self) -> ModelCard: ...

    def predict(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[float]]: ...

    def predict_arrays(self, x_BN: NDArray[np.float32], ids_BC: NDArray[np.int64]) -> NDArray[np.float32]: ...


def open_version(engine: Engine, folder: Path, threads: int, recorded: Recorded, version: str) -> Answers:
    """The model in `engine`, or in torch where that is here and alone answers as recorded: a version from before
    `serving.engine` was changed goes on answering until one follows that passes the gate of the new engine.

    Raises MlsystemError where neither does; the image of a server in ONNX Runtime has no torch.
    """
    try:
        model = ENGINES[engine](folder, threads)
        check_recorded(recorded, model, version)
    except MlsystemError as error:
        if engine == "torch" or find_spec("torch") is None:
            raise
        logger.warning("%s; torch, which is installed here, answers for it", error.message)
        return open_version("torch", folder, threads, recorded, version)
    return model


def in_torch(folder: Path, threads: int) -> Answers:
    os.environ["OMP_NUM_THREADS"] = str(threads)  # before torch is imported: it then holds for every thread
    import torch  # for its weight, and on the thread that loads: the server answers /healthz meanwhile

    from mlsystem_runtime.registry.artifact import LoadedModel

    torch.set_num_threads(threads)
    return LoadedModel.load(folder)


def in_onnx_runtime(folder: Path, threads: int) -> Answers:
    from mlsystem_runtime.registry.onnx_model import OnnxModel  # as above

    return OnnxModel.load(folder, threads)


ENGINES: Mapping[Engine, Callable[[Path, int], Answers]] = {"onnx": in_onnx_runtime, "torch": in_torch}
