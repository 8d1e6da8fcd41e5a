"""A model as a directory: `model.safetensors` (weights) and `model.json` (everything else). No pickle."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.code import Code, code_digest, read_code
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.workspace import write_atomically, write_struct
from mlsystem_runtime.registry.card import CARD, CODE, WEIGHTS, read_card
from mlsystem_runtime.train.architecture import Architecture
from mlsystem_runtime.train.custom import build_custom
from mlsystem_runtime.train.encode import encode_table, in_blocks
from mlsystem_runtime.train.imported import Snapshot
from mlsystem_runtime.train.model import Network, build
from mlsystem_runtime.train.rows import RowEncoder


class LoadedModel:
    """A model that answers. Thread-safe: prediction changes nothing."""

    def __init__(self, card: ModelCard, module: Network) -> None:
        self.card = card
        self.module = module.eval()
        self._encode = RowEncoder(module.architecture)

    @classmethod
    def load(cls, folder: Path) -> LoadedModel:
        """Raises MlsystemError when the directory is not a whole model, or one that this version cannot read."""
        card = read_card(folder)
        module = rebuilt(card, folder)
        try:
            module.load_state_dict(safetensors.torch.load_file(folder / WEIGHTS))
        except (FileNotFoundError, SafetensorError, RuntimeError) as error:
            raise MlsystemError(
                f"{folder / WEIGHTS} does not hold the weights of this model: {error}", "restore it, or train again"
            ) from error
        return cls(card, module)

    @property
    def architecture(self) -> Architecture:
        return self.module.architecture

    def predict(self, rows: Sequence[Sequence[Any]]) -> list[list[float]]:
        """For each row, values in the order of `card.contract.inputs`, one number per name in `card.outputs`.

        Null is None. Raises TypeError or ValueError when a value is not of its input's type.
        """
        if not rows:
            return []
        answers: list[list[float]] = self.predict_arrays(*self._encode(rows)).tolist()
        return answers

    def predict_arrays(self, x_BN: NDArray[np.float32], ids_BC: NDArray[np.int64]) -> NDArray[np.float32]:
        """(B, O), of the arrays that `train.encode` and `train.rows` make."""
        return predict_arrays(self.module, x_BN, ids_BC)

    def predict_table(self, table: pa.Table) -> NDArray[np.float32]:
        """(B, O) for a table with one column per input, by name."""
        return predict_table(self.module, table)


def rebuilt(card: ModelCard, folder: Path) -> Network:
    """The module without its weights. Code of the user is that of then, whatever else this process has imported."""
    architecture = Architecture.of(card.architecture)
    if card.code is None:
        return build(architecture)
    files = read_code(folder / CODE)
    if code_digest(files) != card.code.digest:
        raise MlsystemError(f"{folder / CODE} is not the code of this model", "restore it, or train again")
    return build_custom(architecture, Snapshot(folder / CODE, files), card.code.entrypoint)


def predict_arrays(module: Network, x_BN: NDArray[np.float32], ids_BC: NDArray[np.int64]) -> NDArray[np.float32]:
    with torch.inference_mode():
        answers_BO: NDArray[np.float32] = module.predict(torch.from_numpy(x_BN), torch.from_numpy(ids_BC)).numpy()
    return answers_BO


def predict_table(module: Network, table: pa.Table) -> NDArray[np.float32]:
    """Answers (B, O) of `module`, in evaluation mode, for a table with one column per input."""
    arrays = encode_table(table, module.architecture)
    return in_blocks(partial(predict_arrays, module), *arrays, len(module.architecture.outputs))


def write_model(folder: Path, module: Network, card: ModelCard) -> None:
    """Each file whole or absent."""
    write_atomically(folder / WEIGHTS, weights(module))
    write_struct(folder / CARD, card)


def write_code(folder: Path, files: Mapping[str, str]) -> None:
    """Beside the card of a network of the user's own."""
    for path, text in files.items():
        write_atomically(folder / CODE / path, text)


def weights(module: Network) -> bytes:
    """Two names of one tensor, which a network of the user's own may have, are two tensors here."""
    held = module.state_dict().items()
    data: bytes = safetensors.torch.save(
        {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in held})
    return data


def model_digest(module: Network, contract_digest: str, code: Code | None = None) -> str:
    """What the model computes: its weights, what rebuilds it, and the contract of its inputs."""
    hashed = hashlib.sha256(weights(module))
    hashed.update(canonical_json([module.architecture.values(), contract_digest]))
    if code is not None:
        hashed.update(canonical_json([code.digest, code.entrypoint]))
    return hashed.hexdigest()[:32]
