"""A server whose release changes again and again under an open load: no request is lost, each is answered by a version
that was released while it was under way, as that version answers, and nothing stays of those that are gone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families as parse
from servers_under_load import counted, patient, until

sys.path.append(str(Path(__file__).resolve().parents[3] / "bench" / "serving"))

from support.open_loop import Load, Plan
from support.processes import open_files, resident_bytes

from mlsystem_runtime.contract import names
from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.evaluate.parity import record
from mlsystem_runtime.registry.artifact import LoadedModel, write_model
from mlsystem_runtime.train.architecture import Architecture, CategoricalInput, NumericInput
from mlsystem_runtime.train.model import build

VERSIONS = (1, 2, 3)     # in turn: a version is loaded anew each time, for of those before only the last one is kept
RATE = 300.0
BETWEEN_SECONDS = 0.1
FLAT_MB, MB = 8.0, 1 << 20
LOG_FILES = 1            # that each worker has open once it has answered
PROGRAM = """
import sys, weakref
from mlsystem_runtime.contract.run import decode_run_config
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.parent import die_with_parent
from mlsystem_runtime.serve.process import listen, run, together

die_with_parent()
config, workspace = decode_run_config(open(sys.argv[1], "rb").read()), Workspace(sys.argv[2])
workers, listener = int(sys.argv[3]), listen("127.0.0.1", 0)
print(listener.getsockname()[1], flush=True)

def said(what, number):
    with open(workspace.path("held"), "a") as file:
        file.write(f"{what} {number}\\n")

def work(fleet):
    from mlsystem_runtime.registry.recorded import check_recorded, read_recorded
    import mlsystem_runtime.serve.segments  # with the first segment of the log its libraries would come into memory
    from mlsystem_runtime.serve.fakes import FakeAssembler
    from mlsystem_runtime.registry.engines import in_onnx_runtime
    from mlsystem_runtime.serve.versions import LoadedVersion

    def load(model, number):
        folder = workspace.fetch_version(model, number)
        scorer, recorded = in_onnx_runtime(folder, 1), read_recorded(folder)
        check_recorded(recorded, scorer, str(number))
        said("loaded", number)
        weakref.finalize(scorer, said, "gone", number).atexit = False
        return LoadedVersion.of(number, scorer, FakeAssembler(scorer.card.contract), recorded)

    return run(config, workspace, listener, load, None, 0.0, fleet)

