"""Servers whose workspace is a bucket, each with a disk of its own: what they log and count arrives there, once."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.bucket import Bucket, Object
from mlsystem_runtime.contract.ledger import RunFinished, open_ledger
from mlsystem_runtime.contract.monitor_state import MonitorState
from mlsystem_runtime.contract.names import MIRROR
from mlsystem_runtime.contract.release import ModelRelease, Release, Share
from mlsystem_runtime.contract.release_store import FileReleaseStore
from mlsystem_runtime.contract.run import Drift, MonitoredModel
from mlsystem_runtime.contract.workspace import Workspace, write_struct
from mlsystem_runtime.data.clock import advance_clock
from mlsystem_runtime.monitor.metrics import MonitorMetrics
from mlsystem_runtime.monitor.process import Monitor
from mlsystem_runtime.serve import shipping
from mlsystem_runtime.serve.app import App
from mlsystem_runtime.serve.clock import DataClock
from mlsystem_runtime.serve.fakes import fake_loader
from mlsystem_runtime.serve.reading import joined
from mlsystem_runtime.serve.reading import logged as logged_in
from mlsystem_runtime.serve.service import service_of
from mlsystem_runtime.serve.shipping import Shipper

CLOCK_US = 1_388_188_800_000_000  # 2013-12-28T00:00:00Z
HOUR_US = 3_600_000_000
PROGRAM = """
import sys
from mlsystem_runtime.contract.release_store import FileReleaseStore
from mlsystem_runtime.contract.run import decode_run_config
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.serve import recording
from mlsystem_runtime.serve.fakes import fake_loader
from mlsystem_runtime.serve.process import listen, run
recording.SEAL_SECONDS = float(sys.argv[4])
config, workspace = decode_run_config(open(sys.argv[1], "rb").read()), Workspace(sys.argv[2])
listener = listen("127.0.0.1", int(sys.argv[3]))
sys.exit(run(config, workspace, listener, fake_loader(workspace), FileReleaseStore(workspace)))
"""

Pod = Callable[[str], Workspace]


@pytest.fixture
def pod(bucket_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pod:
    """The workspace as the pod of that name sees it; what is made from now on has that host name."""
    def named(name: str) -> Workspace:
        monkeypatch.setattr("socket.gethostname", lambda: name)
        monkeypatch.setenv(MIRROR, str(tmp_path / name))
        return Workspace(bucket_uri)

    return named


@pytest.fixture
def released(pod: Pod, card_of: Any) -> Workspace:
    """Version 1 is published and released, and the data's clock stands."""
    workspace = pod("trainer")
    for number in (1, 2):
        folder = workspace.path(f".new-{number}")
        write_struct(folder / "model.json", card_of(number))
        workspace.storage.publish(folder, f"models/main/{number}")
    release(workspace, 1)
    advance_clock(workspace, CLOCK_US)
    return workspace


def release(workspace: Workspace, version: int) -> None:
    store = FileReleaseStore(workspace)
    shares = ModelRelease(salt="s", shares=(Share(version, 1.0),))
    held = store.read()
    assert store.write(Release(serial=held.release.serial + 1, models={"main": shares}), held.token)


@pytest.fixture
def served(world: Any, released: Workspace, pod: Pod, client: Any) -> Callable[[str], Any]:
    """A server in the pod of that name, called in this process; `settle` makes it look and flush."""
    def start(name: str) -> Any:
        workspace = pod(name)
        service = service_of(world.config, workspace, fake_loader(workspace))
        service.clock.refresh()
        made = type(client)(App(service), client.runner)
        made.settle()
        return made

    return start


def ship(client: Any) -> None:
    client.settle()
    client.runner.run(client.app.service.recorder.seal(CLOCK_US))


def ask(client: Any, row: dict[str, Any], *identities: str) -> None:
    for identity in identities:
        assert client.predict(row, x_request_id=identity).status == 200


def logged(uri: str) -> list[str]:
    """The request ids of all rows in the bucket, sorted."""
    return sorted(logged_in(Workspace(uri), "predictions", "main").to_pydict().get("request_id", []))


