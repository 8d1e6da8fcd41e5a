"""A small system of one source and one model, and its data steps run as the engine runs them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mlsystem_runtime.contract.base import digest
from mlsystem_runtime.contract.columns import AnyCheck, Column, ColumnType, Derived, Source
from mlsystem_runtime.contract.features import (
    Aggregate,
    AggregateGroup,
    FeatureContract,
    FeatureUse,
    KeyPart,
    Lookup,
    ModelInput,
    RequestGroup,
)
from mlsystem_runtime.contract.model import Lineage, ModelCard, Reference
from mlsystem_runtime.contract.run import (
    Clock,
    Examples,
    FeaturesStep,
    IngestStep,
    Label,
    MaterializeStep,
    MonitorSection,
    OnlineStore,
    Read,
    RunConfig,
    ServerSection,
    Step,
)
from mlsystem_runtime.contract.workspace import StepRecord, Workspace
from mlsystem_runtime.steps.base import run_step

HOUR_US = 3_600_000_000
CSV = """id,at,landed,origin,dest,delay,ignored
a,2013-01-01 00:00,2013-01-01 02:00,EWR,BOS,30,1
b,2013-01-01 01:00,2013-01-01 01:30,BOS,EWR,-5,2
c,2013-01-01 03:00,2013-01-01 05:00,EWR,BOS,5,3
d,2013-01-01 03:00,,EWR,BOS,NA,4
e,2013-01-01 04:00,2013-01-01 04:30,,EWR,20,5
"""
AIRPORT = AggregateGroup(
    "airport", "airport-1", "flights", (KeyPart("code", "origin", ColumnType.STRING),),
    (Aggregate("mean", "mean", "delay", 24 * HOUR_US, HOUR_US, ColumnType.FLOAT),
     Aggregate("flights", "count", None, 24 * HOUR_US, HOUR_US, ColumnType.INT)),
)  # fmt: skip
TRIP = RequestGroup(
    "trip", "trip-1", (Column("at", ColumnType.TIMESTAMP),), (Derived("hour", "hour(at)", ColumnType.INT),)
)  # fmt: skip
CONTRACT = FeatureContract(
    request=tuple(Column(name, kind, True) for name, kind in (
        ("at", ColumnType.TIMESTAMP), ("origin", ColumnType.STRING), ("dest", ColumnType.STRING))),
    groups=(AIRPORT, TRIP),
    uses=(FeatureUse("airport", "from", ("mean", "flights"), (Lookup("code", "origin"),)),
          FeatureUse("airport", "to", ("flights",), (Lookup("code", "dest"),)),
          FeatureUse("trip", "trip", ("hour",), ())),
    inputs=(ModelInput("trip.hour", ColumnType.INT), ModelInput("from.mean", ColumnType.FLOAT),
            ModelInput("from.flights", ColumnType.INT), ModelInput("to.flights", ColumnType.INT)),
)  # fmt: skip


def flights(folder: Path, content: str = CSV) -> Source:
    (folder / "flights.csv").write_text(content)
    kinds = {"id": "string", "at": "timestamp", "landed": "timestamp?", "origin": "string?", "dest": "string",
             "delay": "float?"}  # fmt: skip
    return Source(
        name="flights", format="csv", uri=str(folder / "flights.csv"), time="at", timezone="UTC", available="landed",
        known_at_time=("id", "at", "origin", "dest"), key=("id",),
        columns=tuple(Column(name, ColumnType(kind.rstrip("?")), kind.endswith("?")) for name, kind in kinds.items()),
        derived=(Derived("late", "delay > 15", ColumnType.BOOL),),
    )  # fmt: skip


@dataclass
class DataSteps:
    """The ingest, materialize and features steps over `flights.csv` of `root`, in a workspace below it."""

    root: Path
    source: Source
    checks: tuple[AnyCheck, ...] = ()
    clock: Clock = "data"
    where: str | None = None
    at: str = "at"
    group: AggregateGroup = AIRPORT
    known: str = "landed"
    run_id: str = "run-1"
    parts: tuple[str, ...] = ("rows", "clock", "column:origin", "column:delay", "column:landed")

    def __post_init__(self) -> None:
        self.workspace = Workspace(str(self.root / "workspace"))

    def config(self) -> RunConfig:
        ingested = Read("ingest.flights", self.parts)
        payloads: dict[str, Any] = {
            "ingest.flights": IngestStep(self.source, self.checks),
            "materialize.airport": MaterializeStep(self.group, self.source),
            "features.main": FeaturesStep(
                model="main", task="binary_classification", examples=Examples("flights", self.at, self.where),
                label=Label("late", self.known), contract=CONTRACT, sources=(self.source,),
            ),
        }  # fmt: skip
        steps = tuple(
            Step(name, digest(payload), () if name.startswith("ingest") else (ingested,), payload)
            for name, payload in payloads.items()
        )
        store = OnlineStore(type="sqlite")
        return RunConfig(
            format=1, system="flights", environment="dev", clock=self.clock, steps=steps,
            server=ServerSection(clock=self.clock, online_store=store, threads=None, endpoints=()),
            monitor=MonitorSection(clock=self.clock, online_store=store, models=(), refreshes=(), sources=()),
        )  # fmt: skip

    def run(self, *names: str) -> StepRecord:
        """Run these steps in order; the last one's record."""
        records = [run_step(self.config(), name, self.workspace, self.run_id) for name in names]
        return records[-1]

    def table(self, record: StepRecord, file: str) -> pa.Table:
        return pq.read_table(self.workspace.path(record.output, file))


def card(contract: FeatureContract) -> ModelCard:
    """A registered version, as far as its feature contract goes."""
    lineage = Lineage("run-1", "", "", 0, None, "", {}, 0)
    return ModelCard(
        format=1, model="main", version=1, task="binary_classification", type="tabular", contract=contract,
        contract_digest=digest(contract), architecture={}, outputs=("probability",), reference=Reference((), (), ()),
        metrics=(), gates=(), lineage=lineage,
    )  # fmt: skip
