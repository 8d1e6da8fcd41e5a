from __future__ import annotations

import numpy as np
import pytest

from mlsystem_runtime.features.extrema import NOTHING, best_from_end, late_best, range_best


@pytest.mark.parametrize("rows", [0, 1, 2, 17, 1000])
def test_the_best_of_a_range_is_its_maximum(rows: int) -> None:
    random = np.random.default_rng(rows)
    ranks = random.integers(-1, 500, rows)
    first = random.integers(0, rows + 1, 300)
    end = np.minimum(first + random.integers(0, rows + 1, 300), rows)

    found = range_best(ranks, first, end)

    assert found.tolist() == [max(ranks[a:b].tolist(), default=NOTHING) for a, b in zip(first, end, strict=True)]


def test_blocks_do_not_see_into_each_other() -> None:
    assert best_from_end(np.array([1, 5, 3, -1, 2]), np.array([0, 0, 2, 2, 2])).tolist() == [5, 5, 3, 2, 2]


@pytest.mark.parametrize("seed", range(5))
def test_late_rows_of_long_histories_are_found(seed: int) -> None:
    """Three keys; rows enter in an order of their own. Each question is a prefix of a key's rows and a least time."""
    random = np.random.default_rng(seed)
    sizes = np.array([700, 1, 64])
    starts = np.append(0, np.cumsum(sizes))
    ranks = random.integers(-1, sizes.sum(), sizes.sum())
    place_in_time = np.concatenate(
        [start + random.permutation(size) for start, size in zip(starts, sizes, strict=False)]
    )
    key = random.integers(0, 3, 400)
    entered = starts[key] + (random.random(400) * (sizes[key] + 1)).astype(int)
    first = starts[key] + (random.random(400) * (sizes[key] + 1)).astype(int)

    found = late_best(ranks, place_in_time, np.repeat(starts[:-1], sizes), starts[key], entered, first)

    assert found.tolist() == [
        max((int(ranks[row]) for row in range(start, end) if place_in_time[row] >= least), default=NOTHING)
        for start, end, least in zip(starts[key], entered, first, strict=True)
    ]
