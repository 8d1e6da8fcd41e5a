"""The offline engine equals its definition, on random data with everything that is awkward."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from events import (
    HOUR,
    KEY,
    KNOWN,
    TYPES,
    Row,
    fits,
    latest_group,
    random_aggregates,
    random_asks,
    random_rows,
    source_of,
    table_of,
)

from mlsystem_runtime.contract.columns import ColumnType, Source
from mlsystem_runtime.contract.features import Aggregate, AggregateGroup, LatestGroup
from mlsystem_runtime.features.content import content_word
from mlsystem_runtime.features.point_in_time import features_at
from mlsystem_runtime.features.rows import rows_of


def brute_latest(group: LatestGroup, source: Source, rows: list[Row], key: tuple[Any, ...], q: int) -> Row:
    answer: Row = {}
    for known in (True, False):
        names = [f.name for f in group.columns if (source.available is None or f.name in source.known_at_time) is known]
        found = [
            ((row["time"], seen, content_word({name: row[name] for name in names})), row)
            for row in rows
            for seen in [row["time"] if known else row["available"]]
            if None not in key and (row["k1"], row["k2"]) == key and row["time"] <= q and seen is not None and seen <= q
        ]
        rank, best = max(found, key=lambda one: one[0], default=((0,), None))
        fresh = best is not None and (group.ttl_us is None or rank[0] >= q - group.ttl_us)
        answer |= {name: best[name] if fresh and best else None for name in names}
    return answer


def brute_aggregate(one: Aggregate, source: Source, rows: list[Row], key: tuple[Any, ...], q: int) -> Any:
    if None in key:
        return None
    known = source.available is None or one.column in source.known_at_time
    start = (q - one.window_us) // one.tail_us * one.tail_us
    counted = [
        row
        for row in rows
        for seen in [row["time"] if known else row["available"]]
        if (row["k1"], row["k2"]) == key and start <= row["time"] < q and seen is not None and seen <= q
    ]
    if one.column is None:
        return len(counted)
    values = [row[one.column] for row in counted if row[one.column] is not None]
    if one.function == "count" or not values:
        return len(values) if one.function == "count" else None
    total = math.fsum(values) if TYPES[one.column] is ColumnType.FLOAT else sum(values)
    return {"sum": total, "mean": float(total) / len(values), "min": min(values), "max": max(values)}[one.function]


def answers(
    group: LatestGroup | AggregateGroup, source: Source, rows: list[Row], keys: list[Any], at: np.ndarray
) -> list[Row]:
    columns = [pa.chunked_array([pa.array([key[part] for key in keys], pa.string())]) for part in (0, 1)]
    table = features_at(group, source, rows_of(group, source, table_of(rows)), columns, at)
    return table.to_pylist()


CASES = [
    (seed, available, origin)
    for seed in range(6)
    for available in (True, False)
    for origin in (0, 1_362_900_000_000_000)
]


@pytest.mark.parametrize(("seed", "available", "origin"), CASES)
def test_latest_values_equal_their_definition(seed: int, available: bool, origin: int) -> None:
    random = np.random.default_rng(seed)
    source = source_of(available, KNOWN if available else tuple(TYPES))
    group = latest_group([None, 0, HOUR][seed % 3])
    rows = random_rows(random, 150, "any", origin - 3 * HOUR, available)
    keys, at = random_asks(random, rows, 200)

    found = answers(group, source, rows, keys, at)

    assert found == [brute_latest(group, source, rows, key, int(q)) for key, q in zip(keys, at, strict=True)]


@pytest.mark.parametrize(("seed", "available", "origin"), CASES)
@pytest.mark.parametrize("floats", ["whole", "halves", "any", "extreme"])
def test_windows_equal_their_definition_bit_for_bit(seed: int, available: bool, origin: int, floats: str) -> None:
    random = np.random.default_rng(seed)
    source = source_of(available, KNOWN if available else tuple(TYPES))
    group = AggregateGroup(name="g", fingerprint="f", source="events", key=KEY, aggregates=random_aggregates(random))
    rows = random_rows(random, 150, floats, origin - 3 * HOUR, available)
    keys, at = random_asks(random, rows, 120)

    found = answers(group, source, rows, keys, at)

    for one in group.aggregates:
        expected = [fits(brute_aggregate(one, source, rows, key, int(q))) for key, q in zip(keys, at, strict=True)]
        assert [row[one.name] for row in found] == expected, one


@pytest.mark.parametrize("kind", ["latest", "windows"])
def test_instants_too_far_apart_for_one_word_are_ranked(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    source, rows = source_of(True, KNOWN), random_rows(random, 200, "halves", 0, True)
    aggregates = AggregateGroup(
        name="g", fingerprint="f", source="events", key=KEY, aggregates=random_aggregates(random)
    )
    group = latest_group(HOUR) if kind == "latest" else aggregates
    keys, at = random_asks(random, rows, 300)
    packed = answers(group, source, rows, keys, at)
    monkeypatch.setattr("mlsystem_runtime.features.rows.LARGEST_PAIR", 1)

    assert answers(group, source, rows, keys, at) == packed


def test_the_order_of_rows_does_not_matter() -> None:
    random = np.random.default_rng(2)
    source, rows = source_of(True, KNOWN), random_rows(random, 200, "extreme", 0, True)
    group = AggregateGroup(name="g", fingerprint="f", source="events", key=KEY, aggregates=random_aggregates(random))
    keys, at = random_asks(random, rows, 100)
    expected = [answers(one, source, rows, keys, at) for one in (group, latest_group(None))]

    random.shuffle(rows)

    assert [answers(one, source, rows, keys, at) for one in (group, latest_group(None))] == expected
