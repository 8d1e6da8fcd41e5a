"""The model that every server answers with, as far as it lets one: three inputs, two outputs, one row after another."""

from __future__ import annotations

from typing import Any

import numpy as np

NAME = "mixed"
INPUTS = (
    {"name": "amount", "datatype": "FP32", "shape": [-1, 4]}, {"name": "count", "datatype": "INT32", "shape": [-1, 1]},
    {"name": "word", "datatype": "BYTES", "shape": [-1, 1]},
)  # fmt: skip
OUTPUTS = (
    {"name": "score", "datatype": "FP32", "shape": [-1, 1]}, {"name": "label", "datatype": "BYTES", "shape": [-1, 1]},
)  # fmt: skip


def answer(amount: Any, count: Any, word: Any) -> tuple[Any, list[str]]:
    """Scores [B, 1] and labels, a list of B words."""
    score = np.asarray(amount, np.float32).sum(axis=1, keepdims=True) + np.asarray(count, np.float32)
    texts = [one.decode() if isinstance(one, bytes) else str(one) for one in np.asarray(word).ravel()]
    return score.astype(np.float32), [text.upper() for text in texts]
