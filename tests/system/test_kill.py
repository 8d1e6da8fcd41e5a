"""Killing `apply` at any moment loses nothing: the next one goes on and converges, and no step is left behind."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from environments import command, free_port, mlsystem, processes

from mlsystem_runtime.contract.ledger import FileLedger, VersionRegistered
from mlsystem_runtime.contract.release import read_release
from mlsystem_runtime.contract.workspace import Workspace

ROWS = 1500
DAY = 86400
SPEC = """
apiVersion: mlsystem/v1
name: rides
sources:
  rides:
    type: csv
    uri: rides.csv
    time: started
    timezone: UTC
    available: ended
    known_at_time: [started, station]
    columns: {started: timestamp, ended: timestamp, station: string, minutes: float}
    derive: {long: minutes > 30}
entities:
  station: {key: {station: string}}
features:
  history:
    kind: aggregate
    source: rides
    entity: station
    aggregate: {minutes_1d: {mean: minutes, over: 1d}, long_7d: {mean: long, over: 7d}}
  trip: {kind: request, fields: [started], compute: {hour: hour(started)}}
model:
  task: binary_classification
  examples: {source: rides, at: started}
  label: {is: long, known: ended}
  features: [history.*, trip.*]
training:
  parameters: {hidden: [16], epochs: 4, batch_size: 128}
evaluation: {metrics: [log_loss], baseline: none}
environments:
  dev: {target: local, clock: data, port: PORT}
"""


def rows() -> Iterator[str]:
    """Rides whose length depends on station and hour, so that there is something to learn."""
    draw = random.Random(7)
    yield "started,ended,station,minutes"
    for number in range(ROWS):
        started = 1704067200 + number * 20 * DAY // ROWS
        station = draw.choice("abcd")
        minutes = round(draw.gauss(20 + 8 * "abcd".index(station) - started // 3600 % 24 / 2, 6), 1)
        yield f"{stamp(started)},{stamp(started + 3600)},{station},{minutes}"


def stamp(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "rides.csv").write_text("\n".join(rows()) + "\n")
    (tmp_path / "mlsystem.yaml").write_text(SPEC.replace("PORT", str(free_port())))
    yield tmp_path
    mlsystem(tmp_path, "destroy", "--yes")
    assert processes(tmp_path) == {}
    shutil.rmtree(tmp_path, ignore_errors=True)


def steps_at_work(folder: Path) -> list[str]:
    return [line for line in processes(folder).values() if " step " in line]


def kill_once(folder: Path, seconds: float) -> None:
    """Start an apply, kill it and nothing else after `seconds`, and see its step end by itself."""
    with open(folder / "killed.log", "ab") as log:
        apply = subprocess.Popen(command("apply"), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        with contextlib.suppress(subprocess.TimeoutExpired):
            apply.wait(seconds)
        apply.kill()
        apply.wait()
    deadline = time.monotonic() + 60
    while steps_at_work(folder):
        assert time.monotonic() < deadline, steps_at_work(folder)
        time.sleep(0.05)


def check_converged(folder: Path) -> None:
    done = mlsystem(folder, "apply")
    assert done.returncode == 0, done.stdout + done.stderr
    plan = mlsystem(folder, "plan", "--format", "json", "--detailed-exitcode")
    assert plan.returncode == 0, plan.stdout
    status = json.loads(mlsystem(folder, "status", "--format", "json").stdout)
    with urllib.request.urlopen(f"{status['url']}/readyz", timeout=10) as response:
        assert response.status == 200
    workspace = Workspace(str(folder / ".mlsystem/dev/workspace"))
    bodies = [entry.body for entry in FileLedger(workspace.ledger).entries()]
    versions = [body.version for body in bodies if isinstance(body, VersionRegistered)]
    assert versions == [1], "a step that was killed and ran again registers once"
    assert read_release(workspace.release).models["main"].champion == 1


@pytest.mark.slow
def test_five_kills_lose_nothing(project):
    kill_at_random_moments(project, kills=5, seed=1)


@pytest.mark.soak
def test_thirty_kills_lose_nothing(project):
    kill_at_random_moments(project, kills=30, seed=2)


def kill_at_random_moments(folder: Path, kills: int, seed: int) -> None:
    """Early and late moments alike: whenever an apply was about to get through, start from nothing again."""
    draw = random.Random(seed)
    for _ in range(kills):
        kill_once(folder, draw.uniform(0.2, 12.0))
        if (folder / ".mlsystem/dev/manifest.json").exists():
            check_converged(folder)
            assert mlsystem(folder, "destroy", "--yes").returncode == 0
    check_converged(folder)
