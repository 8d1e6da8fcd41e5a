"""Whether a model answers in ONNX Runtime as it does in torch, on rows that the version keeps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from msgspec.structs import replace

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.features import ModelInput
from mlsystem_runtime.contract.workspace import write_atomically, write_struct
from mlsystem_runtime.evaluate.evaluation import Parity
from mlsystem_runtime.registry.artifact import LoadedModel
from mlsystem_runtime.registry.card import ONNX, RECORDED
from mlsystem_runtime.registry.onnx_export import exported
from mlsystem_runtime.registry.onnx_model import REFUSED, OnnxModel
from mlsystem_runtime.registry.recorded import Recorded, Value, furthest, sha256

MOST_ROWS = 128
NEVER_SEEN = "\N{REPLACEMENT CHARACTER} never seen"
FLOAT64_MAX = float(np.finfo(np.float64).max)


def record(folder: Path, model: LoadedModel, test: pa.Table) -> Parity:
    """Writes `recorded.json` and, where the model has an ONNX form, `model.onnx` to `folder`; how far the two are
    apart."""
    recorded = recorded_rows(model, test)
    try:
        data = exported(model.module)
        off_by = furthest(recorded, OnnxModel(model.card, data, threads=1))
    except MlsystemError as error:
        return without(folder, recorded, error.message)
    except REFUSED as error:
        return without(folder, recorded, f"ONNX Runtime failed: {error}")
    if not math.isfinite(off_by):
        return without(folder, recorded, "of ONNX Runtime and torch one gives a number where the other gives none")
    write_atomically(folder / ONNX, data)
    write_struct(folder / RECORDED, replace(recorded, onnx=sha256(data)))
    return Parity(rows=len(recorded.rows), off_by=float(f"{off_by:.1e}"))


def without(folder: Path, recorded: Recorded, reason: str) -> Parity:
    """The version has no `model.onnx`."""
    write_struct(folder / RECORDED, replace(recorded, reason=reason))
    return Parity(rows=len(recorded.rows), off_by=None, reason=reason)


def recorded_rows(model: LoadedModel, test: pa.Table) -> Recorded:
    """Test rows, evenly spaced; one of nulls; one of categories that training never saw."""
    architecture, inputs = model.architecture, model.card.contract.inputs
    rows = (*drawn(test, inputs), unusual(inputs, None), unusual(inputs, NEVER_SEEN))
    return Recorded(
        rows=rows, answers=tuple(tuple(map(finite, row)) for row in model.predict(rows)),
        unit=max(1.0, architecture.target_spread),
    )


def drawn(test: pa.Table, inputs: Sequence[ModelInput]) -> tuple[tuple[Value, ...], ...]:
    chosen = np.unique(np.linspace(0, len(test) - 1, min(MOST_ROWS, len(test))).astype(np.int64))
    columns = [[held(value) for value in test[one.name].take(chosen).to_pylist()] for one in inputs]
    return tuple(zip(*columns, strict=True))


def unusual(inputs: Sequence[ModelInput], category: str | None) -> tuple[Value, ...]:
    return tuple(category if one.categorical else None for one in inputs)


def held(value: Value) -> Value:
    """JSON has neither NaN nor infinity. A model sees NaN as null and what is beyond float32 as its limit."""
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else math.copysign(FLOAT64_MAX, value)


def finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
