from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlsystem_runtime.contract.columns import Column, ColumnType, Derived
from mlsystem_runtime.contract.features import (
    Aggregate,
    AggregateGroup,
    Feature,
    FeatureContract,
    FeatureUse,
    KeyPart,
    LatestGroup,
    Lookup,
    ModelInput,
    RequestGroup,
)
from mlsystem_runtime.contract.names import NULL_CAUSES
from mlsystem_runtime.features.entities import key_bytes
from mlsystem_runtime.features.materializer import Written, materialize
from mlsystem_runtime.features.online import Assembler, FeatureRow
from mlsystem_runtime.features.rows import rows_of
from mlsystem_runtime.features.sqlite_store import SqliteStore
from mlsystem_runtime.features.store import MemoryStore, OnlineStore
from mlsystem_runtime.features.stored import GroupReader, GroupReaders

from events import HOUR, KEY, source_of, table_of  # isort: skip

LATEST = LatestGroup(
    "latest", "l", "events", KEY, (Feature("n", ColumnType.INT), Feature("s", ColumnType.STRING)), HOUR
)
WINDOWS = AggregateGroup(
    "windows", "w", "events", (KeyPart("first", "k1", ColumnType.STRING),),
    (
        Aggregate("rows", "count", None, HOUR, 1, ColumnType.INT),
        Aggregate("mean", "mean", "x", HOUR, 1, ColumnType.FLOAT),
    ),
)  # fmt: skip
TRIP = RequestGroup(
    "trip", "t", (Column("at", ColumnType.TIMESTAMP), Column("d", ColumnType.FLOAT, True)),
    (Derived("hour", "hour(at)", ColumnType.INT), Derived("size", "ln(d)", ColumnType.FLOAT)),
)  # fmt: skip
CONTRACT = FeatureContract(
    request=(Column("at", ColumnType.TIMESTAMP), Column("d", ColumnType.FLOAT, True), *(
        Column(name, ColumnType.STRING, True) for name in ("a", "b"))),
    groups=(TRIP, LATEST, WINDOWS),
    uses=(
        FeatureUse("windows", "of_b", ("mean", "rows"), (Lookup("first", "b"),)),
        FeatureUse("latest", "last", ("s", "n"), (Lookup("second", "b"), Lookup("first", "a"))),
        FeatureUse("trip", "trip", ("size", "hour"), ()),
    ),
    inputs=(
        ModelInput("trip.hour", ColumnType.INT), ModelInput("last.s", ColumnType.STRING),
        ModelInput("of_b.rows", ColumnType.INT), ModelInput("last.n", ColumnType.INT),
        ModelInput("of_b.mean", ColumnType.FLOAT), ModelInput("trip.size", ColumnType.FLOAT),
    ),
)  # fmt: skip
BLANK = {"k1": "1", "k2": "2", "x": None, "n": None, "b": None, "s": None, "plan": None}
ROWS = [
    BLANK | {"time": 0, "available": 0, "x": 2.5, "n": 7, "s": "seen"},
    BLANK | {"time": 1, "available": 3 * HOUR, "x": 1.0, "n": 8, "s": None},
    BLANK | {"time": 0, "available": 0, "k1": "2", "x": 1.0},
]


@pytest.fixture
def store() -> OnlineStore:
    made, source = MemoryStore(), source_of(True, ("time",))
    for group in (LATEST, WINDOWS):
        materialize(group, source, rows_of(group, source, table_of(ROWS)), made, watermark_us=1)
    return made


def ask(store: OnlineStore, at_us: int, **request: object) -> FeatureRow:
    row = {"at": at_us, "d": 1.0, "a": "1", "b": "2"} | request
    return Assembler(CONTRACT, store).assemble(row, at_us)


def test_inputs_stand_in_the_order_of_the_contract_numbers_as_floats(store: OnlineStore) -> None:
    found = ask(store, 2)

    assert list(found.inputs) == [wanted.name for wanted in CONTRACT.inputs]
    assert found.inputs == {
        "trip.hour": 0.0, "last.s": "seen", "of_b.rows": 1.0, "last.n": 7.0, "of_b.mean": 1.0, "trip.size": 0.0,
    }  # fmt: skip
    assert found.causes == {}
    assert isinstance(found.inputs["last.n"], float)


