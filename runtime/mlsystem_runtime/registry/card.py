"""The files of a model directory, and its card, for whoever does not load the weights."""

from __future__ import annotations

from pathlib import Path

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.workspace import read_struct

CARD_FORMAT = 1
CARD, WEIGHTS, SPLIT, EVALUATION = "model.json", "model.safetensors", "split.json", "evaluation.json"
ONNX, RECORDED = "model.onnx", "recorded.json"
CODE = "code"  # the folder with the code of a network of the user's own


def read_card(folder: Path) -> ModelCard:
    """`model.json` of a model directory. Raises MlsystemError where there is none that this version can read."""
    try:
        card = read_struct(folder / CARD, ModelCard)
    except FileNotFoundError as error:
        raise MlsystemError(f"{folder} holds no model", "train it again with `mlsystem apply`") from error
    if card.format != CARD_FORMAT:
        raise MlsystemError(
            f"{folder / CARD} has format {card.format}; this version reads {CARD_FORMAT}",
            "use the version of mlsystem that wrote it",
        )
    return card
