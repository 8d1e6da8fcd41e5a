"""The materialize step where the online store is a table: the same answers as SQLite gives, refreshed alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from feature_table import make_table
from msgspec.structs import replace
from object_store import object_store
from pipeline import CONTRACT, CSV, DataSteps, flights

from mlsystem_runtime.contract.run import OnlineStore, RunConfig
from mlsystem_runtime.features import dynamo_store
from mlsystem_runtime.features.dynamo_table import Patience
from mlsystem_runtime.features.online import Assembler
from mlsystem_runtime.features.opening import open_store

HOUR_US = 3_600_000_000
MIDNIGHT = 1_356_998_400_000_000  # 2013-01-01


class TableSteps(DataSteps):
    uri: str = ""

    def config(self) -> RunConfig:
        config, store = super().config(), OnlineStore("dynamodb", self.uri)
        return replace(config, server=replace(config.server, online_store=store))


def test_a_fleet_reads_from_a_table_what_the_step_has_written_and_refreshed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynamo_store, "READER", Patience(answer_s=30, total_s=60, first_s=0.01, last_s=0.1))
    monkeypatch.setattr(dynamo_store, "FRESH_S", 0.0)
    steps = TableSteps(tmp_path, flights(tmp_path))
    request = {"at": MIDNIGHT + 5 * HOUR_US, "origin": "EWR", "dest": "BOS"}
    with object_store() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        steps.uri = make_table("delay-features")
        store = open_store(steps.config(), steps.workspace, {})
        assembler = Assembler(CONTRACT, store)
        before = assembler.assemble(request, MIDNIGHT + 5 * HOUR_US)
        record = steps.run("ingest.flights", "materialize.airport")
        first = assembler.assemble(request, MIDNIGHT + 5 * HOUR_US)
        (tmp_path / "flights.csv").write_text(CSV + "f,2013-01-01 06:00,2013-01-01 07:00,EWR,BOS,1,6\n")
        steps.run_id = "run-2"
        steps.run("ingest.flights", "materialize.airport")
        second = assembler.assemble(request, MIDNIGHT + 7 * HOUR_US)
        store.close()

    assert before.causes["from.mean"] == "store_unreachable"
    assert record.summary == "2 keys, 2 written"
    assert first.inputs == {"trip.hour": 5.0, "from.mean": 17.5, "from.flights": 2.0, "to.flights": 1.0}
    assert second.inputs["from.flights"] == 3.0
    assert not steps.workspace.online.exists()
