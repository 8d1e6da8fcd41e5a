"""A workspace whose ingest and features steps have already run, on made data, so that the learning steps can."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlsystem_runtime.contract.base import digest, pretty_json
from mlsystem_runtime.contract.code import Code, code_digest, read_code
from mlsystem_runtime.contract.columns import Column, ColumnType, Source
from mlsystem_runtime.contract.features import FeatureContract, FeatureUse, ModelInput, RequestGroup
from mlsystem_runtime.contract.model import Task
from mlsystem_runtime.contract.run import (
    EvaluateStep,
    Examples,
    Gate,
    Label,
    MonitorSection,
    OnlineStore,
    Read,
    RegisterStep,
    RunConfig,
    ServerSection,
    Split,
    Step,
    TabularParameters,
    TrainStep,
)
from mlsystem_runtime.contract.workspace import StepRecord, Workspace, write_struct
from mlsystem_runtime.steps.base import run_step

HOUR_US = 3_600_000_000
START_US = 1_357_000_000_000_000
INPUTS = (
    ModelInput("trip.distance", ColumnType.FLOAT), ModelInput("trip.carrier", ColumnType.STRING),
    ModelInput("history.late_share", ColumnType.FLOAT), ModelInput("trip.express", ColumnType.BOOL),
)
SMALL = TabularParameters(
    hidden=(16,), epochs=3, batch_size=64, learning_rate=1e-2, weight_decay=1e-4, dropout=0.2,
    numeric_embedding="periodic", embedding_size=4, patience=3,
)
BY_TIME = Split(by="time", validation=0.15, test=0.15)
MODEL = "delay"


def contract(inputs: tuple[ModelInput, ...] = INPUTS) -> FeatureContract:
    """Two request groups, `trip` and `history`; every input is a request field of the same name."""
    names = ("trip", "history")
    fields = tuple(Column(one.name.partition(".")[2], one.type, nullable=True) for one in inputs)
    groups = tuple(RequestGroup(name=name, fingerprint=f"{name}-1", fields=fields, compute=()) for name in names)
    uses = tuple(
        FeatureUse(
            group=name, alias=name, lookup=(),
            columns=tuple(one.name.partition(".")[2] for one in inputs if one.name.startswith(name + ".")),
        )
        for name in names
    )
    return FeatureContract(request=fields, groups=groups, uses=uses, inputs=inputs)


def dataset(rows: int = 1000, task: Task = "binary_classification", seed: int = 0, noise: float = 0.5) -> pa.Table:
    """One example an hour, its label known two hours later; it follows all four inputs, with nulls among them."""
    draw = np.random.default_rng(seed)
    distance = np.exp(draw.normal(6.0, 1.0, rows))
    share = draw.uniform(0.0, 1.0, rows)
    carrier = draw.choice(["AA", "B6", "UA"], rows)
    express = draw.random(rows) < 0.3
    score = 2.0 * share - 1.0 + 0.5 * (carrier == "B6") - 0.4 * express + 0.2 * np.sin(distance / 200.0)
    score = score + noise * draw.normal(0.0, 1.0, rows)
    labels: dict[Task, Any] = {
        "binary_classification": (score > 0).astype(np.int64),
        "regression": 10.0 + 4.0 * score,
        "multiclass": np.where(score < -0.4, "early", np.where(score < 0.4, "on time", "late")),
    }
    at = START_US + HOUR_US * np.arange(rows)
    missing = draw.random(rows) < 0.05
    return pa.table({
        "__row": np.arange(rows, dtype=np.int64), "__at": at, "__known": at + 2 * HOUR_US, "__label": labels[task],
        "trip.distance": pa.array(distance, mask=missing), "trip.carrier": pa.array(carrier, mask=np.roll(missing, 1)),
        "history.late_share": pa.array(share, mask=np.roll(missing, 2)), "trip.express": pa.array(express),
    })


TWO_LAYERS = """
import torch
from torch import nn

WIDTH = 16


class TwoLayers(nn.Module):
    def __init__(self, numeric, categorical, outputs):
        super().__init__()
        self.register_buffer("centre", torch.tensor([one.centre for one in numeric]))
        self.register_buffer("spread", torch.tensor([one.spread for one in numeric]))
        self.tables = nn.ModuleList(nn.Embedding(2 + len(one.vocabulary), 4) for one in categorical)
        self.first = nn.Linear(len(numeric) + 4 * len(categorical), WIDTH)
        self.second = nn.Linear(WIDTH, outputs)

    def forward(self, x, ids):
        scaled = torch.nan_to_num((x - self.centre) / self.spread).clamp(-10, 10)
        embedded = [table(ids[:, column]) for column, table in enumerate(self.tables)]
        return self.second(torch.relu(self.first(torch.cat([scaled, *embedded], dim=1))))
"""
BUILD = """
from networks.layers import TwoLayers


def build(numeric, categorical, outputs):
    return TwoLayers(numeric, categorical, len(outputs))
