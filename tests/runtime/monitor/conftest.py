"""A workspace with one model version, counts of what it was asked, and a monitor's view of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from mlsystem_runtime.contract.counts import FORMAT, HOUR_US, ServedHour, SliCounts
from mlsystem_runtime.contract.features import FeatureContract
from mlsystem_runtime.contract.ledger import FileLedger
from mlsystem_runtime.contract.model import CategoryProfile, Lineage, ModelCard, NumericProfile, Reference
from mlsystem_runtime.contract.monitor_state import MonitorState
from mlsystem_runtime.contract.run import (
    Alert,
    Drift,
    MonitoredModel,
    MonitorSection,
    OnlineStore,
    Refresh,
    RunConfig,
    ServerSection,
    Submission,
)
from mlsystem_runtime.contract.workspace import StepRecord, Workspace, write_atomically, write_struct
from mlsystem_runtime.serve.cells import Tally, grid_of

DAY_US = 24 * HOUR_US
START_US = 1_388_188_800_000_000  # 2013-12-28T00:00:00Z
EDGES = tuple(np.linspace(-2.0, 2.0, 41).tolist())


def profile(name: str, seed: int) -> NumericProfile:
    values = np.random.default_rng(seed).normal(size=50_000)
    counts = np.bincount(np.searchsorted(EDGES, values, "right"), minlength=len(EDGES) + 1)
    return NumericProfile(name, EDGES, tuple(counts.tolist()), 500)


def reference() -> Reference:
    return Reference(
        numeric=(profile("past.delay", 1), profile("trip.distance", 2)),
        categorical=(CategoryProfile("trip.carrier", ("UA", "AA", "DL"), (25_000, 15_000, 10_000), 0, 0),),
        predictions=(profile("probability", 3),),
    )


@dataclass
class Scene:
    """`model` and `section` may be changed before a monitor is made of them."""

    root: Path
    window_us: int = DAY_US
    retrain_on: tuple[str, ...] = ("drift",)
    approve: tuple[str, ...] = ("retrain",)
    alerts: tuple[Alert, ...] = ()
    freshness_us: int | None = None
    refreshes: tuple[Refresh, ...] = ()
    submission: Submission | None = None
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(17))
    files: int = 0

    @property
    def workspace(self) -> Workspace:
        return Workspace(str(self.root))

    @property
    def ledger(self) -> FileLedger:
        return FileLedger(self.workspace.ledger)

    @property
    def model(self) -> MonitoredModel:
        drift = Drift(features=None, predictions=True, window_us=self.window_us, false_alarms_per_month=1.0)
        return MonitoredModel(
            model="main", drift=drift,
            freshness_us=self.freshness_us, missing=True, alerts=self.alerts, retrain_on=self.retrain_on,
            cooldown_us=3 * DAY_US, approve=self.approve, retrain_steps=("ingest.flights", "train.main"),
            submission=self.submission,
        )

    @property
    def config(self) -> RunConfig:
        store = OnlineStore("sqlite")
        return RunConfig(
            format=1, system="flight-delay", environment="dev", clock="data", steps=(),
            server=ServerSection(clock="data", online_store=store, threads=1, endpoints=()),
            monitor=MonitorSection(
                clock="data", online_store=store, models=(self.model,), refreshes=self.refreshes, sources=()),
        )

    def write_version(self, number: int = 1) -> None:
        card = ModelCard(
            format=1, model="main", version=number, task="binary_classification", type="tabular",
            contract=FeatureContract((), (), (), ()), contract_digest="c", architecture={}, outputs=("probability",),
            reference=reference(), metrics=(), gates=(), lineage=Lineage("r", "d", "f", 1, None, "3.11", {}, 0),
        )
        write_struct(self.workspace.version("main", number) / "model.json", card)

    def set_clock(self, clock_us: int) -> None:
        write_atomically(self.root / "clock.json", json.dumps({"clock_us": clock_us}))

    def serve(self, rows: int, hour: int, shift: float = 0.0, nulls: float = 0.01, version: int = 1) -> None:
        """Counts `rows` requests in the hour `hour` after the start; `shift` moves past.delay, `nulls` are missing."""
        tally = Tally(grid_of(reference()))
        for _ in range(rows):
            delay = None if self.random.random() < nulls else float(self.random.normal(shift))
            distance = None if self.random.random() < 0.01 else float(self.random.normal())
            carrier = str(self.random.choice(["UA", "AA", "DL"], p=[0.5, 0.3, 0.2]))
            score = None if self.random.random() < 0.01 else float(self.random.normal())
            tally.add({"past.delay": delay, "trip.distance": distance, "trip.carrier": carrier}, {"probability": score})
        self.files += 1
        self._count(f"1-1.{self.files}.json", tally.counts("main", version, START_US + hour * HOUR_US))

    def serve_level(self, hours: dict[int, ServedHour]) -> None:
        self._count("1-1.sli.json", SliCounts(
            format=FORMAT, model="main", latency_us=50_000, objective=0.95, availability=0.99, window_us=DAY_US,
            hours=hours,
        ))

    def ingested(self, run_id: str, newest_us: int) -> None:
        write_struct(self.workspace.record(run_id, "ingest.flights"), StepRecord(
            step="ingest.flights", key="k", status="done", output="o", digests={}, facts={"max_time_us": newest_us},
            summary="", seconds=0.0))

    def state(self) -> MonitorState:
        return msgspec.json.decode(self.workspace.path("monitor", "main.json").read_bytes(), type=MonitorState)

    def _count(self, name: str, counts: Any) -> None:
        write_atomically(self.workspace.path("counts", "main", name), msgspec.json.encode(counts))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(tmp_path)
    made.write_version()
    made.set_clock(START_US)
    return made