def test_predictions_of_two_pods_are_in_the_bucket_by_hour_and_pod(
    served: Any, good_row: dict[str, Any], bucket_uri: str
) -> None:
    one, two = served("pod-1"), served("pod-2")
    ask(one, good_row, "a", "b")
    ask(two, good_row, "c")
    ship(one)
    ask(one, good_row, "d")
    ship(one)
    ship(two)

    names = [one.name.split("/") for one in Bucket(bucket_uri).listing("predictions/")]
    assert logged(bucket_uri) == ["a", "b", "c", "d"]
    assert [name[:5] for name in names] == [
        ["predictions", "main", "2013-12-28", "00", pod] for pod in ("pod-1", "pod-1", "pod-2")]


def test_feedback_told_to_one_pod_joins_in_the_bucket_what_another_one_logged(
    served: Any, good_row: dict[str, Any], bucket_uri: str
) -> None:
    one, two = served("pod-1"), served("pod-2")
    ask(one, good_row, "a", "b")
    assert two.predict({"request_id": "b", "outcome": True}, "/feedback").status == 200
    ship(one)
    ship(two)

    rows = joined(Workspace(bucket_uri), "main", CLOCK_US, CLOCK_US + HOUR_US).to_pylist()
    assert [(row["request_id"], row["outcome"]) for row in rows] == [("a", None), ("b", True)]
    names = [one.name.split("/") for one in Bucket(bucket_uri).listing("feedback/")]
    assert [name[:5] for name in names] == [["feedback", "main", "2013-12-28", "00", "pod-2"]]


def test_the_monitor_counts_the_requests_of_all_pods_and_keeps_its_state_in_the_bucket(
    served: Any, world: Any, pod: Pod, good_row: dict[str, Any]
) -> None:
    for name, identities in (("pod-1", "ab"), ("pod-2", "cde")):
        client = served(name)
        ask(client, good_row, *identities)
        ship(client)
    drift = Drift(features=None, predictions=True, window_us=24 * HOUR_US, false_alarms_per_month=1.0)
    model = MonitoredModel(
        model="main", drift=drift, freshness_us=None, missing=True, alerts=(), retrain_on=(), cooldown_us=0,
        approve=("retrain",), retrain_steps=())
    config = replace(world.config, monitor=replace(world.config.monitor, models=(model,)))
    workspace = pod("monitor")
    monitor = Monitor(config, workspace, lambda step, run_id: ("true",))

    monitor.look()

    state = pod("elsewhere").read(MonitorState, "monitor", "main.json")
    assert state.clock_us == CLOCK_US
    assert state.window is not None
    assert state.window.rows == 5
    assert state.sli is not None
    assert state.sli.valid == 5
    client = served("pod-3")
    ask(client, good_row, "f")
    ship(client)
    monitor.look()
    assert workspace.read(MonitorState, "monitor", "main.json").window.rows == 6  # type: ignore[union-attr]


