"""What is kept of a store is what the store holds now, and a batch is answered as its rows are one by one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from redis_server import RedisServer

from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.contract.features import (
    AggregateGroup,
    FeatureContract,
    FeatureUse,
    Lookup,
    ModelInput,
    StoredGroup,
)
from mlsystem_runtime.features import stored
from mlsystem_runtime.features.entities import key_bytes
from mlsystem_runtime.features.materializer import materialize
from mlsystem_runtime.features.online import Assembler
from mlsystem_runtime.features.redis_store import RedisStore
from mlsystem_runtime.features.rows import rows_of
from mlsystem_runtime.features.sqlite_store import SqliteStore
from mlsystem_runtime.features.store import Asked, OnlineStore, Packed, StoreUnreachableError
from mlsystem_runtime.features.stored import GroupReader, GroupReaders

from events import (  # isort: skip
    HOUR, KEY, TYPES, Row, latest_group, random_aggregates, random_asks, random_rows, source_of, table_of,
)

Open = Callable[[bool], OnlineStore]
SOURCE = source_of(True, ("time", "plan", "b"))
LATEST = latest_group(30 * HOUR)


class Counted(SqliteStore):
    """How many keys were read from it."""

    keys = 0

    def read_all(self, asked: Sequence[Asked]) -> Sequence[Sequence[Packed | None] | None]:
        self.keys += sum(len(one.keys) for one in asked)
        return super().read_all(asked)


@pytest.fixture(params=["sqlite", "redis"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterable[Open]:
    made: list[OnlineStore] = []

    def place(writable: bool) -> OnlineStore:
        if request.param == "sqlite":
            made.append(SqliteStore(tmp_path / "store.sqlite", writable))
        else:
            server: RedisServer = request.getfixturevalue("shared_redis")
            made.append(RedisStore(server.url, tmp_path.name, writable))
        return made[-1]

    yield place
    for store in made:
        store.close()


def fill(store: OnlineStore, groups: Iterable[StoredGroup], rows: list[Row], watermark_us: int) -> None:
    for group in groups:
        materialize(group, SOURCE, rows_of(group, SOURCE, table_of(rows)), store, watermark_us)


def row(time: int, value: float) -> Row:
    return {"time": time, "available": time, "k1": "1", "k2": "2", "x": value, "n": 1, "b": True, "s": "", "plan": 1.0}


def ask(readers: GroupReaders, at: int, name: str = "1") -> object:
    """The value of `x`."""
    key = key_bytes((name, "2"), [ColumnType.STRING] * 2)
    ((answer,),) = readers.answers([[(key, at)]])
    return answer.values[0]


@pytest.mark.parametrize("seed", range(4))
def test_a_batch_is_answered_as_its_rows_one_by_one(opened: Open, seed: int) -> None:
    random = np.random.default_rng(seed)
    windows = AggregateGroup("w", "windows", "events", KEY, random_aggregates(random))
    contract = contract_of(LATEST, windows)
    rows = random_rows(random, 200, "any", 0, True)
    held, watermark = rows[:150], int(np.quantile([one["time"] for one in rows], 0.6))
    fill(opened(True), (LATEST, windows), held, watermark)
    keys, at = random_asks(random, rows, 60)
    batch = [({"a": a, "b": b}, max(int(q), watermark)) for (a, b), q in zip(keys, at, strict=True)]
    together = Assembler(contract, opened(False))

    before = [Assembler(contract, opened(False)).assemble(*one) for one in batch]
    assert together.assemble_all(batch) == before
    assert together.assemble_all(batch[::-1]) == before[::-1]

    fill(opened(True), (LATEST, windows), rows, watermark)
    after = [Assembler(contract, opened(False)).assemble(*one) for one in batch]
    assert together.assemble_all(batch) == after != before


def contract_of(*groups: StoredGroup) -> FeatureContract:
    """Every group twice, of a key and of the same key turned round."""
    names = [[*TYPES], [one.name for one in groups[1].aggregates]]  # type: ignore[union-attr]
    kinds = [dict(TYPES), {one.name: one.type for one in groups[1].aggregates}]  # type: ignore[union-attr]
    there, back = (Lookup("first", "a"), Lookup("second", "b")), (Lookup("first", "b"), Lookup("second", "a"))
    uses = [
        FeatureUse(group.name, f"{group.name}{suffix}", tuple(columns), lookup)
        for group, columns in zip(groups, names, strict=True) for suffix, lookup in (("", there), ("_back", back))
    ]
    inputs = [
        ModelInput(f"{use.alias}.{name}", kinds[place // 2][name])
        for place, use in enumerate(uses) for name in use.columns
    ]
    request = tuple(Column(name, ColumnType.STRING, nullable=True) for name in ("a", "b"))
    return FeatureContract(request, groups, tuple(uses), tuple(inputs))


def test_what_was_read_is_not_read_again_until_somebody_writes(tmp_path: Path) -> None:
    store, writer = Counted(tmp_path / "store.sqlite"), SqliteStore(tmp_path / "store.sqlite", writable=True)
    fill(writer, (LATEST,), [row(0, 1.0)], 5)
    readers = GroupReaders(store, [GroupReader(LATEST, store)])

    assert [ask(readers, at) for at in (5, 6, 5)] == [1.0, 1.0, 1.0]
    assert [ask(readers, 5, "unknown") for _ in range(3)] == [None] * 3
    assert store.keys == 2

    fill(writer, (LATEST,), [row(0, 2.0)], 5)
    assert ask(readers, 5) == 2.0
    assert store.keys == 3


def test_a_generation_that_was_dropped_is_out_of_reach_though_it_was_kept(tmp_path: Path) -> None:
    store, writer = SqliteStore(tmp_path / "store.sqlite"), SqliteStore(tmp_path / "store.sqlite", writable=True)
    fill(writer, (LATEST,), [row(0, 1.0)], 5)
    readers = GroupReaders(store, [GroupReader(LATEST, store)])
    assert ask(readers, 5) == 1.0

    writer.drop(LATEST.fingerprint)

    ((answer,),) = readers.answers([[(key_bytes(("1", "2"), [ColumnType.STRING] * 2), 5)]])
    assert set(answer.causes or ()) == {"store_unreachable"}


class Refused(SqliteStore):
    """As a store whose credentials have expired."""

    def version(self) -> Hashable | None:
        raise StoreUnreachableError("the online store cannot be read: ExpiredTokenException", "renew them")


def test_why_a_store_is_out_of_reach_is_logged_once_however_many_ask(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Refused(tmp_path / "store.sqlite")
    readers = GroupReaders(store, [GroupReader(LATEST, store)])

    assert [ask(readers, 5) for _ in range(3)] == [None] * 3
    assert caplog.messages == ["the online store cannot be read: ExpiredTokenException"]

    monkeypatch.setattr(stored, "TOLD_EVERY_S", 0.0)
    ask(readers, 5)
    assert len(caplog.messages) == 2


def test_a_number_that_another_generation_took_over_is_not_mistaken_for_it(tmp_path: Path) -> None:
    store, writer = SqliteStore(tmp_path / "store.sqlite"), SqliteStore(tmp_path / "store.sqlite", writable=True)
    other = AggregateGroup("w", "windows", "events", KEY, random_aggregates(np.random.default_rng(0)))
    fill(writer, (LATEST,), [row(0, 1.0)], 5)
    readers = GroupReaders(store, [GroupReader(LATEST, store)])
    assert ask(readers, 5) == 1.0

    writer.drop(LATEST.fingerprint)
    fill(writer, (other,), [row(0, 3.0)], 5)
    fill(writer, (LATEST,), [row(0, 2.0)], 5)

    assert ask(readers, 5) == 2.0


def test_what_is_kept_is_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "KEPT_BYTES", 10 * stored.ENTITY_BYTES)
    store = Counted(tmp_path / "store.sqlite")
    fill(SqliteStore(store.path, writable=True), (LATEST,), [row(0, 1.0)], 5)
    readers = GroupReaders(store, [GroupReader(LATEST, store)])
    for name in map(str, range(2, 40)):
        ask(readers, 5, name)
    read = store.keys

    assert [ask(readers, 5, name) for name in ("39", "2")] == [None, None]
    assert store.keys == read + 1


def test_a_latest_value_that_expires_or_is_followed_by_another_is_answered_anew(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite")
    fill(SqliteStore(store.path, writable=True), (LATEST,), [row(0, 1.0), row(100, 2.0)], 5)
    readers = GroupReaders(store, [GroupReader(LATEST, store)])
    end = 100 + 30 * HOUR

    assert [ask(readers, at) for at in (5, 99, 100, end, end + 1, end, 99)] == [1.0, 1.0, 2.0, 2.0, None, 2.0, 1.0]
