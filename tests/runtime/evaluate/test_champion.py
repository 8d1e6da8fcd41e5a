"""What the champion reads, where the new model's dataset does not hold it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from msgspec.structs import replace
from pipeline import AIRPORT, CONTRACT, TRIP, DataSteps, flights

from mlsystem_runtime.contract.columns import Column, ColumnType, Source
from mlsystem_runtime.contract.identity import group_fingerprint
from mlsystem_runtime.evaluate.champion import Past, computable, computed

NAMES = [one.name for one in CONTRACT.inputs]
INSTANTS = ["__row", "__at"]


def prepared(folder: Path) -> tuple[Past, pa.Table]:
    steps = DataSteps(folder, flights(folder))
    rows = steps.run("ingest.flights")
    dataset = steps.table(steps.run("features.main"), "dataset.parquet")
    path = steps.workspace.path(rows.output, "rows.parquet")
    return Past("flights", {"flights": steps.source}, {"flights": path}), dataset


def test_inputs_of_the_champion_are_computed_as_its_own_dataset_held_them(tmp_path: Path) -> None:
    past, dataset = prepared(tmp_path)
    test = dataset.slice(1)

    found = computed(NAMES, CONTRACT, past, test.select(INSTANTS))

    assert found.to_pylist() == test.select(NAMES).to_pylist()


def test_inputs_that_both_define_alike_are_taken_from_the_dataset(tmp_path: Path) -> None:
    past, dataset = prepared(tmp_path)
    marked = dataset.select(INSTANTS).append_column("trip.hour", pa.array([-1.0] * len(dataset)))

    found = computed(NAMES[1:], CONTRACT, past, marked)

    assert found["trip.hour"].to_pylist() == [-1.0] * len(dataset)
    assert found.select(NAMES[1:]).to_pylist() == dataset.select(NAMES[1:]).to_pylist()


def without_origin(source: Source) -> Source:
    return replace(source, known_at_time=("id", "at", "dest"))


def retyped(source: Source) -> Source:
    columns = [Column("origin", ColumnType.INT) if one.name == "origin" else one for one in source.columns]
    return replace(source, columns=tuple(columns))


@pytest.mark.parametrize(
    ("change", "expected"), [(lambda source: source, True), (without_origin, False), (retyped, False)]
)
def test_an_input_is_computable_while_its_definition_means_the_same(
    change: Callable[[Source], Source], expected: bool, tmp_path: Path
) -> None:
    source = flights(tmp_path)
    own = replace(CONTRACT, groups=(replace(AIRPORT, fingerprint=group_fingerprint(AIRPORT, source)), TRIP))
    past = Past("flights", {"flights": change(source)}, {})

    assert computable("from.mean", own, past) is expected
    assert computable("trip.hour", own, past)


def test_an_input_of_a_source_that_is_read_no_more_is_not_computable(tmp_path: Path) -> None:
    source = flights(tmp_path)
    group = replace(AIRPORT, source="gone")
    own = replace(CONTRACT, groups=(replace(group, fingerprint=group_fingerprint(group, source)), TRIP))

    assert not computable("from.mean", own, Past("flights", {"flights": source}, {}))
