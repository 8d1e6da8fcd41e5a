"""A model as a directory: `model.safetensors` (weights) and `model.json` (everything else). No pickle."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.workspace import write_atomically, write_struct
from mlsystem_runtime.registry.card import CARD, WEIGHTS, read_card
from mlsystem_runtime.train.architecture import Architecture
from mlsystem_runtime.train.encode import RowEncoder, encode_table
from mlsystem_runtime.train.model import Tabular, build

TABLE_ROWS = 8192  # per forward pass over a table


class LoadedModel:
    """A model that answers. Thread-safe: prediction changes nothing."""

    def __init__(self, card: ModelCard, module: Tabular) -> None:
        self.card = card
        self._module = module.eval()
        self._encode = RowEncoder(module.architecture)

    @classmethod
    def load(cls, folder: Path) -> LoadedModel:
        """Raises MlsystemError when the directory is not a whole model, or one that this version cannot read."""
        card = read_card(folder)
        module = build(Architecture.of(card.architecture))
        try:
            module.load_state_dict(safetensors.torch.load_file(folder / WEIGHTS))
        except (FileNotFoundError, SafetensorError, RuntimeError) as error:
            raise MlsystemError(
                f"{folder / WEIGHTS} does not hold the weights of this model: {error}", "restore it, or train again"
            ) from error
        return cls(card, module)

    @property
    def architecture(self) -> Architecture:
        return self._module.architecture

    def predict(self, rows: Sequence[Sequence[Any]]) -> list[list[float]]:
        """For each row, values in the order of `card.contract.inputs`, one number per name in `card.outputs`.

        Null is None. Raises TypeError or ValueError when a value is not of its input's type.
        """
        if not rows:
            return []
        with torch.inference_mode():
            answers: list[list[float]] = self._module.predict(*self._encode(rows)).tolist()
        return answers

    def predict_table(self, table: pa.Table) -> Tensor:
        """(B, O) float32 for a table with one column per input, by name."""
        return predict_table(self._module, table)


def predict_table(module: Tabular, table: pa.Table) -> Tensor:
    """Answers (B, O) of `module`, in evaluation mode, for a table with one column per input."""
    x_BN, ids_BC = encode_table(table, module.architecture)
    with torch.inference_mode():
        parts = [
            module.predict(x_BN[start : start + TABLE_ROWS], ids_BC[start : start + TABLE_ROWS])
            for start in range(0, len(table), TABLE_ROWS)
        ]
    return torch.cat(parts) if parts else torch.empty(0, len(module.architecture.outputs))


def write_model(folder: Path, module: Tabular, card: ModelCard) -> None:
    """Each file whole or absent."""
    write_atomically(folder / WEIGHTS, weights(module))
    write_struct(folder / CARD, card)


def weights(module: Tabular) -> bytes:
    data: bytes = safetensors.torch.save({name: tensor.contiguous() for name, tensor in module.state_dict().items()})
    return data


def model_digest(module: Tabular, contract_digest: str) -> str:
    """What the model computes: its weights, what rebuilds it, and the contract of its inputs."""
    hashed = hashlib.sha256(weights(module))
    hashed.update(canonical_json([module.architecture.values(), contract_digest]))
    return hashed.hexdigest()[:32]
