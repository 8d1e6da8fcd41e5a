"""Batch scoring: its throughput beside that of the model alone over arrays in memory, and its memory as files grow.

Throughput is of processor time, whose share is the same on a busy machine: what is not the model is reading, checking,
assembling and writing.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.columns import Column, ColumnType, Derived
from mlsystem_runtime.contract.features import FeatureContract, FeatureUse, ModelInput, RequestGroup
from mlsystem_runtime.contract.model import Lineage, ModelCard, Reference
from mlsystem_runtime.contract.release_store import FileReleaseStore
from mlsystem_runtime.contract.run import Endpoint, MonitorSection, OnlineStore, RunConfig, ServerSection, Slo
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.registry.engines import Answers, open_version
from mlsystem_runtime.registry.recorded import read_recorded
from mlsystem_runtime.steps.score import Order, score
from mlsystem_runtime.train.architecture import Architecture, NumericInput
from mlsystem_runtime.train.encode import in_blocks

ROWS, FEW, FIELDS, GROUP = 1_000_000, 100_000, 16, 100_000
ROUNDS = 5  # of both by turns, of which the fastest counts: what else the machine does only makes slower
NAMES = tuple(f"f{number}" for number in range(FIELDS))


def main() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(Workspace(name))
        for rows in (ROWS, FEW):
            write_rows(folder / f"{rows}.parquet", rows)
        few = in_child("scored", folder, FEW)
        rounds = [{name: in_child(name, folder, ROWS) for name in COMMANDS} for _ in range(ROUNDS)]
    alone, ours = (max((one[name] for one in rounds), key=lambda run: run["cpu"]) for name in ("bare", "scored"))
    wall, one = max(one["spread"]["wall"] for one in rounds), f"{max(one['bare']['wall'] for one in rounds):,.0f}"
    file = f"{ROWS:,} rows of {FIELDS} numbers in Parquet"
    return [
        measure("batch scoring", ours["cpu"], "rows/CPU-s", "", file),
        measure("the model alone", alone["cpu"], "rows/CPU-s", "", "as many rows, of arrays in memory"),
        measure("batch scoring / the model alone", ours["cpu"] / alone["cpu"], "x", "≥ 0.8", "processor time"),
        measure("batch scoring on all processors", wall, "rows/s", "", f"{one}, the model alone on one"),
        measure("most memory", ours["peak_mib"], "MiB", "", f"{few['peak_mib']:.0f} for {FEW:,} rows"),
    ]


def measure(name: str, value: float, unit: str, target: str, reference: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "reference": reference}


def contract() -> FeatureContract:
    columns = tuple(Column(name, ColumnType.FLOAT) for name in NAMES)
    trip = RequestGroup("trip", "t", columns, tuple(Derived(name, name, ColumnType.FLOAT) for name in NAMES))
    inputs = tuple(ModelInput(f"trip.{name}", ColumnType.FLOAT) for name in NAMES)
    return FeatureContract(columns, (trip,), (FeatureUse("trip", "trip", NAMES, ()),), inputs)


def prepare(workspace: Workspace) -> None:
    """A version of random weights, of which ONNX Runtime answers as torch does."""
    import torch  # the imports of this function are no part of what the measured processes hold

    from mlsystem_runtime.evaluate.parity import record
    from mlsystem_runtime.registry.artifact import LoadedModel, write_model
    from mlsystem_runtime.train.model import build

    torch.manual_seed(1)
    made = contract()
    inputs = tuple(NumericInput(one.name, at, 0.0, 1.0, (0.0, 0.5, 1.0)) for at, one in enumerate(made.inputs))
    architecture = Architecture(1, "regression", ("value",), inputs, (), (256, 256), 0.0, "none", 8)
    card = ModelCard(
        format=1, model="main", version=1, task="regression", type="tabular", contract=made,
        contract_digest=digest(made), architecture=architecture.values(), outputs=("value",),
        reference=Reference((), (), ()), metrics=(), gates=(), lineage=Lineage("", "", "", 0, None, "", {}, 0),
    )
    folder = workspace.version("main", 1)
    write_model(folder, build(architecture), card)
    rows = np.random.default_rng(2).random((100, FIELDS))
    record(folder, LoadedModel.load(folder), pa.table({one.name: rows[:, at] for at, one in enumerate(inputs)}))


def config() -> RunConfig:
    endpoint = Endpoint("main", ("/predict",), (), (), Slo(None, None, None, 1), 0.0, 1)
    store = OnlineStore("sqlite")
    return RunConfig(
        1, "bench", "dev", "wall", (), ServerSection("wall", store, None, (endpoint,)),
        MonitorSection("wall", store, (), (), ()),
    )


def write_rows(path: Path, rows: int) -> None:
    """As the library writes them where nobody says how: one group of rows, compressed."""
    random = np.random.default_rng(1)
    pq.write_table(pa.table({name: random.random(rows) for name in NAMES}), path)


def in_child(command: str, folder: Path, rows: int) -> dict[str, float]:
    """In a process of its own, so that its memory is that of the work alone."""
    done = subprocess.run(
        [sys.executable, __file__, command, str(folder), str(rows)], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def opened(folder: Path) -> Answers:
    version = Workspace(str(folder)).version("main", 1)
    return open_version("onnx", version, 1, read_recorded(version), "version 1")


def bare(folder: Path, rows: int) -> dict[str, float]:
    """The engine over arrays in memory, as many rows again and again as the file has."""
    model = opened(folder)
    x_BN, ids_BC = np.random.default_rng(1).random((GROUP, FIELDS), np.float32), np.empty((GROUP, 0), np.int64)
    in_blocks(model.predict_arrays, x_BN, ids_BC, 1)
    return timed(rows, lambda: [in_blocks(model.predict_arrays, x_BN, ids_BC, 1) for _ in range(rows // GROUP)])


def scored(folder: Path, rows: int, workers: int | None = 1) -> dict[str, float]:
    """On one thread, as the model alone: processors that work side by side slow each other down."""
    run(folder, FEW, workers)  # what is loaded and taken from the system at first is no part of the throughput
    return timed(rows, lambda: run(folder, rows, workers))


def run(folder: Path, rows: int, workers: int | None) -> None:
    workspace = Workspace(str(folder))
    with tempfile.TemporaryDirectory(dir=folder) as output:
        order = Order(str(folder / f"{rows}.parquet"), Path(output), version=1, workers=workers)
        score(config(), workspace, FileReleaseStore(workspace), order)


def spread(folder: Path, rows: int) -> dict[str, float]:
    return scored(folder, rows, None)


def timed(rows: int, work: Callable[[], object]) -> dict[str, float]:
    """Rows in a second of processor time, of which a busy machine takes nothing away, and in one of the clock."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    return {"cpu": rows / processor, "wall": rows / wall, "peak_mib": peak_mib()}


def peak_mib() -> float:
    """Of this process alone: what `getrusage` has is at least what its parent had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None, "Linux"
    return int(found[1]) / 1024


COMMANDS: dict[str, Callable[[Path, int], dict[str, float]]] = {"bare": bare, "scored": scored, "spread": spread}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))))
