"""Ingest, features and materialize as whole steps: what they leave behind, and what makes them run again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from pipeline import AIRPORT, CONTRACT, CSV, HOUR_US, TRIP, DataSteps, card, flights

from mlsystem_runtime.contract.columns import Column, ColumnType, Freshness, Range
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.features import Aggregate, AggregateGroup, FeatureContract, KeyPart
from mlsystem_runtime.contract.identity import group_fingerprint
from mlsystem_runtime.contract.workspace import write_struct
from mlsystem_runtime.features.online import Assembler
from mlsystem_runtime.features.sqlite_store import SqliteStore

MIDNIGHT = 1356998400000000


def test_ingest_leaves_typed_rows_their_digests_and_facts(tmp_path: Path) -> None:
    steps = DataSteps(tmp_path, flights(tmp_path), checks=(Range("warn", "delay", min=0),))

    record = steps.run("ingest.flights")

    names = ["id", "at", "landed", "origin", "dest", "delay", "late"]
    assert steps.table(record, "rows.parquet").column_names == names
    assert set(record.digests) == {"rows", "clock", *(f"column:{name}" for name in names)}
    facts = {name: record.facts[name] for name in ("rows", "clock_us", "min_time_us", "max_time_us")}
    assert facts == {
        "rows": 5, "clock_us": MIDNIGHT + 5 * HOUR_US, "min_time_us": MIDNIGHT, "max_time_us": MIDNIGHT + 4 * HOUR_US,
    }  # fmt: skip
    assert (record.facts["unique_key_time"], record.facts["available_is_time"]) == (True, False)
    assert [check["check"] for check in record.facts["checks"]] == ["unique(id)", "range(delay)"]
    assert record.summary == "5 rows, 2 checks; warning: range(delay): 1 rows fail: row 2: -5.0"
    assert json.loads(steps.workspace.path("clock.json").read_text()) == {"clock_us": MIDNIGHT + 5 * HOUR_US}


def test_ingest_runs_again_only_when_the_file_changes(tmp_path: Path) -> None:
    steps = DataSteps(tmp_path, flights(tmp_path))
    first = steps.run("ingest.flights")

    again = steps.run("ingest.flights")
    (tmp_path / "flights.csv").write_text(CSV.replace("EWR,BOS,30,1", "EWR,BOS,30,0"))
    unused = steps.run("ingest.flights")
    (tmp_path / "flights.csv").write_text(CSV.replace("EWR,BOS,30,1", "EWR,BOS,31,1"))
    delayed = steps.run("ingest.flights")

    assert [one.status for one in (first, again, unused, delayed)] == ["done", "unchanged", "done", "done"]
    assert unused.digests == first.digests
    assert {name for name in first.digests if first.digests[name] != delayed.digests[name]} == {"column:delay"}


def test_a_failed_check_stops_ingest_with_a_report_of_the_rows(tmp_path: Path) -> None:
    steps = DataSteps(tmp_path, flights(tmp_path), checks=(Range("error", "delay", max=20),))

    with pytest.raises(MlsystemError, match=r"range\(delay\): 1 rows fail: row 1: 30.0") as raised:
        steps.run("ingest.flights")

    report = Path((raised.value.hint or "").rpartition(" ")[2])
    assert [check["rows"] for check in json.loads(report.read_text())] == [[], [1]]
    assert not list(steps.workspace.path("steps").rglob("rows.parquet"))


def test_a_repeated_key_stops_ingest(tmp_path: Path) -> None:
    steps = DataSteps(tmp_path, flights(tmp_path, CSV.replace("\nb,", "\na,")))

    with pytest.raises(MlsystemError, match=r"unique\(id\): 2 rows fail: row 1: a; row 2: a"):
        steps.run("ingest.flights")


def test_freshness_is_measured_on_the_environments_clock(tmp_path: Path) -> None:
    source, check = flights(tmp_path), Freshness("warn", within_us=2 * HOUR_US)

    data = DataSteps(tmp_path / "data", source, (check,)).run("ingest.flights")
    wall = DataSteps(tmp_path / "wall", source, (check,), clock="wall").run("ingest.flights")

    assert [record.facts["checks"][1]["passed"] for record in (data, wall)] == [True, False]


def test_features_are_what_was_known_at_each_example(tmp_path: Path) -> None:
    steps = DataSteps(tmp_path, flights(tmp_path))

    record = steps.run("ingest.flights", "features.main")

    table = steps.table(record, "dataset.parquet")
    assert table.column_names == ["__row", "__at", "__known", "__label", *(one.name for one in CONTRACT.inputs)]
    assert [list(row.values()) for row in table.to_pylist()] == [
        [0, MIDNIGHT, MIDNIGHT + 2 * HOUR_US, 1, 0.0, None, 0.0, 0.0],
        [1, MIDNIGHT + HOUR_US, MIDNIGHT + 3 * HOUR_US // 2, 0, 1.0, None, 0.0, 0.0],
        [2, MIDNIGHT + 3 * HOUR_US, MIDNIGHT + 5 * HOUR_US, 0, 3.0, 30.0, 1.0, 1.0],
        [4, MIDNIGHT + 4 * HOUR_US, MIDNIGHT + 9 * HOUR_US // 2, 1, 4.0, None, None, 1.0],
    ]
    assert record.facts["excluded"] == {"where": 0, "at": 0, "early": 0, "label": 1, "known_null": 0, "known_later": 0}
    assert record.summary == "4 examples, 4 features; 1 excluded: no label"


def test_rows_outside_of_where_are_no_examples_but_count_as_history(tmp_path: Path) -> None:
    steps = DataSteps(tmp_path, flights(tmp_path), where="origin = 'BOS' or delay = 5")

    table = steps.table(steps.run("ingest.flights", "features.main"), "dataset.parquet")

    assert table["__row"].to_pylist() == [1, 2]
    assert table["from.flights"].to_pylist() == [0.0, 1.0]


def test_no_example_left_is_an_error_that_says_why(tmp_path: Path) -> None:
    steps = DataSteps(tmp_path, flights(tmp_path), where="delay > 100")

    with pytest.raises(MlsystemError, match="no examples left: 5 excluded: examples"):
        steps.run("ingest.flights", "features.main")


def test_an_instant_before_the_time_of_its_row_is_none_to_predict_at(tmp_path: Path) -> None:
    rows = [line.rpartition(",")[0] for line in CSV.splitlines()[1:3]]
    booked = ["id,at,landed,origin,dest,delay,booked", f"{rows[0]},2012-12-31 23:59", f"{rows[1]},2013-01-01 01:00"]
    source = flights(tmp_path, "\n".join(booked) + "\n")
    columns = (*source.columns, Column("booked", ColumnType.TIMESTAMP))
    known = (*source.known_at_time, "booked")
    steps = DataSteps(tmp_path, replace(source, columns=columns, known_at_time=known), at="booked")

    record = steps.run("ingest.flights", "features.main")

    assert steps.table(record, "dataset.parquet")["__row"].to_pylist() == [1]
    assert record.facts["excluded"]["early"] == 1


def test_the_same_rows_give_the_same_dataset_digest(tmp_path: Path) -> None:
    first = DataSteps(tmp_path / "one", flights(tmp_path)).run("ingest.flights", "features.main")
    second = DataSteps(tmp_path / "two", flights(tmp_path)).run("ingest.flights", "features.main")

    assert first.digests == second.digests


def test_materialize_makes_the_store_answer_as_the_dataset_says(tmp_path: Path) -> None:
    steps = DataSteps(tmp_path, flights(tmp_path))

    record = steps.run("ingest.flights", "materialize.airport")

    clock_us = MIDNIGHT + 5 * HOUR_US
    request = {"at": clock_us, "origin": "EWR", "dest": "BOS"}
    found = Assembler(CONTRACT, SqliteStore(steps.workspace.online)).assemble(request, clock_us)
    assert found.inputs == {"trip.hour": 5.0, "from.mean": 17.5, "from.flights": 2.0, "to.flights": 1.0}
    assert record.summary == "2 keys, 2 written"
    assert record.facts["watermark_us"] == clock_us


def applied_version(folder: Path) -> tuple[DataSteps, FeatureContract]:
    """Steps that have run, and the contract of a version that was registered with their definition of the group."""
    steps = DataSteps(folder, flights(folder))
    steps.group = replace(AIRPORT, fingerprint=group_fingerprint(AIRPORT, steps.source))
    contract = replace(CONTRACT, groups=(steps.group, TRIP))
    steps.run("ingest.flights", "materialize.airport")
    write_struct(steps.workspace.version("main", 1) / "model.json", card(contract))
    (folder / "flights.csv").write_text(CSV + "f,2013-01-01 06:00,2013-01-01 07:00,EWR,BOS,1,6\n")
    return steps, contract


def test_an_earlier_definition_stays_fresh_while_a_version_reads_it(tmp_path: Path) -> None:
    steps, contract = applied_version(tmp_path)
    changed = DataSteps(tmp_path, steps.source, group=replace(AIRPORT, fingerprint="airport-2"))

    changed.run("ingest.flights", "materialize.airport")

    store = SqliteStore(steps.workspace.online)
    assert {one.fingerprint for one in store.generations()} == {steps.group.fingerprint, "airport-2"}
    request = {"at": 0, "origin": "EWR", "dest": "BOS"}
    found = Assembler(contract, store).assemble(request, MIDNIGHT + 7 * HOUR_US)
    assert found.inputs["from.flights"] == 3.0


def test_an_earlier_definition_is_left_as_it_stands_when_its_source_means_something_else(tmp_path: Path) -> None:
    steps, _ = applied_version(tmp_path)
    known = replace(steps.source, known_at_time=(*steps.source.known_at_time, "delay"))
    changed = DataSteps(tmp_path, known, group=replace(AIRPORT, fingerprint="airport-2"))

    changed.run("ingest.flights", "materialize.airport")

    watermarks = {one.fingerprint: one.watermark_us for one in SqliteStore(steps.workspace.online).generations()}
    assert watermarks == {steps.group.fingerprint: MIDNIGHT + 5 * HOUR_US, "airport-2": MIDNIGHT + 7 * HOUR_US}


ORIGINS = AggregateGroup(
    "origins", "origins", "flights", (KeyPart("code", "origin", ColumnType.STRING),),
    (Aggregate("rows", "count", None, 24 * HOUR_US, HOUR_US, ColumnType.INT),),
)  # fmt: skip


def test_a_group_that_is_gone_from_the_file_stays_fresh_while_a_version_reads_it(tmp_path: Path) -> None:
    steps, contract = applied_version(tmp_path)
    without = DataSteps(tmp_path, steps.source, group=ORIGINS, parts=("rows", "clock", "column:origin"))

    without.run("ingest.flights", "materialize.airport")
    longer = (tmp_path / "flights.csv").read_text()
    (tmp_path / "flights.csv").write_text(longer.replace("BOS,1,6", "BOS,100,6"))
    record = without.run("ingest.flights", "materialize.airport")

    request = {"at": 0, "origin": "EWR", "dest": "BOS"}
    found = Assembler(contract, SqliteStore(steps.workspace.online)).assemble(request, MIDNIGHT + 7 * HOUR_US)
    assert record.status == "unchanged"
    assert (found.inputs["from.flights"], found.inputs["from.mean"]) == (3.0, (30 + 5 + 100) / 3)


def test_a_definition_stays_fresh_when_its_source_is_called_something_else(tmp_path: Path) -> None:
    steps, contract = applied_version(tmp_path)
    renamed = replace(contract, groups=(replace(steps.group, source="departures"), TRIP))
    write_struct(steps.workspace.version("main", 1) / "model.json", card(renamed))

    DataSteps(tmp_path, steps.source, group=ORIGINS).run("ingest.flights", "materialize.airport")

    request = {"at": 0, "origin": "EWR", "dest": "BOS"}
    found = Assembler(renamed, SqliteStore(steps.workspace.online)).assemble(request, MIDNIGHT + 7 * HOUR_US)
    assert found.inputs["from.flights"] == 3.0


def test_a_definition_that_nothing_reads_any_more_is_dropped(tmp_path: Path) -> None:
    steps = DataSteps(tmp_path, flights(tmp_path))
    steps.run("ingest.flights", "materialize.airport")

    DataSteps(tmp_path, steps.source, group=replace(AIRPORT, fingerprint="airport-2")).run("materialize.airport")

    assert [one.fingerprint for one in SqliteStore(steps.workspace.online).generations()] == ["airport-2"]


def test_rows_that_the_store_lost_are_written_again_though_nothing_changed(tmp_path: Path) -> None:
    steps = DataSteps(tmp_path, flights(tmp_path))
    steps.run("ingest.flights", "materialize.airport")
    DataSteps(tmp_path, steps.source, group=replace(AIRPORT, fingerprint="airport-2")).run("materialize.airport")

    record = steps.run("materialize.airport")

    assert record.status == "unchanged"
    assert [one.fingerprint for one in SqliteStore(steps.workspace.online).generations()] == [AIRPORT.fingerprint]
    assert SqliteStore(steps.workspace.online).read(AIRPORT.fingerprint, [b"s\0\0\0\3EWR"]) != [None]


SHORTER = "\n".join(CSV.splitlines()[:3]) + "\n"


def delay_from_newark(steps: DataSteps) -> float | None:
    clock_us = MIDNIGHT + 5 * HOUR_US
    request = {"at": clock_us, "origin": "EWR", "dest": "BOS"}
    return Assembler(CONTRACT, SqliteStore(steps.workspace.online)).assemble(request, clock_us).inputs["from.mean"]


def test_rows_taken_back_reach_the_store_and_the_clock_stays(tmp_path: Path) -> None:
    steps = DataSteps(tmp_path, flights(tmp_path))
    steps.run("ingest.flights", "materialize.airport")
    before = delay_from_newark(steps)
    (tmp_path / "flights.csv").write_text(SHORTER)

    record = steps.run("ingest.flights", "materialize.airport")

    (generation,) = SqliteStore(steps.workspace.online).generations()
    assert (before, delay_from_newark(steps), record.status) == (17.5, 30.0, "done")
    assert generation.watermark_us == MIDNIGHT + 5 * HOUR_US
    assert json.loads(steps.workspace.path("clock.json").read_text()) == {"clock_us": MIDNIGHT + 5 * HOUR_US}


def test_rows_that_come_back_reach_the_store_though_the_step_ran_with_them_before(tmp_path: Path) -> None:
    steps = DataSteps(tmp_path, flights(tmp_path))
    for content in (CSV, SHORTER, CSV):
        (tmp_path / "flights.csv").write_text(content)
        record = steps.run("ingest.flights", "materialize.airport")

    assert (record.status, delay_from_newark(steps)) == ("unchanged", 17.5)


def test_an_older_ingest_that_finishes_late_does_not_take_the_store_back(tmp_path: Path) -> None:
    late = DataSteps(tmp_path, flights(tmp_path, SHORTER))
    newer = in_run(late, "run-2")
    newer.run("ingest.flights", "materialize.airport")
    late.run("ingest.flights")
    (tmp_path / "flights.csv").write_text(CSV)
    newer.run("ingest.flights", "materialize.airport")

    record = late.run("materialize.airport")

    assert (record.status, delay_from_newark(late)) == ("unchanged", 17.5)


def test_the_first_materialize_of_an_older_ingest_says_that_a_later_one_was_written(tmp_path: Path) -> None:
    late = DataSteps(tmp_path, flights(tmp_path, SHORTER))
    late.run("ingest.flights")
    (tmp_path / "flights.csv").write_text(CSV)
    in_run(late, "run-2").run("ingest.flights", "materialize.airport")

    record = late.run("materialize.airport")

    assert record.summary == "nothing written: another run wrote the rows of a later ingest meanwhile"
    assert delay_from_newark(late) == 17.5


def in_run(steps: DataSteps, run_id: str) -> DataSteps:
    """The same steps as part of another run."""
    return dataclasses.replace(steps, run_id=run_id)


def test_a_label_is_not_known_before_its_column_is_available(tmp_path: Path) -> None:
    steps = DataSteps(tmp_path, flights(tmp_path), known="at")

    table = steps.table(steps.run("ingest.flights", "features.main"), "dataset.parquet")

    landed = [MIDNIGHT + hours * HOUR_US // 2 for hours in (4, 3, 10, 9)]
    assert table["__known"].to_pylist() == landed


def test_an_output_whose_result_is_damaged_is_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = DataSteps(tmp_path, flights(tmp_path))
    first = steps.run("ingest.flights")
    (steps.workspace.path(first.output) / "result.json").write_text('{"step": "ing')

    again = steps.run("ingest.flights")

    assert (again.status, again.key, again.digests) == ("done", first.key, first.digests)
    assert "cannot be read" in capsys.readouterr().err
    assert steps.table(again, "rows.parquet").num_rows == 5
