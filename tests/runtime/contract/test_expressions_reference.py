"""docs/reference/functions.md says what the table of functions says, and its examples are true."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.contract.expressions import compile_expression
from mlsystem_runtime.contract.expressions.functions import FUNCTIONS, Function
from mlsystem_runtime.contract.expressions.reference import functions_reference
from mlsystem_runtime.features.expressions.python import to_python

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "functions.md"
COLUMNS = {
    "arr_delay": Column(name="arr_delay", type=ColumnType.FLOAT, nullable=True),
    "distance": Column(name="distance", type=ColumnType.INT),
    "origin": Column(name="origin", type=ColumnType.STRING),
    "dest": Column(name="dest", type=ColumnType.STRING),
    "scheduled_departure": Column(name="scheduled_departure", type=ColumnType.TIMESTAMP),
    "landed_at": Column(name="landed_at", type=ColumnType.TIMESTAMP, nullable=True),
}


def test_the_page_is_what_functions_reference_returns() -> None:
    assert PAGE.read_text("utf-8") == functions_reference()


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_the_example_of_each_function_is_true(function: Function) -> None:
    typed = compile_expression(function.example, COLUMNS)

    assert f"{function.name}(" in typed.text
    assert typed.inputs or to_python(typed)({}) is not False
