"""What the online store answers at any instant from its watermark on is what the offline engine says of the same rows.

Bit for bit: counts, latest values and sums of floats alike, because sums are exact on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
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
    latest_group,
    random_aggregates,
    random_asks,
    random_rows,
    source_of,
    table_of,
)
from feature_table import make_table
from object_store import object_store
from redis_server import RedisServer, redis_server

from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.features import AggregateGroup, StoredGroup
from mlsystem_runtime.features.dynamo_store import DynamoStore
from mlsystem_runtime.features.entities import key_bytes
from mlsystem_runtime.features.filling import Filler
from mlsystem_runtime.features.materializer import materialize
from mlsystem_runtime.features.point_in_time import features_at
from mlsystem_runtime.features.redis_store import RedisStore
from mlsystem_runtime.features.rows import rows_of
from mlsystem_runtime.features.sqlite_store import SqliteStore
from mlsystem_runtime.features.store import MemoryStore, OnlineStore
from mlsystem_runtime.features.stored import GroupReader, GroupReaders

KINDS = ["latest", "windows"]
CASES = [(seed, kind, seed % 3 > 0) for seed in range(8) for kind in KINDS]
FLOATS = ["whole", "halves", "any", "extreme"]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


def group_of(kind: str, random: np.random.Generator) -> StoredGroup:
    if kind == "latest":
        return latest_group([None, HOUR, 30 * HOUR][random.integers(0, 3)])
    return AggregateGroup(name="g", fingerprint="f", source="events", key=KEY, aggregates=random_aggregates(random))


def offline(group: StoredGroup, source: Source, rows: list[Row], keys: list[Any], at: list[int]) -> list[list[Any]]:
    columns = [pa.chunked_array([pa.array([key[part] for key in keys], pa.string())]) for part in (0, 1)]
    table = features_at(group, source, rows_of(group, source, table_of(rows)), columns, np.array(at, np.int64))
    return [list(row.values()) for row in table.to_pylist()]


def online(group: StoredGroup, store: OnlineStore, keys: list[Any], at: list[int]) -> list[list[Any]]:
    """One after another, and then all together by readers that kept nothing: the same."""
    types = [part.type for part in KEY]
    pairs = [(None if None in key else key_bytes(key, types), q) for key, q in zip(keys, at, strict=True)]
    reader = GroupReaders(store, [GroupReader(group, store)])
    alone = [reader.answers([[pair]])[0][0] for pair in pairs]
    for answer in alone:
        causes = answer.causes or [None] * len(answer.values)
        assert [cause is None for cause in causes] == [value is not None for value in answer.values]
    assert GroupReaders(store, [GroupReader(group, store)]).answers([pairs]) == [alone]
    return [list(answer.values) for answer in alone]


def asks_from(random: np.random.Generator, rows: list[Row], watermark: int, count: int) -> tuple[list[Any], list[int]]:
    """Keys, and instants from the watermark on: the watermark itself, and later ones at which windows have moved."""
    keys, at = random_asks(random, rows, count)
    return keys, [max(int(q), watermark) for q in at]


@pytest.mark.parametrize(("seed", "kind", "available"), CASES)
def test_a_materialised_store_answers_as_offline(seed: int, kind: str, available: bool) -> None:
    random = np.random.default_rng(seed)
    source = source_of(available, KNOWN if available else tuple(TYPES))
    group, store = group_of(kind, random), MemoryStore()
    rows = random_rows(random, 200, FLOATS[seed % 4], 0, available)
    for quantile in (0.3, 0.8, 1.0):
        watermark = int(np.quantile([row["time"] for row in rows], quantile))

        materialize(group, source, rows_of(group, source, table_of(rows)), store, watermark)

        keys, at = asks_from(random, rows, watermark, 150)
        assert online(group, store, keys, at) == offline(group, source, rows, keys, at)


@pytest.mark.parametrize(("seed", "kind", "available"), CASES)
def test_rows_that_arrive_late_are_corrected_or_vanish_reach_the_store(
    seed: int, kind: str, available: bool, tmp_path: Path
) -> None:
    store = SqliteStore(tmp_path / "store.sqlite", writable=True, durable=False)
    check_arriving_rows(seed, kind, available, store)


@pytest.mark.parametrize(("seed", "kind", "available"), CASES[:6])
def test_rows_that_arrive_late_are_corrected_or_vanish_reach_a_fleets_store(
    seed: int, kind: str, available: bool, fleet: RedisServer
) -> None:
    store = RedisStore(fleet.url, f"late {seed} {kind}", writable=True)
    check_arriving_rows(seed, kind, available, store)
    store.close()


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "kind", "available"), CASES[:2])
def test_rows_that_arrive_late_are_corrected_or_vanish_reach_a_table(
    seed: int, kind: str, available: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with object_store() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        store = DynamoStore(make_table("features"), "late", writable=True)
        check_arriving_rows(seed, kind, available, store)
        store.close()


def check_arriving_rows(seed: int, kind: str, available: bool, store: OnlineStore) -> None:
    random = np.random.default_rng(seed)
    source = source_of(available, KNOWN if available else tuple(TYPES))
    group = group_of(kind, random)
    rows = random_rows(random, 200, FLOATS[seed % 4], 0, available)
    random.shuffle(rows)
    watermark = min(row["time"] for row in rows)
    for end in (60, 61, 130, 200):
        held = [row for row in rows[:end] if random.integers(0, 20) > 0]
        watermark = max(watermark, int(np.quantile([row["time"] for row in held], 0.9)))

        written = materialize(group, source, rows_of(group, source, table_of(held)), store, watermark)

        keys, at = asks_from(random, held, watermark, 100)
        assert not written.ahead
        assert online(group, store, keys, at) == offline(group, source, held, keys, at)


@pytest.mark.parametrize(("seed", "kind", "available"), CASES)
def test_a_source_whose_newest_rows_are_withdrawn_reaches_the_store(seed: int, kind: str, available: bool) -> None:
    random = np.random.default_rng(seed)
    source = source_of(available, KNOWN if available else tuple(TYPES))
    group, store = group_of(kind, random), MemoryStore()
    rows = sorted(random_rows(random, 200, FLOATS[seed % 4], 0, available), key=lambda row: row["time"])
    reached = 0
    for ingested, end in enumerate((200, 150, 60, 120)):
        held = [row for row in rows[:end] if random.integers(0, 20) > 0]
        watermark = max(row["time"] for row in held)
        reached = max(reached, watermark)

        materialize(group, source, rows_of(group, source, table_of(held)), store, watermark, ingested)

        keys, at = asks_from(random, held, reached, 100)
        assert [one.watermark_us for one in store.generations()] == [reached]
        assert online(group, store, keys, at) == offline(group, source, held, keys, at)


@pytest.mark.parametrize(("seed", "kind", "available"), CASES)
def test_a_store_filled_as_time_goes_by_answers_as_offline_at_every_instant(
    seed: int, kind: str, available: bool
) -> None:
    check_filling(seed, kind, available, MemoryStore())


@pytest.mark.parametrize(("seed", "kind", "available"), CASES[:4])
def test_a_fleets_store_filled_as_time_goes_by_answers_as_offline_at_every_instant(
    seed: int, kind: str, available: bool, fleet: RedisServer
) -> None:
    store = RedisStore(fleet.url, f"filled {seed} {kind}", writable=True)
    check_filling(seed, kind, available, store)
    store.close()


def check_filling(seed: int, kind: str, available: bool, store: OnlineStore) -> None:
    random = np.random.default_rng(seed)
    source = source_of(available, KNOWN if available else tuple(TYPES))
    group = group_of(kind, random)
    rows = random_rows(random, 200, FLOATS[seed % 4], 0, available)
    filler = Filler(group, source, rows_of(group, source, table_of(rows)), store)
    _, at = random_asks(random, rows, 50)
    for q in sorted(at.tolist()):
        filler.advance(q)

        keys = [("1", "12"), ("11", "2"), ("1", "2"), ("?", "2"), (None, "2")]
        assert online(group, store, keys, [q] * 5) == offline(group, source, rows, keys, [q] * 5)


@pytest.mark.parametrize("kind", KINDS)
def test_long_heads_are_folded_and_answer_the_same(kind: str) -> None:
    random = np.random.default_rng(3)
    source = source_of(True, KNOWN)
    group, store = group_of(kind, random), MemoryStore()
    rows = [row | {"k1": "1", "k2": "2"} for row in random_rows(random, 600, "any", 0, True)]
    filler = Filler(group, source, rows_of(group, source, table_of(rows)), store)
    instants = np.linspace(0, max(row["time"] for row in rows) + 40 * HOUR, 80).astype(np.int64).tolist()
    for q in instants:
        filler.advance(q)

        assert online(group, store, [("1", "2")], [q]) == offline(group, source, rows, [("1", "2")], [q])
