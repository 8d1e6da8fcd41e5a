"""A request and an answer of the protocol as plain values, and what a model's columns make of them.

A column of the request is an input tensor of shape [rows] or [rows, 1], so the rows of a request are read across its
tensors. Which version answers a row, and whether a value fits its column, is for the predictor to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.serve.oip.datatypes import DATATYPES, Kind
from mlsystem_runtime.serve.refused import RefusedError
from mlsystem_runtime.serve.values import MAX_ROWS

Parameters = Mapping[str, bool | int | float | str]

DATATYPE_OF: Mapping[ColumnType, str] = {
    ColumnType.STRING: "BYTES",
    ColumnType.INT: "INT64",
    ColumnType.FLOAT: "FP64",
    ColumnType.BOOL: "BOOL",
    ColumnType.TIMESTAMP: "INT64",
}
CLASS = "probabilities."


class Tensor(msgspec.Struct, frozen=True):
    """`elements` are Python values in row-major order."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    elements: Sequence[Any]


class TensorType(msgspec.Struct, frozen=True):
    """What metadata says of a tensor: one element per row, whatever the number of rows."""

    name: str
    datatype: str

    @property
    def metadata(self) -> dict[str, Any]:
        return {"name": self.name, "datatype": self.datatype, "shape": [-1]}


class Wanted(msgspec.Struct, frozen=True):
    """An output that the client asks for by name; `binary` None where it does not say how to send it."""

    name: str
    binary: bool | None = None


class InferRequest(msgspec.Struct, frozen=True):
    """`outputs` None asks for all. `binary` is how outputs are sent that do not say it themselves."""

    inputs: tuple[Tensor, ...]
    id: str = ""
    outputs: tuple[Wanted, ...] | None = None
    parameters: Parameters = msgspec.field(default_factory=dict)
    binary: bool = False


class InferAnswer(msgspec.Struct, frozen=True):
    """`version` is empty where rows were answered by different versions."""

    model: str
    version: str
    id: str
    outputs: tuple[Tensor, ...]


def bad(message: str, tensor: str | None = None) -> RefusedError:
    return RefusedError(400, message if tensor is None else f"input '{tensor}' {message}", field=tensor)


def row_count(name: str, shape: Sequence[int]) -> int:
    """The rows of an input. Raises RefusedError for any shape but [rows] and [rows, 1]."""
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] != 1):
        raise bad(f"has shape {_said(shape)}; it must be [rows] or [rows, 1]", name)
    if not 1 <= shape[0] <= MAX_ROWS:
        raise bad(f"has shape {_said(shape)}; from 1 to {MAX_ROWS} rows are answered at once", name)
    return shape[0]


def _said(shape: Sequence[int]) -> str:
    return str(list(shape))[:80]


def rows_of(inputs: Sequence[Tensor], columns: Mapping[str, Column]) -> list[dict[str, Any]]:
    """One mapping per row, with values as JSON would give them. Columns that no tensor brings are absent.

    Raises RefusedError for names that are unknown or come twice, another kind of datatype, different numbers of rows.
    """
    if not inputs:
        raise bad("'inputs' must hold at least one tensor")
    rows: list[dict[str, Any]] = [{} for _ in range(inputs[0].shape[0])]
    for tensor in inputs:
        column = columns.get(tensor.name)
        if column is None:
            raise bad(f"is not one of this model; it has {', '.join(columns)}", tensor.name)
        if tensor.name in rows[0]:
            raise bad("is there twice", tensor.name)
        if len(tensor.elements) != len(rows):
            raise bad(f"has {len(tensor.elements)} rows, but '{inputs[0].name}' has {len(rows)}", tensor.name)
        for row, value in zip(rows, values_of(tensor, column), strict=True):
            row[tensor.name] = value
    return rows


def values_of(tensor: Tensor, column: Column) -> Sequence[Any]:
    """A not-a-number is the null of a nullable column, and nothing that another one takes."""
    wanted = DATATYPE_OF[column.type]
    kind: Kind = DATATYPES[wanted].kind
    if DATATYPES[tensor.datatype].kind != kind:
        raise bad(f"has datatype {tensor.datatype}; it must be {wanted}", tensor.name)
    if kind == "float" and column.nullable:
        return [None if value != value else value for value in tensor.elements]  # noqa: PLR0124 - only NaN differs from itself
    return tensor.elements


def input_types(columns: Iterable[Column]) -> tuple[TensorType, ...]:
    return tuple(TensorType(column.name, DATATYPE_OF[column.type]) for column in columns)


def output_types(card: ModelCard) -> tuple[TensorType, ...]:
    """`prediction`; for a classifier `probability`, and of several classes each one's as `probabilities.CLASS`."""
    probability = TensorType("probability", "FP64")
    match card.task:
        case "binary_classification":
            return TensorType("prediction", "BOOL"), probability
        case "multiclass":
            classes = (TensorType(CLASS + name, "FP64") for name in card.outputs)
            return TensorType("prediction", "BYTES"), probability, *classes
        case _:
            return (TensorType("prediction", "FP64"),)


def chosen_types(request: InferRequest, card: ModelCard) -> tuple[TensorType, ...]:
    """The outputs that the request asks for, in its order. Raises RefusedError for one that is unknown."""
    types = output_types(card)
    if request.outputs is None:
        return types
    named = {one.name: one for one in types}
    for wanted in request.outputs:
        if wanted.name not in named:
            raise bad(f"'{wanted.name}' is not an output of this model; it has {', '.join(named)}")
    if len({wanted.name for wanted in request.outputs}) < len(request.outputs):
        raise bad("an output is asked for twice")
    return tuple(named[wanted.name] for wanted in request.outputs)


def output_tensors(types: Iterable[TensorType], predictions: Sequence[Mapping[str, Any]]) -> tuple[Tensor, ...]:
    """One element per row; null where the version that answered a row knows no such output."""
    return tuple(
        Tensor(one.name, one.datatype, (len(predictions),), [_output(one.name, row) for row in predictions])
        for one in types
    )


def _output(name: str, prediction: Mapping[str, Any]) -> Any:
    if name.startswith(CLASS):
        return prediction.get("probabilities", {}).get(name.removeprefix(CLASS))
    return prediction.get(name)
