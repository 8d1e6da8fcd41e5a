"""Which rows train, validate and test: boundaries are instants, labels must be known in time (spec.md, *Split*)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.run import Split
from mlsystem_runtime.train.split import split_rows

BY_TIME = Split(by="time", validation=0.15, test=0.15)
RANDOM = Split(by="random", validation=0.15, test=0.15)


def examples(at: list[int], known: list[int | None] | None = None) -> pa.Table:
    return pa.table({
        "__at": pa.array(at, pa.int64()), "__known": pa.array(at if known is None else known, pa.int64()),
    })


def test_seventy_fifteen_fifteen_of_a_hundred_rows() -> None:
    parts = split_rows(examples(list(range(100))), BY_TIME, seed=0)

    assert (parts.train.tolist(), parts.test.tolist()) == (list(range(70)), list(range(85, 100)))
    assert (parts.record.validation_start_us, parts.record.test_start_us) == (70, 85)
    assert parts.record.seen_until_us == 84


def test_rows_of_one_instant_go_to_the_later_part_together() -> None:
    at = sorted([0] * 40 + [1] * 40 + [2] * 10 + [3] * 10)

    rows = split_rows(examples(at), Split(by="time", validation=0.3, test=0.15), seed=0).record.rows

    assert (rows.train, rows.validation, rows.test) == (40, 40, 20)


def test_a_label_known_at_the_boundary_itself_is_in_time() -> None:
    known: list[int | None] = [70] * 70 + [85] * 15 + [10_000] * 15

    rows = split_rows(examples(list(range(100)), known), BY_TIME, seed=0).record.rows

    assert (rows.train, rows.validation, rows.test, rows.removed) == (70, 15, 15, 0)


def test_labels_known_too_late_leave_the_part_they_would_leak_from() -> None:
    known: list[int | None] = [71] * 10 + [0] * 60 + [86] * 5 + [0] * 10 + [10_000] * 15

    rows = split_rows(examples(list(range(100)), known), BY_TIME, seed=0).record.rows

    assert (rows.train, rows.late_train) == (60, 10)
    assert (rows.validation, rows.late_validation) == (10, 5)
    assert rows.test == 15


def test_a_label_that_is_never_known_is_in_no_part() -> None:
    known: list[int | None] = [None if at % 10 == 0 else at for at in range(100)]

    parts = split_rows(examples(list(range(100)), known), BY_TIME, seed=0)

    assert parts.record.rows.unknown_label == parts.record.rows.removed == 10
    assert not any(row % 10 == 0 for row in [*parts.train, *parts.validation, *parts.test])


@given(
    at=st.lists(st.integers(0, 50), min_size=40, max_size=120), late=st.integers(0, 20),
    fraction=st.sampled_from([0.1, 0.15, 0.2, 0.3]),
)
def test_every_row_is_in_one_part_or_counted_as_removed(at: list[int], late: int, fraction: float) -> None:
    table = examples(at, [one + late for one in at])
    try:
        parts = split_rows(table, Split(by="time", validation=fraction, test=fraction), seed=0)
    except MlsystemError:
        return  # all rows of a part share an instant with the next one

    together = np.concatenate([parts.train, parts.validation, parts.test])
    times = np.array(at)
    assert len(together) == len(set(together.tolist())) == len(at) - parts.record.rows.removed
    assert times[parts.train].max() < times[parts.validation].min() <= times[parts.validation].max()
    assert times[parts.validation].max() < times[parts.test].min()
    assert times[parts.train].max() + late <= parts.record.validation_start_us
    assert times[parts.validation].max() + late <= parts.record.test_start_us


def test_a_random_split_depends_on_the_seed_alone() -> None:
    table = examples(list(range(1000)))

    first, again, other = (split_rows(table, RANDOM, seed) for seed in (1, 1, 2))

    assert first.test.tolist() == again.test.tolist() != other.test.tolist()
    assert (len(first.train), len(first.validation), len(first.test)) == (700, 150, 150)
    assert first.record.test_start_us is None


@pytest.mark.parametrize("split", [BY_TIME, RANDOM])
def test_too_few_rows_for_a_part_are_refused_by_its_name(split: Split) -> None:
    with pytest.raises(MlsystemError, match="part of the split has no rows"):
        split_rows(examples([1, 2]), split, seed=0)


def test_no_examples_at_all_are_refused() -> None:
    with pytest.raises(MlsystemError, match="0 examples in all"):
        split_rows(examples([]), BY_TIME, seed=0)
