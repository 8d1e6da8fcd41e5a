"""What requests leave behind: the sampled log, the counts, the metrics."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace

import msgspec
import pytest

from mlsystem_runtime.contract.counts import DriftCounts, SliCounts
from mlsystem_runtime.contract.release import bucket
from mlsystem_runtime.serve.call import begin
from mlsystem_runtime.serve.cells import merged
from mlsystem_runtime.serve.reading import predictions

CLOCK_US = 1_388_188_800_000_000
HOUR_US = 3_600_000_000


def log_lines(world):
    return [msgspec.structs.asdict(one) for one in predictions(world.workspace, "main")]


def drift_files(world):
    paths = [path for path in sorted(world.root.glob("counts/main/*.json")) if not path.name.endswith(".sli.json")]
    return [msgspec.json.decode(path.read_bytes(), type=DriftCounts) for path in paths]


def sli(world):
    [path] = world.root.glob("counts/main/*.sli.json")
    [hour] = msgspec.json.decode(path.read_bytes(), type=SliCounts).hours.values()
    return hour.valid, hour.answered, hour.fast


def test_a_logged_row_holds_request_inputs_outputs_and_when(world, client, good_row):
    client.predict({"rows": [good_row, good_row], "at": CLOCK_US + 5}, X_Request_Id="abc")
    client.settle()

    first, second = log_lines(world)
    assert (first["request_id"], first["row"], second["row"]) == ("abc", 0, 1)
    assert (first["at_us"], first["model"], first["version"]) == (CLOCK_US + 5, "main", 1)
    assert first["request"]["carrier"] == "UA"
    assert first["request"]["departure"] == 1_388_235_600_000_000
    assert first["inputs"]["past.delay"] == 0.5
    assert 0.8 < first["outputs"]["probability"] < 0.9
    [path] = world.root.glob("predictions/main/*/*/*.jsonl")
    assert path.parts[-3:-1] == ("2013-12-28", "00")


def test_a_logged_row_says_which_arms_its_unit_could_have_met_and_which_it_met(world, start, good_row):
    world.sticky = ("carrier",)
    world.release((1, 0.7), (2, 0.3), serial=5)
    client = start(world)
    client.predict({"rows": [{**good_row, "carrier": carrier} for carrier in "ABCDEFGHA"]})
    client.settle()

    rows = log_lines(world)
    assert {row["shares"] for row in rows} == {"1:0.7,2:0.3"}
    assert {row["release_serial"] for row in rows} == {5}
    assert all(row["version"] == (1 if row["bucket"] < 0.7 else 2) for row in rows)
    assert len({row["bucket"] for row in rows}) == 8
    assert rows[0]["bucket"] == rows[8]["bucket"] == bucket("s", '["A"]')


def test_an_unchanged_share_is_logged_with_the_serial_of_the_release_in_force(world, client, good_row):
    world.release((1, 1.0), serial=9)
    client.settle()
    client.predict(good_row)
    client.settle()

    [row] = log_lines(world)
    assert row["release_serial"] == 9


def test_the_log_samples_whole_requests_by_their_id(world, start, good_row):
    world.sample = 0.3
    client = start(world)
    for number in range(300):
        client.predict({"rows": [good_row, good_row]}, X_Request_Id=f"r{number}")
    client.settle()

    lines = log_lines(world)
    logged = {line["request_id"] for line in lines}
    assert len(lines) == 2 * len(logged)
    assert 60 < len(logged) < 120


def test_days_older_than_the_retention_are_removed(world, client, good_row):
    for day in ("2013-12-20", "2013-12-25", "2013-12-26"):
        (world.root / "predictions/main" / day / "00").mkdir(parents=True)
    client.settle()

    assert {path.name for path in (world.root / "predictions/main").iterdir()} == {"2013-12-26"}


def test_a_disk_that_fails_once_does_not_end_the_flushing(world, client, good_row, monkeypatch, caplog):
    failures = [OSError("no space left on device")]

    class Clock:
        def now_us(self):
            return CLOCK_US

        def refresh(self):
            if failures:
                raise failures.pop()

    async def logged_after_the_failure():
        async with replace(client.app.service, clock=Clock()).running():
            while failures:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            call = begin("later", time.monotonic(), 10.0)
            await client.app.service.predictors[0].answer_body(json.dumps(good_row).encode(), call)
            await asyncio.sleep(0.5)
            return log_lines(world)

    monkeypatch.setattr("mlsystem_runtime.serve.service.FLUSH_SECONDS", 0.02)
    lines = client.runner.run(logged_after_the_failure())

    assert [line["request_id"] for line in lines] == ["later"]
    assert "no space left" in caplog.text


def test_every_row_is_counted_on_the_frozen_grid_sampled_or_not(world, start, good_row):
    world.sample = 0.0
    client = start(world)
    for carrier, seats in (("UA", 50), ("UA", 150), ("AA", 150), ("ZZ", 100)):
        client.predict({**good_row, "carrier": carrier, "seats": seats})
    client.settle()

    [counts] = drift_files(world)
    assert counts.rows == 4
    assert counts.inputs["trip.seats"] == {0: 1, 1: 3}
    assert counts.inputs["trip.carrier"] == {0: 2, 1: 1, 2: 1}
    assert counts.inputs["past.delay"] == {1: 2, 2: 2}
    assert counts.inputs["trip.express"] == {0: 4}
    assert counts.predictions["probability"] == {2: 2, 3: 2}
    assert log_lines(world) == []


def test_each_hour_of_the_clock_and_each_version_is_counted_apart(world, start, good_row):
    world.sticky = ("carrier",)
    world.release((1, 0.5), (2, 0.5))
    client = start(world)
    for hour in range(3):
        rows = [{**good_row, "carrier": carrier} for carrier in "ABCDEFGH"]
        client.predict({"rows": rows, "at": CLOCK_US + hour * HOUR_US})
    client.settle()

    counted = {(counts.version, (counts.hour_us - CLOCK_US) // HOUR_US) for counts in drift_files(world)}
    assert counted == {(version, hour) for version in (1, 2) for hour in range(3)}
    assert sum(counts.rows for counts in drift_files(world)) == 24


def test_hours_that_left_memory_and_came_back_still_add_up(world, client, good_row):
    service = client.app.service
    for _ in range(2):
        for hour in range(60):
            client.predict({**good_row, "at": CLOCK_US + hour * HOUR_US})
        client.settle()
        client.settle()

    counts = drift_files(world)
    grid = service.board.models["main"].champion.grid
    assert merged(grid, counts).rows == 120
    assert len(counts) > 60


def test_a_restarted_server_adds_to_the_counts_and_overwrites_none(world, start, good_row):
    for _ in range(2):
        client = start(world)
        client.predict(good_row)
        client.settle()

    assert sum(counts.rows for counts in drift_files(world)) == 2


def test_the_service_level_leaves_out_what_clients_got_wrong_and_counts_refusals(world, start, good_row):
    world.unreachable = frozenset()
    client = start(world)
    client.predict(good_row)
    client.predict({})
    client.settle()

    assert sli(world) == (1, 1, 1)


def test_a_503_is_a_valid_request_that_was_not_answered(world, start, good_row):
    world.unreachable = frozenset({"history"})
    client = start(world)
    client.predict(good_row)
    client.settle()

    assert sli(world) == (1, 0, 0)


def test_the_latency_histogram_has_a_bucket_exactly_at_the_threshold(client, good_row):
    client.predict(good_row)

    line = 'mlsystem_request_duration_seconds_bucket{le="0.04",model="main"} 1.0'
    assert line in client.get("/metrics").body.decode()


@pytest.mark.parametrize(("body", "outcome", "version"), [({"carrier": 1}, "invalid", ""), (None, "ok", "1")])
def test_requests_are_counted_by_how_they_ended(client, good_row, body, outcome, version):
    client.predict(body if body is not None else good_row)

    line = f'mlsystem_requests_total{{model="main",outcome="{outcome}",version="{version}"}} 1.0'
    assert line in client.get("/metrics").body.decode()