@pytest.mark.parametrize(("at_us", "request_row", "causes"), [
    (2, {"b": None}, {"last.s": "no_key", "last.n": "no_key", "of_b.rows": "no_key", "of_b.mean": "no_key"}),
    (2, {"b": "?"}, {"last.s": "unknown_key", "last.n": "unknown_key", "of_b.mean": "unknown_key"}),
    (2, {"d": -1.0}, {"trip.size": "null_value"}),
    (2, {"d": None}, {"trip.size": "null_value"}),
    (HOUR + 1, {}, {"last.s": "expired", "last.n": "expired", "of_b.mean": "empty_window"}),
    (3 * HOUR, {"a": "2"}, {"last.s": "expired", "last.n": "expired", "of_b.mean": "empty_window"}),
])  # fmt: skip
def test_every_null_says_why(
    store: OnlineStore, at_us: int, request_row: dict[str, object], causes: dict[str, str]
) -> None:
    found = ask(store, at_us, **request_row)

    assert found.causes == causes
    assert {name for name, value in found.inputs.items() if value is None} == set(causes)
    assert set(causes.values()) <= set(NULL_CAUSES)


def test_a_row_waits_in_the_store_until_it_is_available(store: OnlineStore) -> None:
    late = LatestGroup("latest", "l", "events", KEY, LATEST.columns, None)
    forever = FeatureContract(CONTRACT.request, (TRIP, late, WINDOWS), CONTRACT.uses, CONTRACT.inputs)
    assembler = Assembler(forever, store)
    row = {"at": 0, "d": 1.0, "a": "1", "b": "2"}

    assert assembler.assemble(row, 3 * HOUR - 1).inputs["last.n"] == 7.0
    assert assembler.assemble(row, 3 * HOUR).inputs["last.n"] == 8.0
    assert assembler.assemble(row, 3 * HOUR).causes["last.s"] == "null_value"


def test_an_unreachable_store_is_a_cause_and_is_asked_again(tmp_path: Path, store: OnlineStore) -> None:
    path = tmp_path / "store.sqlite"
    assembler = Assembler(CONTRACT, SqliteStore(path))
    row = {"at": 2, "d": 1.0, "a": "1", "b": "2"}

    found = assembler.assemble(row, 2)

    assert set(found.causes.values()) == {"store_unreachable"}
    assert (found.inputs["trip.hour"], found.inputs["of_b.rows"]) == (0.0, None)
    source = source_of(True, ("time",))
    for group in (LATEST, WINDOWS):
        materialize(group, source, rows_of(group, source, table_of(ROWS)), SqliteStore(path, writable=True), 1)
    assert assembler.assemble(row, 2).causes == {}


def test_only_what_changed_is_written_and_a_store_with_a_later_ingest_is_left_alone() -> None:
    store, source = MemoryStore(), source_of(True, ("time",))
    changed = [ROWS[0] | {"x": 3.0}, *ROWS[1:]]
    first, again, corrected, older = (
        materialize(WINDOWS, source, rows_of(WINDOWS, source, table_of(rows)), store, watermark, ingested)
        for rows, watermark, ingested in ((ROWS, 5, 1), (ROWS, 6, 2), (changed, 4, 3), (ROWS, 7, 2))
    )

    assert [one.changed for one in (first, again, corrected)] == [2, 0, 1]
    assert (older.ahead, older.changed) == (True, 0)
    assert [(one.watermark_us, one.ingested) for one in store.generations()] == [(6, 3)]


class Overtaken(MemoryStore):
    """Another writer is done each time one starts to compare, as often as there are `others`."""

    def __init__(self) -> None:
        super().__init__()
        self.others: list[Callable[[], object]] = []

    def digests(self, fingerprint: str) -> Mapping[bytes, int]:
        found = super().digests(fingerprint)
        if self.others:
            self.others.pop()()
        return found


@pytest.mark.parametrize(("other_ingested", "ahead", "mean"), [(2, False, 2.5), (4, True, 9.0)])
def test_of_two_writers_at_once_the_later_ingest_wins_whole(other_ingested: int, ahead: bool, mean: float) -> None:
    store, source = Overtaken(), source_of(True, ("time",))
    corrected = [ROWS[0] | {"x": 9.0}, *ROWS[1:]]

    def write(rows: list[dict[str, object]], ingested: int) -> Written:
        return materialize(WINDOWS, source, rows_of(WINDOWS, source, table_of(rows)), store, 1, ingested)

    write(ROWS, 1)
    store.others = [lambda: write(corrected, other_ingested)]

    assert write(ROWS, 3).ahead == ahead

    reader = GroupReaders(store, [GroupReader(WINDOWS, store)])
    ((answer,),) = reader.answers([[(key_bytes(("1",), [ColumnType.STRING]), 2)]])
    assert mean in answer.values
