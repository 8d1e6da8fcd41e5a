"""The frozen grid: where values fall, and that counts merge by addition."""

from __future__ import annotations

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mlsystem_runtime.contract.model import CategoryProfile, NumericProfile, Reference
from mlsystem_runtime.serve.cells import Tally, category_column, grid_of, merged, numeric_column

GRID = grid_of(Reference(
    numeric=(NumericProfile("x", (0.0, 1.0), (1, 2, 3), 4),),
    categorical=(CategoryProfile("c", ("a", "b"), (5, 3), 1, 0),),
    predictions=(NumericProfile("probability", (0.5,), (5, 5), 0),),
))
WHOLE = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**53 - 1, 2**53, 2**53 + 1, 2**53 + 3])
EDGES = st.lists(st.floats(allow_nan=False) | st.sampled_from([2.0**53, 2.0**53 + 4]), max_size=8).map(sorted)
row = st.tuples(st.none() | st.floats(), st.sampled_from(["a", "b", "z", None]), st.floats(0, 1))
rows = st.lists(row, max_size=30)


def tally(found):
    made = Tally(GRID)
    for x, c, probability in found:
        made.add({"x": x, "c": c}, {"probability": probability})
    return made


def content(made):
    return made.rows, made.inputs, made.predictions


def test_an_edge_belongs_to_the_cell_above_it():
    column = numeric_column(NumericProfile("x", (0.0, 1.0), (1, 2, 3), 4))

    assert [column.cell(value) for value in (-math.inf, -0.1, 0.0, 0.5, 1.0, 1e300, math.inf)] == [0, 0, 1, 1, 2, 2, 2]


def test_null_and_nan_have_a_cell_of_their_own():
    column = numeric_column(NumericProfile("x", (0.0,), (1, 2), 0))

    assert column.cell(None) == column.cell(math.nan) == 2
    assert column.size == 3


def test_unseen_categories_and_null_have_cells_of_their_own():
    column = category_column(CategoryProfile("c", ("a", "b"), (1, 1), 0, 0))

    assert [column.cell(value) for value in ("a", "b", "other", None)] == [0, 1, 2, 3]


def test_booleans_are_the_categories_false_and_true():
    column = category_column(CategoryProfile("c", ("true", "false"), (1, 1), 0, 0))

    assert [column.cell(value) for value in (True, False)] == [0, 1]


@given(EDGES, st.lists(st.none() | st.floats() | WHOLE | st.booleans(), max_size=60))
def test_many_numbers_are_counted_as_one_by_one(edges, values):
    profile = NumericProfile("x", tuple(edges), (0,) * (len(edges) + 1), 0)
    made = Tally(grid_of(Reference(numeric=(profile, replace(profile, name="y")), categorical=(), predictions=())))
    made.add_rows([{"x": value} for value in values], [{}] * len(values))

    column = numeric_column(profile)
    counted = Counter(map(column.cell, values))
    assert made.inputs == [
        [counted[cell] for cell in range(column.size)], [0] * (column.size - 1) + [len(values)]]


@given(st.lists(st.sampled_from(["true", "b"]), unique=True), st.lists(st.sampled_from(["b", "z", None, True, False])))
def test_many_categories_are_counted_as_one_by_one(categories, values):
    column = category_column(CategoryProfile("c", tuple(categories), (0,) * len(categories), 0, 0))

    assert column.cells(values) == Counter(map(column.cell, values))


@given(rows, rows, rows)
def test_counts_merge_in_any_order_to_what_one_process_would_have_counted(first, second, third):
    files = [tally(found).counts("main", 1, 0) for found in (first, second, third)]

    expected = content(tally(first + second + third))
    assert content(merged(GRID, files)) == content(merged(GRID, files[::-1])) == expected
    pair = merged(GRID, files[:2]).counts("main", 1, 0)
    assert content(merged(GRID, [pair, files[2]])) == expected


def test_counts_on_another_grid_are_left_out():
    other = grid_of(Reference(numeric=(NumericProfile("x", (9.0,), (1, 1), 0),), categorical=(), predictions=()))

    assert merged(other, [tally([(1.0, "a", 0.5)]).counts("main", 1, 0)]).rows == 0
