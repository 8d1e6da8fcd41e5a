"""Batch scoring: its throughput beside that of the bare model over arrays in memory, and its memory as files grow.

    python bench/scoring.py [ROWS]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.columns import Column, ColumnType, Derived
from mlsystem_runtime.contract.features import FeatureContract, FeatureUse, ModelInput, RequestGroup
from mlsystem_runtime.contract.model import Lineage, ModelCard, Reference
from mlsystem_runtime.contract.release_store import FileReleaseStore
from mlsystem_runtime.contract.run import Endpoint, MonitorSection, OnlineStore, RunConfig, ServerSection, Slo
from mlsystem_runtime.contract.workspace import Workspace
from mlsystem_runtime.registry.artifact import LoadedModel, write_model
from mlsystem_runtime.steps.score import Order, score
from mlsystem_runtime.train.architecture import Architecture, NumericInput
from mlsystem_runtime.train.model import build

ROWS, FIELDS, GROUP = 1_000_000, 16, 100_000
NAMES = tuple(f"f{number}" for number in range(FIELDS))


def contract() -> FeatureContract:
    columns = tuple(Column(name, ColumnType.FLOAT) for name in NAMES)
    trip = RequestGroup("trip", "t", columns, tuple(Derived(name, name, ColumnType.FLOAT) for name in NAMES))
    inputs = tuple(ModelInput(f"trip.{name}", ColumnType.FLOAT) for name in NAMES)
    return FeatureContract(columns, (trip,), (FeatureUse("trip", "trip", NAMES, ()),), inputs)


def prepare(workspace: Workspace) -> None:
    torch.manual_seed(1)
    made = contract()
    inputs = tuple(NumericInput(one.name, at, 0.0, 1.0, (0.0, 0.5, 1.0)) for at, one in enumerate(made.inputs))
    architecture = Architecture(1, "regression", ("value",), inputs, (), (256, 256), 0.0, "none", 8)
    card = ModelCard(
        format=1, model="main", version=1, task="regression", type="tabular", contract=made,
        contract_digest=digest(made), architecture=architecture.values(), outputs=("value",),
        reference=Reference((), (), ()), metrics=(), gates=(), lineage=Lineage("", "", "", 0, None, "", {}, 0),
    )
    write_model(workspace.version("main", 1), build(architecture), card)


def config() -> RunConfig:
    endpoint = Endpoint("main", ("/predict",), (), (), Slo(None, None, None, 1), 0.0, 1)
    store = OnlineStore("sqlite")
    return RunConfig(
        1, "bench", "dev", "wall", (), ServerSection("wall", store, None, (endpoint,)),
        MonitorSection("wall", store, (), (), ()),
    )


def write_rows(path: Path, rows: int) -> pa.Table:
    """The last group, which is as large as all others."""
    random, table = np.random.default_rng(1), None
    with pq.ParquetWriter(path, pa.schema([(name, pa.float64()) for name in NAMES])) as writer:
        for _ in range(rows // GROUP):
            table = pa.table({name: random.random(GROUP) for name in NAMES})
            writer.write_table(table)
    assert table is not None
    return table


def bare_rows_per_second(workspace: Workspace, table: pa.Table, rows: int) -> float:
    """Of processor time, of which a busy machine takes nothing away."""
    model = LoadedModel.load(workspace.version("main", 1))
    inputs = table.rename_columns([f"trip.{name}" for name in table.column_names])
    model.predict_table(inputs.slice(0, 10_000))
    started = time.process_time()
    for _ in range(rows // GROUP):
        model.predict_table(inputs)
    return rows / (time.process_time() - started)


def scored(folder: Path, rows: int) -> dict[str, float]:
    """In a process of its own: what it took, and the most memory that it ever had."""
    done = subprocess.run(
        [sys.executable, __file__, "score", str(folder), str(rows)], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def score_here(folder: Path, rows: int) -> None:
    workspace = Workspace(str(folder))
    LoadedModel.load(workspace.version("main", 1)).predict([[0.5] * FIELDS])
    order = Order(str(folder / f"{rows}.parquet"), folder / f"scores-{rows}", version=1)
    started = time.process_time()
    score(config(), workspace, FileReleaseStore(workspace), order)
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"rows_per_second": rows / seconds, "peak_mib": peak}))


def measure(rows: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workspace = Workspace(name)
        prepare(workspace)
        few, table = rows // 10, write_rows(folder / f"{rows}.parquet", rows)
        write_rows(folder / f"{few}.parquet", few)
        bare = bare_rows_per_second(workspace, table, rows)
        small, large = scored(folder, few), scored(folder, rows)
    return {
        "bare_rows_per_second": bare, "rows_per_second": large["rows_per_second"],
        "ratio": large["rows_per_second"] / bare, "peak_mib_tenth": small["peak_mib"], "peak_mib": large["peak_mib"],
    }


if __name__ == "__main__":
    torch.set_num_threads(1)  # threads that wait for each other take processor time too
    if sys.argv[1:2] == ["score"]:
        score_here(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        measured = measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
        sys.stdout.write(json.dumps({name: round(value, 3) for name, value in measured.items()}, indent=2) + "\n")
