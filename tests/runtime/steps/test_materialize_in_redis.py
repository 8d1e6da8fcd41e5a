"""The materialize step where the online store is a Redis: the same answers, refreshed, kept and dropped alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from pipeline import CONTRACT, CSV, DataSteps, flights
from redis_server import redis_server

from mlsystem_runtime.contract.names import ONLINE_STORE
from mlsystem_runtime.contract.run import OnlineStore, RunConfig
from mlsystem_runtime.features.online import Assembler
from mlsystem_runtime.features.opening import open_store

HOUR_US = 3_600_000_000
MIDNIGHT = 1_356_998_400_000_000  # 2013-01-01


class FleetSteps(DataSteps):
    def config(self) -> RunConfig:
        config, store = super().config(), OnlineStore("redis")
        return replace(config, server=replace(config.server, online_store=store))


def test_a_fleet_reads_what_the_step_has_written_and_refreshed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = FleetSteps(tmp_path, flights(tmp_path))
    request = {"at": MIDNIGHT + 5 * HOUR_US, "origin": "EWR", "dest": "BOS"}
    with redis_server(tmp_path) as server:
        monkeypatch.setenv(ONLINE_STORE, server.url)
        store = open_store(steps.config(), steps.workspace, {ONLINE_STORE: server.url})
        assembler = Assembler(CONTRACT, store)
        before = assembler.assemble(request, MIDNIGHT + 5 * HOUR_US)
        record = steps.run("ingest.flights", "materialize.airport")
        first = assembler.assemble(request, MIDNIGHT + 5 * HOUR_US)
        (tmp_path / "flights.csv").write_text(CSV + "f,2013-01-01 06:00,2013-01-01 07:00,EWR,BOS,1,6\n")
        steps.run_id = "run-2"
        steps.run("ingest.flights", "materialize.airport")
        second = assembler.assemble(request, MIDNIGHT + 7 * HOUR_US)
        server.client().flushall()
        steps.run_id = "run-3"
        again = steps.run("ingest.flights", "materialize.airport")
        third = assembler.assemble(request, MIDNIGHT + 7 * HOUR_US)
        store.close()

    assert before.causes["from.mean"] == "store_unreachable"
    assert record.summary == "2 keys, 2 written"
    assert first.inputs == {"trip.hour": 5.0, "from.mean": 17.5, "from.flights": 2.0, "to.flights": 1.0}
    assert second.inputs["from.flights"] == 3.0
    assert again.status == "unchanged"
    assert third.inputs == second.inputs
    assert not steps.workspace.online.exists()
