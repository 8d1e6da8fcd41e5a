"""Reference profiles: exact counts on a grid of training quantiles."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from mlsystem_runtime.serve.cells import category_column, numeric_column
from mlsystem_runtime.train.reference import category_profile, numeric_profile
from mlsystem_runtime.train.threads import thread_count


@pytest.mark.parametrize("draw", ["normal", "few", "spike", "constant", "empty"])
def test_counts_are_what_the_monitor_would_count(draw: str) -> None:
    random = np.random.default_rng(1)
    values = {
        "normal": random.normal(size=5000), "few": random.integers(0, 7, 5000).astype(float),
        "spike": np.where(random.random(5000) < 0.9, 0.0, random.exponential(size=5000)),
        "constant": np.full(100, 3.5), "empty": np.full(10, np.nan),
    }[draw]
    values[::10] = np.nan

    profile = numeric_profile("x", values)

    column = numeric_column(profile)
    counted = np.bincount([column.cell(value) for value in values.tolist()], minlength=column.size)
    assert tuple(counted) == (*profile.counts, profile.nulls)
    assert len(profile.edges) <= 255
    assert list(profile.edges) == sorted(set(profile.edges))


def test_a_continuous_column_is_cut_evenly() -> None:
    profile = numeric_profile("x", np.random.default_rng(1).normal(size=25_600))

    assert len(profile.edges) == 255
    assert max(profile.counts) < 120


def test_each_of_few_values_has_its_own_cell() -> None:
    profile = numeric_profile("x", np.array([1.0, 2.0, 2.0, 5.0]))

    assert (profile.edges, profile.counts) == ((1.0, 2.0, 5.0), (0, 1, 2, 1))


def test_categories_beyond_the_most_frequent_are_counted_together() -> None:
    values = ["common"] * 50 + [f"rare-{number:03}" for number in range(300)] + [None] * 3

    profile = category_profile("x", pa.chunked_array([pa.array(values)]))

    assert profile.categories[:2] == ("common", "rare-000")
    assert (len(profile.categories), profile.other, profile.nulls) == (255, 46, 3)
    assert sum(profile.counts) + profile.other + profile.nulls == len(values)


def test_booleans_are_profiled_as_the_monitor_names_them() -> None:
    profile = category_profile("x", pa.chunked_array([pa.array([True, True, False, None])]))

    assert profile.categories == ("true", "false")
    assert category_column(profile).cell(True) == 0


def test_declared_threads_win_over_what_the_machine_has() -> None:
    assert thread_count(3) == 3
    assert thread_count(None) >= 1