sys.exit(together(work, workers, [listener], 0.0))
"""
"""Tells in a file which versions are loaded and which are gone from memory."""


@dataclass
class Served:
    """`files`, `memory` are of all processes: now open, and resident in MB."""

    process: subprocess.Popen[bytes]
    port: int
    root: Path

    def serial(self) -> float:
        """Of the release that every worker follows; 0 before there is one."""
        with contextlib.suppress(OSError):
            families = list(parse(self.get("/metrics").decode()))
            return sum(one.value for each in families for one in each.samples if one.name == names.RELEASE_SERIAL)
        return 0.0

    def all_ready(self) -> bool:
        with contextlib.suppress(OSError):
            return {one["state"] for one in json.loads(self.get("/status"))["workers"]} == {"ready"}
        return False

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
            return response.read()

    @property
    def files(self) -> int:
        return open_files(self.process.pid)

    @property
    def memory(self) -> float:
        return resident_bytes(self.process.pid) / MB

    def held(self) -> int:
        """Loaded versions that are in memory."""
        told = (self.root / "held").read_text().split()[::2]
        return told.count("loaded") - told.count("gone")

    def loaded(self) -> int:
        return (self.root / "held").read_text().count("loaded")


@dataclass(frozen=True)
class InForce:
    """A release, from when it began to be written until every worker followed it."""

    version: int
    written: float
    followed: float


@dataclass
class Asked:
    """An open load on a thread of its own; `answers` are when a request was due, when its answer came, status, body."""

    load: Load = field(init=False)
    answers: list[tuple[float, float, str, bytes]] = field(default_factory=list)

    @contextlib.contextmanager
    def asking(self, port: int, row: dict[str, Any]) -> Iterator[None]:
        self.load = Load(Plan(port, "/predict", json.dumps(row), RATE, float("inf"), 30.0), self.seen)
        thread = threading.Thread(target=lambda: asyncio.run(self.load.run()))
        thread.start()
        try:
            yield
        finally:
            self.load.stop()
            thread.join()

    def seen(self, due: float, status: str, body: bytes) -> None:
        self.answers.append((due, time.monotonic(), status, body))

    def ends(self) -> dict[str, int]:
        return {how: len(found) for how, found in self.load.latencies.items()}


@pytest.fixture
def answers(world, card_of, good_row: dict[str, Any]) -> dict[int, float]:
    """Versions whose weights are random, each with rows recorded as at its registration; what each says to a row."""
    return {number: registered(world, replace(card_of(1), version=number), good_row) for number in VERSIONS}


def registered(world: Any, card: Any, row: dict[str, Any]) -> float:
    torch.manual_seed(card.version)
    carrier, express, seats, delay = (one.name for one in card.contract.inputs)
    architecture = Architecture(
        1, card.task, card.outputs, (NumericInput(seats, 2, 150.0, 50.0, (0.0, 1.0)),
        NumericInput(delay, 3, 0.0, 1.0, (0.0, 1.0))), (CategoricalInput(carrier, 0, ("UA", "AA")),
        CategoricalInput(express, 1, ("false", "true"))), (256, 256), 0.0, "periodic", 8)
    module, card = build(architecture), replace(card, architecture=architecture.values())
    folder = world.workspace.version("main", card.version)
    write_model(folder, module, card)
    model = LoadedModel.load(folder)
    rows = {carrier: ["UA", "AA", None], express: [False, True, None], seats: [100, 200, 300], delay: [0.5, None, 2.0]}
    record(folder, model, pa.table(rows))
    return model.predict([[row["carrier"], row["express"], row["seats"], None]])[0][0]


@pytest.fixture
def serve(world, answers) -> Iterator[Callable[[int], Served]]:
    config = world.root / "run.json"
    config.write_bytes(canonical_json(patient(world.config)))
    processes: list[subprocess.Popen[bytes]] = []

    def started(workers: int) -> Served:
        processes.append(subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(config), str(world.root), str(workers)], stdout=subprocess.PIPE,
            env={**os.environ, names.DIE_WITH_PARENT: str(os.getpid())}))
        served = Served(processes[-1], int(processes[-1].stdout.readline()), world.root)
        until(served.all_ready)
        return served

    yield started
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("swaps", "workers"),
    [
        pytest.param(5, 1, id="five"),
        pytest.param(5, 2, id="of several workers", marks=pytest.mark.slow),
        pytest.param(100, 1, id="a hundred", marks=pytest.mark.soak),
    ],
)
def test_no_request_is_lost_and_nothing_stays(
    world, serve, answers: dict[int, float], good_row: dict[str, Any], swaps: int, workers: int
) -> None:
    served, asked = serve(workers), Asked()
    releases, memory, files = [InForce(1, 0.0, time.monotonic())], [], served.files
    with asked.asking(served.port, good_row):
        for serial in range(2, swaps + 2):
            version, written = VERSIONS[(serial - 1) % len(VERSIONS)], time.monotonic()
            world.release((version, 1.0), serial=serial)
            until(lambda serial=serial: served.serial() == serial)
            releases.append(InForce(version, written, time.monotonic()))
            time.sleep(BETWEEN_SECONDS)
            memory.append(served.memory)
    until(lambda: served.files <= files + LOG_FILES * workers and served.held() == 2 * workers)
    served.process.send_signal(signal.SIGTERM)

    assert served.process.wait(30) == 0
    assert asked.ends() == {"200": len(asked.answers)}
    assert len(asked.answers) > 20 * swaps
    assert [one for one in asked.answers if not explained(one, releases, answers)] == []
    assert served.loaded() == workers * (swaps + 1)
    assert statistics.mean(memory[-3:]) - memory[swaps // 5] < FLAT_MB, memory
    assert counted(world.root) == len(asked.answers)


def explained(
    answer: tuple[float, float, str, bytes], releases: list[InForce], answers: dict[int, float]
) -> bool:
    """Whether a release says so that was in force at some time between the request and its answer. One may be followed
    as soon as it is written, and answers until every worker follows the next one."""
    due, came, _, body = answer
    [said] = json.loads(body)["predictions"]
    ends = [one.followed for one in releases[1:]] + [float("inf")]
    in_force = {one.version for one, end in zip(releases, ends, strict=True) if one.written <= came and due <= end}
    return said["version"] in in_force and abs(said["probability"] - answers[said["version"]]) < 1e-5