def test_the_monitor_brings_each_entry_of_the_ledger_once(
    world: Any, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = pod("monitor")
    assert workspace.bucket is not None
    read, bring = [], workspace.bucket.get

    def brought(name: str) -> Object:
        read.append(name)
        return bring(name)

    monkeypatch.setattr(workspace.bucket, "get", brought)
    monitor = Monitor(world.config, workspace, lambda step, run_id: ("true",))
    monitor.metrics = MonitorMetrics()
    for number in (1, 2):
        open_ledger(pod("pipeline")).append(RunFinished(f"run-{number}", "done", ""))
        monitor.look()

    assert [name for name in read if name.startswith("ledger/")] == ["ledger/00000001.json", "ledger/00000002.json"]


def test_the_clock_of_a_disk_that_takes_nothing_stands_still_and_stops_nothing(
    released: Workspace, pod: Pod, caplog: pytest.LogCaptureFixture
) -> None:
    workspace = pod("pod-1")
    workspace.path("clock.json").mkdir(parents=True)
    clock = DataClock(workspace)

    clock.refresh()

    assert clock.now_us() is None
    assert "stands still" in caplog.text


def test_a_server_follows_a_release_in_the_bucket_and_brings_its_version(
    served: Any, released: Workspace, pod: Pod, good_row: dict[str, Any]
) -> None:
    client = served("pod-1")
    assert client.predict(good_row).json["predictions"][0]["version"] == 1

    release(released, 2)
    client.settle()

    assert client.predict(good_row).json["predictions"][0]["version"] == 2


def test_what_cannot_be_shipped_waits_and_is_shipped_once(
    served: Any, good_row: dict[str, Any], bucket_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = served("pod-1")
    bucket = client.app.service.recorder.shipper._bucket
    ask(client, good_row, "a")
    name, bucket.name = bucket.name, "tests-nowhere"
    ship(client)
    ask(client, good_row, "b")
    bucket.name = name

    ship(client)
    ship(client)

    assert logged(bucket_uri) == ["a", "b"]


def test_without_room_the_oldest_records_go_and_are_counted(
    served: Any, good_row: dict[str, Any], bucket_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = served("pod-1")
    bucket = client.app.service.recorder.shipper._bucket
    name, bucket.name = bucket.name, "tests-nowhere"
    ask(client, good_row, "a")
    ship(client)
    [waiting] = (tmp_path / "pod-1").glob("predictions/main/*/*/*.parquet")
    monkeypatch.setattr(shipping, "MOST_WAITING", waiting.stat().st_size * 3 // 2)
    ask(client, good_row, "b")
    ship(client)
    bucket.name = name

    ship(client)

    assert logged(bucket_uri) == ["b"]
    assert b'mlsystem_prediction_log_dropped_total{model="main",reason="room"} 1.0' in client.get("/metrics").body


def test_days_that_need_not_be_kept_go_from_the_bucket_too(released: Workspace, bucket_uri: str) -> None:
    bucket = Bucket(bucket_uri)
    for day in ("2013-12-25", "2013-12-26", "2013-12-28"):
        bucket.put(f"predictions/main/{day}/00/pod-1/1.parquet", b"")
    shipper = Shipper(released, bucket, {"main": timedelta(days=2)})

    shipper.prune(CLOCK_US)

    assert bucket.folders("predictions/main") == ["2013-12-26", "2013-12-28"]


@pytest.mark.slow
def test_a_server_that_is_killed_loses_at_most_a_second_of_its_log(
    world: Any, released: Workspace, good_row: dict[str, Any], bucket_uri: str, tmp_path: Path
) -> None:
    """A container starts again on the disk of its pod; the next process ships what the last one had written."""
    config = tmp_path / "run.json"
    config.write_bytes(canonical_json(world.config))

    def start(ship_s: float) -> tuple[subprocess.Popen[bytes], int]:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        arguments = [str(config), bucket_uri, str(port), str(ship_s)]
        environment = {**os.environ, MIRROR: str(tmp_path / "disk")}
        return subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], env=environment), port

    def post(port: int, identity: str) -> None:
        until = time.monotonic() + 60
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                connection.request("POST", "/predict", json.dumps(good_row), {"x-request-id": identity})
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            finally:
                connection.close()
            assert time.monotonic() < until
            time.sleep(0.1)

    first, port = start(3600.0)
    post(port, "a")
    time.sleep(2.5)
    post(port, "b")  # may be lost
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert logged(bucket_uri) == []

    second, port = start(1.0)
    post(port, "c")
    until = time.monotonic() + 30
    while not {"a", "c"} <= set(logged(bucket_uri)):
        assert time.monotonic() < until
        time.sleep(0.2)
    post(port, "d")
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=30) == 0

    found = logged(bucket_uri)
    assert found in (["a", "c", "d"], ["a", "b", "c", "d"])
    counted = [one.name for one in Bucket(bucket_uri).listing("counts/main/")]
    assert len([name for name in counted if name.endswith(".sli.json")]) == 2


def test_a_server_that_lives_long_keeps_few_versions_on_its_disk(
    released: Workspace, served: Callable[[str], Any], pod: Pod, card_of: Any, good_row: dict[str, Any]
) -> None:
    server = served("server")
    for number in range(3, 9):
        folder = released.path(f".new-{number}")
        write_struct(folder / "model.json", card_of(number))
        released.storage.publish(folder, f"models/main/{number}")
        release(released, number)
        server.settle()

    assert server.predict(good_row).json["version"] == 8
    assert {path.name for path in pod("server").path("models", "main").iterdir()} == {"6", "7", "8"}


def test_a_monitor_that_lives_long_keeps_few_versions_on_its_disk(
    released: Workspace, pod: Pod, card_of: Any, world: Any
) -> None:
    workspace = pod("monitor")
    for number in range(3, 9):
        folder = released.path(f".new-{number}")
        write_struct(folder / "model.json", card_of(number))
        released.storage.publish(folder, f"models/main/{number}")
        workspace.fetch_version("main", number, "model.json")

    Monitor(world.config, workspace, lambda *_: ()).look()

    assert {path.name for path in workspace.path("models", "main").iterdir()} == {"6", "7", "8"}
