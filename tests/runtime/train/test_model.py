"""The tabular model and what it is rebuilt from: preprocessing is frozen at training and survives odd values."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from learning import INPUTS, SMALL, dataset
from msgspec.structs import replace

from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.features import ModelInput
from mlsystem_runtime.train.architecture import Architecture
from mlsystem_runtime.train.encode import encode_table
from mlsystem_runtime.train.fitting import fit_architecture
from mlsystem_runtime.train.model import build
from mlsystem_runtime.train.rows import RowEncoder

FLOAT, STRING, BOOL = ColumnType.FLOAT, ColumnType.STRING, ColumnType.BOOL


def fitted(table: pa.Table, inputs: tuple[ModelInput, ...] = INPUTS, embedding: str = "periodic") -> Architecture:
    label = np.arange(len(table)) % 2
    return fit_architecture(table, label, inputs, "binary_classification", replace(SMALL, numeric_embedding=embedding))


def column(values: list[object], kind: pa.DataType) -> tuple[pa.Table, tuple[ModelInput, ...]]:
    type_of = {pa.float64(): FLOAT, pa.string(): STRING, pa.bool_(): BOOL}[kind]
    return pa.table({"a.x": pa.array(values, kind)}), (ModelInput("a.x", type_of),)


def encoded(architecture: Architecture, rows: list[list[Any]]) -> tuple[torch.Tensor, torch.Tensor]:
    x_BN, ids_BC = RowEncoder(architecture)(rows)
    return torch.from_numpy(x_BN), torch.from_numpy(ids_BC)


def test_an_architecture_survives_json() -> None:
    architecture = fitted(dataset(300))

    assert Architecture.of(json.loads(json.dumps(architecture.values()))) == architecture


def test_an_architecture_of_another_format_is_refused() -> None:
    with pytest.raises(MlsystemError, match="format 99"):
        Architecture.of({**fitted(dataset(100)).values(), "format": 99})


def test_rows_and_tables_are_encoded_alike() -> None:
    table = dataset(300)
    architecture = fitted(table)
    rows = [[row[one.name] for one in INPUTS] for row in table.to_pylist()]

    x_BN, ids_BC = map(torch.from_numpy, encode_table(table, architecture))
    x_rows_BN, ids_rows_BC = encoded(architecture, rows)

    torch.testing.assert_close(x_rows_BN, x_BN, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(ids_rows_BC, ids_BC)


def test_null_and_unseen_categories_have_ids_of_their_own() -> None:
    table, inputs = column(["b", "b", "a", None], pa.string())

    _, ids_BC = RowEncoder(fitted(table, inputs))([["b"], ["a"], [None], ["new"]])

    assert ids_BC.flatten().tolist() == [2, 3, 0, 1]


def test_very_rare_categories_count_as_unseen() -> None:
    table, inputs = column(["often"] * 12_000 + ["once"], pa.string())

    assert fitted(table, inputs).categorical[0].vocabulary == ("often",)


def test_booleans_are_categories_in_tables_and_in_rows() -> None:
    table, inputs = column([True, True, False, None], pa.bool_())
    architecture = fitted(table, inputs)

    _, from_rows_BC = RowEncoder(architecture)([[True], [False], [None]])

    assert from_rows_BC.flatten().tolist() == [2, 3, 0]
    assert encode_table(table, architecture)[1].flatten().tolist() == [2, 2, 3, 0]


@pytest.mark.parametrize("embedding", ["periodic", "piecewise", "none"])
@pytest.mark.parametrize("values", [
    [None, None, None], [3.0, 3.0, 3.0], [1e308, -1e308, 0.0], [0.0] * 99 + [1.0], [1e-300, 2e-300, 3e-300],
])
def test_any_column_gives_finite_answers_and_gradients(embedding: str, values: list[float | None]) -> None:
    table, inputs = column(values, pa.float64())
    module = build(fitted(table, inputs, embedding))
    x_BN, ids_BC = encoded(module.architecture, [[None], [1e308], [-1e308], [0.0], [3.0], [1e-300]])

    logits_BO = module(x_BN, ids_BC)
    logits_BO.sum().backward()

    assert logits_BO.isfinite().all()
    assert all(weight.grad is None or weight.grad.isfinite().all() for weight in module.parameters())


@pytest.mark.parametrize("embedding", ["periodic", "piecewise"])
def test_a_value_that_was_never_missing_in_training_adds_nothing_when_it_is(embedding: str) -> None:
    table, inputs = column([float(one) for one in range(100)], pa.float64())
    numeric = build(fitted(table, inputs, embedding)).numeric

    assert numeric is not None
    assert numeric(torch.full((1, 1), float("nan"))).count_nonzero() == 0


def test_a_piecewise_value_fills_the_bins_below_it() -> None:
    table, inputs = column([float(one) for one in range(17)], pa.float64())
    module = build(fitted(table, inputs, "piecewise"))
    piecewise = module.numeric
    assert piecewise is not None

    with torch.no_grad():
        piecewise.weight_NKE.fill_(1.0)  # so that an embedding is the number of bins filled
        embedded_BE = piecewise(torch.tensor([[0.0], [4.5], [16.0], [99.0]]))

    assert embedded_BE[:, 0].tolist() == [0.0, 4.5, 16.0, 16.0]


def test_a_regression_answers_in_the_units_of_its_target() -> None:
    table, inputs = column([0.0, 1.0, 2.0], pa.float64())
    architecture = fit_architecture(table, np.array([1000.0, 1010.0, 1020.0]), inputs, "regression", SMALL)
    module = build(architecture).eval()

    with torch.no_grad():
        module.head.weight.zero_()
        module.head.bias.zero_()
        answer = module.predict(*encoded(architecture, [[1.0]]))

    assert answer.item() == 1010.0
