"""A model version in ONNX Runtime. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as raised

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.registry.card import ONNX, read_card
from mlsystem_runtime.registry.onnx_names import ANSWERS, IDS, X
from mlsystem_runtime.registry.recorded import Recorded, read_recorded, sha256
from mlsystem_runtime.train.architecture import Architecture
from mlsystem_runtime.train.rows import RowEncoder

OTHERWISE = "choose `serving.engine: torch`, or train it again with `mlsystem apply`"
REFUSED = (
    raised.EPFail, raised.Fail, raised.InvalidArgument, raised.InvalidGraph, raised.InvalidProtobuf, raised.NoModel,
    raised.NotImplemented, raised.RuntimeException,
)
ERRORS_ONLY = 3  # of the runtime's levels of logging


class OnnxModel:
    """A model that answers. Thread-safe: prediction changes nothing."""

    def __init__(self, card: ModelCard, data: bytes, threads: int) -> None:
        """Raises MlsystemError when `data` is not a model that this ONNX Runtime runs."""
        self.card = card
        self._encode = RowEncoder(Architecture.of(card.architecture))
        try:
            self._session = onnxruntime.InferenceSession(data, options(threads), providers=["CPUExecutionProvider"])
        except REFUSED as error:
            raise MlsystemError(f"ONNX Runtime cannot run {ONNX} of '{card.model}': {error}", OTHERWISE) from error

    @classmethod
    def load(cls, folder: Path, threads: int) -> OnnxModel:
        """Raises MlsystemError when the directory is not a whole version, or one that has no ONNX model."""
        card = read_card(folder)
        return cls(card, accepted(folder, read_recorded(folder), f"version {card.version} of '{card.model}'"), threads)

    def predict(self, rows: Sequence[Sequence[Any]]) -> list[list[float]]:
        """As `artifact.LoadedModel.predict`."""
        if not rows:
            return []  # some operators of ONNX Runtime kill the process when they are given no rows
        answers: list[list[float]] = self.predict_arrays(*self._encode(rows)).tolist()
        return answers

    def predict_arrays(self, x_BN: NDArray[np.float32], ids_BC: NDArray[np.int64]) -> NDArray[np.float32]:
        """As `artifact.LoadedModel.predict_arrays`; of at least one row."""
        (answers_BO,) = self._session.run([ANSWERS], {X: x_BN, IDS: ids_BC})
        found: NDArray[np.float32] = answers_BO
        return found


def accepted(folder: Path, recorded: Recorded, version: str) -> bytes:
    """`model.onnx`, byte for byte as it was when the version was registered."""
    if recorded.onnx is None:
        raise MlsystemError(f"{version} has no {ONNX}: {recorded.reason}", OTHERWISE)
    try:
        data = (folder / ONNX).read_bytes()
    except FileNotFoundError as error:
        raise MlsystemError(f"{folder / ONNX} is gone", f"restore it; or {OTHERWISE}") from error
    if sha256(data) != recorded.onnx:
        raise MlsystemError(f"{folder / ONNX} is damaged", f"restore it; or {OTHERWISE}")
    return data


def options(threads: int) -> onnxruntime.SessionOptions:
    """For few rows at a time on cores that are shared: threads that wait sleep, and memory is not kept for sizes of
    batches that do not come again."""
    chosen = onnxruntime.SessionOptions()
    chosen.intra_op_num_threads = threads
    chosen.inter_op_num_threads = 1
    chosen.enable_mem_pattern = False
    chosen.add_session_config_entry("session.intra_op.allow_spinning", "0")
    chosen.log_severity_level = ERRORS_ONLY
    return chosen
