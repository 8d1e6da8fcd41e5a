"""The release file is followed without a restart, and damage never takes away what works."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from mlsystem_runtime.serve.app import App
from mlsystem_runtime.serve.service import service_of


def version(client, row):
    return client.predict(row).json["version"]


def test_a_new_release_is_loaded_and_answers(world, client, good_row):
    world.release((2, 1.0), serial=2)
    client.settle()

    assert version(client, good_row) == 2
    assert "mlsystem_release_serial 2.0" in client.get("/metrics").body.decode()


def test_a_rollback_loads_nothing_again(world, client, good_row):
    world.release((2, 1.0), serial=2)
    client.settle()
    world.release((1, 1.0), serial=3)
    client.settle()

    assert version(client, good_row) == 1
    assert world.loads == [1, 2]


def test_versions_that_neither_this_nor_the_last_release_names_are_dropped(world, client):
    for serial in (2, 3):
        world.release((serial, 1.0), serial=serial)
        client.settle()

    assert client.get("/status").json["models"]["main"]["loaded"] == [2, 3]


@pytest.mark.parametrize("damage", [b"", b"{", b'{"serial": "x"}', b"\xff"])
def test_a_damaged_release_file_leaves_the_last_good_one(world, client, good_row, damage, caplog):
    world.workspace.release.write_bytes(damage)
    client.settle()

    assert version(client, good_row) == 1
    assert "damaged" in caplog.text
    assert "mlsystem_release_failures_total 1.0" in client.get("/metrics").body.decode()


def test_a_release_file_that_vanished_or_forgot_the_model_changes_nothing(world, client, good_row):
    world.workspace.release.write_text(json.dumps({"serial": 5, "models": {}}))
    client.settle()
    assert version(client, good_row) == 1

    world.workspace.release.unlink()
    client.settle()

    assert version(client, good_row) == 1


def test_a_damaged_version_leaves_the_last_good_release_and_its_serial(world, client, good_row, caplog):
    world.damaged = {2}
    world.release((2, 1.0), serial=2)
    client.settle()

    assert version(client, good_row) == 1
    assert client.get("/status").json["release_serial"] == 1
    assert "cut off" in caplog.text


def test_a_server_started_before_the_first_release_becomes_ready_when_there_is_one(world, start, good_row):
    world.workspace.release.unlink()
    client = start(world)
    assert client.get("/readyz").status == 503

    world.release((1, 1.0))
    client.settle()

    assert client.get("/readyz").status == 200
    assert version(client, good_row) == 1


def test_a_release_takes_effect_within_a_second_while_the_app_runs(world):
    async def until_switched() -> float:
        service = service_of(world.config, world.workspace, world.load)
        async with App(service).service.running():
            while "main" not in service.board.models:
                await asyncio.sleep(0.01)
            started = time.monotonic()
            world.release((2, 1.0), serial=2)
            while service.board.serial != 2:
                await asyncio.sleep(0.01)
            return time.monotonic() - started

    assert asyncio.run(asyncio.wait_for(until_switched(), 5)) < 1.0