"""


def written(folder: Path, build: str = BUILD, layers: str = TWO_LAYERS) -> Code:
    """The user's code: the function `build` of `networks.model`, and layers that it imports by their full name."""
    (folder / "networks").mkdir(parents=True, exist_ok=True)
    (folder / "networks" / "model.py").write_text(build)
    (folder / "networks" / "layers.py").write_text(layers)
    return Code(path=str(folder), entrypoint="networks.model:build", digest=code_digest(read_code(folder)))


@dataclass
class Learning:
    """The steps of one model over `table`; what differs from the defaults is given by keyword."""

    root: Path
    table: pa.Table = field(default_factory=dataset)
    task: Task = "binary_classification"
    parameters: TabularParameters = SMALL
    split: Split = BY_TIME
    seed: int = 7
    metrics: tuple[str, ...] = ("roc_auc", "log_loss")
    slices: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()
    baseline: Any = "none"
    promote: Any = "release"
    engine: Any = "onnx"
    max_loss_of_work_us: int = 600_000_000
    contract: FeatureContract = field(default_factory=contract)
    model: str = MODEL
    code: Code | None = None

    def __post_init__(self) -> None:
        self.workspace = Workspace(str(self.root))

    def config(self) -> RunConfig:
        model, table = self.model, digest(self.table.to_pydict())
        source = Source(
            name="flights", format="csv", uri="flights.csv", time="at", timezone="UTC", available=None,
            known_at_time=(), key=(), columns=(Column("carrier", ColumnType.STRING),),
        )
        examples, label = Examples(source="flights", at="at", where=None), Label(column="label", known="known")
        train = TrainStep(
            model=model, task=self.task, contract=self.contract, parameters=self.parameters,
            type="custom" if self.code else "tabular", code=self.code,
            split=self.split, seed=self.seed, threads=1, max_loss_of_work_us=self.max_loss_of_work_us,
        )
        evaluate = EvaluateStep(
            model=model, task=self.task, metrics=self.metrics, slices=self.slices, baseline=self.baseline,
            gates=self.gates, split=self.split, seed=self.seed, examples=examples, label=label, sources=(source,),
        )
        register = RegisterStep(model=model, experiment="tests", promote=self.promote, engine=self.engine)
        features, trained, evaluated = f"features.{model}", f"train.{model}", f"evaluate.{model}"
        fit = digest([self.parameters, self.split, self.seed, self.contract, self.task, table, self.code])
        steps = (
            Step(name=trained, fingerprint=fit, reads=(Read(features, ("dataset",)),), payload=train),
            Step(
                name=evaluated, fingerprint=digest(evaluate), payload=evaluate,
                reads=(Read(trained, ("model",)), Read(features, ("dataset",)), Read("ingest.flights", ("rows",))),
            ),
            Step(
                name=f"register.{model}", fingerprint=digest(register), payload=register,
                reads=(Read(trained, ("model",)), Read(evaluated, ("evaluation",)), Read(features, ("dataset",))),
            ),
        )
        store = OnlineStore(type="sqlite")
        return RunConfig(
            format=1, system="flights", environment="dev", clock="data", steps=steps,
            server=ServerSection(clock="data", online_store=store, threads=None, endpoints=()),
            monitor=MonitorSection(clock="data", online_store=store, models=(), refreshes=(), sources=()),
        )

    def prepare(self, run_id: str = "run-1") -> None:
        """Leave behind what ingest and features would have."""
        content = digest(self.table.to_pydict())
        source = pa.table({"carrier": self.table["trip.carrier"]})
        self._publish(run_id, "ingest.flights", content, "rows.parquet", source, {"rows": content})
        self._publish(run_id, f"features.{self.model}", content, "dataset.parquet", self.table, {"dataset": content})

    def _publish(
        self, run_id: str, step: str, key: str, file: str, table: pa.Table, digests: Mapping[str, str],
    ) -> None:
        folder = self.workspace.path("steps", step, key)
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / file)
        record = StepRecord(
            step=step, key=key, status="done", output=str(folder.relative_to(self.workspace.root)),
            digests=dict(digests), facts={"rows": len(table)}, summary="", seconds=0.0,
        )
        write_struct(self.workspace.record(run_id, step), record)

    def run(self, kind: str, run_id: str = "run-1") -> StepRecord:
        """Run the step `kind` (train, evaluate or register) in this process."""
        return run_step(self.config(), f"{kind}.{self.model}", self.workspace, run_id)

    def run_all(self, run_id: str = "run-1") -> StepRecord:
        """Train, evaluate and register; the record of the last."""
        self.prepare(run_id)
        return [self.run(kind, run_id) for kind in ("train", "evaluate", "register")][-1]

    def output(self, record: StepRecord) -> Path:
        return self.workspace.path(record.output)

    def write_config(self) -> Path:
        """`run.json`, for a process."""
        path = self.root / "run.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pretty_json(self.config()))
        return path
