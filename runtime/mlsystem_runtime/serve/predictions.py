"""What a client reads of a model's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlsystem_runtime.contract.model import ModelCard


def prediction(card: ModelCard, outputs: Mapping[str, float]) -> dict[str, Any]:
    """What a client reads of one row: `prediction`, and for a classifier how probable it is."""
    match card.task:
        case "binary_classification":
            probability = outputs[card.outputs[0]]
            return {"prediction": probability >= 0.5, "probability": probability}
        case "multiclass":
            best = max(outputs, key=outputs.__getitem__)
            return {"prediction": best, "probability": outputs[best], "probabilities": outputs}
        case _:
            return {"prediction": outputs[card.outputs[0]]}
