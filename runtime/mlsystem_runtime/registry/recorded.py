"""`recorded.json`: test rows that a version was asked when it was made, with what torch answered.

Whoever loads the version asks them again: an engine that answers otherwise, because it was exported wrongly, a file is
damaged or this machine computes otherwise, never answers a request. They also warm a server, and compare versions.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.workspace import read_struct
from mlsystem_runtime.registry.card import RECORDED

TOLERANCE = 1e-5
Value = str | int | float | bool | None


class Recorded(Struct):
    """`rows` in the order of `card.contract.inputs`; `answers` as `predict` gives them, None where a number was not
    finite. `unit` is what a difference is measured in: the spread of a regression's target, 1 for probabilities.
    `onnx` is the SHA-256 of `model.onnx`, None where there is none, because of `reason`."""

    rows: tuple[tuple[Value, ...], ...] = ()
    answers: tuple[tuple[float | None, ...], ...] = ()
    unit: float = 1.0
    onnx: str | None = None
    reason: str | None = None


NOTHING = Recorded(reason="an older mlsystem registered it")


class Predicts(Protocol):
    def predict(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[float]]: ...


def read_recorded(folder: Path) -> Recorded:
    """NOTHING for a version from before there was such a file."""
    try:
        return read_struct(folder / RECORDED, Recorded)
    except FileNotFoundError:
        return NOTHING


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def furthest(recorded: Recorded, model: Predicts) -> float:
    """The largest difference between what `model` answers and what was recorded, one row at a time and all at once;
    in units of `unit`, or of the answer itself where that is more (float32 holds seven digits). 0 without rows."""
    if not recorded.rows:
        return 0.0
    together = model.predict(recorded.rows)
    alone = [model.predict([row])[0] for row in recorded.rows]
    return max(
        difference(wanted, found, recorded.unit)
        for answers in (together, alone)
        for wanted_O, found_O in zip(recorded.answers, answers, strict=True)
        for wanted, found in zip(wanted_O, found_O, strict=True)
    )


def difference(wanted: float | None, found: float, unit: float) -> float:
    if wanted is None or not math.isfinite(found):
        return 0.0 if wanted is None and not math.isfinite(found) else math.inf
    return abs(found - wanted) / max(unit, abs(wanted))


def check_recorded(recorded: Recorded, model: Predicts, version: str) -> None:
    """Raises MlsystemError when the loaded `version` does not answer the recorded rows as it did."""
    off_by = furthest(recorded, model)
    if off_by > TOLERANCE:
        raise MlsystemError(
            f"{version} does not answer as it did when it was registered: off by {off_by:.1e} on "
            f"{len(recorded.rows)} recorded rows, where {TOLERANCE:g} is allowed",
            "its files are damaged or this machine computes otherwise: restore it, or train again",
        )
