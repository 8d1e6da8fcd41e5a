"""The release file is followed without a restart, and damage never takes away what works."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterator

import pytest
from fake_api_server import fake_api_server

from mlsystem_runtime.contract.api_server import ApiServer
from mlsystem_runtime.contract.configmap_release import ConfigMapReleaseStore
from mlsystem_runtime.contract.release import ModelRelease, Release, Share
from mlsystem_runtime.contract.release_store import FileReleaseStore
from mlsystem_runtime.serve.app import App
from mlsystem_runtime.serve.service import Service, service_of


def version(client, row):
    return client.predict(row).json["version"]


def test_a_new_release_is_loaded_and_answers(world, client, good_row):
    world.release((2, 1.0), serial=2)
    client.settle()

    assert version(client, good_row) == 2
    metrics = client.get("/metrics").body.decode()
    assert "mlsystem_release_serial 2.0" in metrics
    assert 'mlsystem_release_share_ratio{model="main",version="2"} 1.0' in metrics
    assert 'mlsystem_release_share_ratio{model="main",version="1"}' not in metrics


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


def release(serial: int, version: int) -> Release:
    return Release(serial, {"main": ModelRelease("s", (Share(version, 1.0),))})


async def until_serial(service: Service, serial: int) -> float:
    """The seconds it takes."""
    started = time.monotonic()
    while service.board.serial != serial:
        await asyncio.sleep(0.01)
    return time.monotonic() - started


def test_a_release_takes_effect_within_a_second_while_the_app_runs(world):
    async def until_switched() -> float:
        service = service_of(world.config, world.workspace, world.load)
        async with App(service).service.running():
            await until_serial(service, 1)
            world.release((2, 1.0), serial=2)
            return await until_serial(service, 2)

    assert asyncio.run(asyncio.wait_for(until_switched(), 5)) < 1.0


@pytest.mark.parametrize("turns", range(8))
def test_it_ends_when_it_is_told_to_at_the_moment_of_a_change(world, turns):
    async def ended() -> bool:
        service = service_of(world.config, world.workspace, world.load, store)
        following = asyncio.create_task(service.watcher.run())
        await until_serial(service, 1)
        await asyncio.sleep(0.05)
        store.changed()
        for _ in range(turns):
            await asyncio.sleep(0)
        following.cancel()
        await asyncio.wait({following}, timeout=5)
        return following.cancelled()

    store = ToldOfChanges(world.workspace)

    assert asyncio.run(ended())


class ToldOfChanges(FileReleaseStore):
    """Changes are what the test says."""

    changed: Callable[[], None]

    @contextlib.contextmanager
    def watch(self, changed: Callable[[], None]) -> Iterator[None]:
        self.changed = changed
        yield


def test_a_release_in_a_configmap_takes_effect_within_a_second_and_a_rollback_too(world):
    async def switched() -> list[float]:
        service = service_of(world.config, world.workspace, world.load, store)
        async with App(service).service.running():
            store.write(release(1, 1), "")
            taken = [await until_serial(service, 1)]
            for serial, version in ((2, 2), (3, 1)):
                store.write(release(serial, version), store.read().token)
                taken.append(await until_serial(service, serial))
            return taken

    with fake_api_server() as api:
        store = ConfigMapReleaseStore(ApiServer(api.url), "prod", "flights-release", {})

        assert max(asyncio.run(asyncio.wait_for(switched(), 10))) < 1.0
    assert world.loads == [1, 2]


def test_while_the_api_server_is_away_the_last_release_goes_on_answering(world, good_row, caplog):
    async def cut_off() -> tuple[int, int]:
        service = service_of(world.config, world.workspace, world.load, store)
        app = App(service)
        async with app.service.running():
            store.write(release(1, 2), "")
            await until_serial(service, 1)
            api.stop()
            await service.watcher.look()
            answering = service.board.models["main"].champion.number
            api.start()
            store.write(release(2, 1), store.read().token)
            await until_serial(service, 2)
            return answering, service.board.models["main"].champion.number

    with fake_api_server() as api:
        store = ConfigMapReleaseStore(ApiServer(api.url), "prod", "flights-release", {})

        assert asyncio.run(asyncio.wait_for(cut_off(), 20)) == (2, 1)
    assert "what was released before it goes on answering" in caplog.text
