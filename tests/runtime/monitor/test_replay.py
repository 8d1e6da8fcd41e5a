"""A replay of real requests through a real model: what was known then, and nothing else."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlsystem_runtime.contract.columns import Column, ColumnType, Derived, Source
from mlsystem_runtime.contract.counts import HOUR_US
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.features import (
    Aggregate,
    AggregateGroup,
    Feature,
    FeatureContract,
    FeatureUse,
    KeyPart,
    LatestGroup,
    Lookup,
    ModelInput,
    RequestGroup,
)
from mlsystem_runtime.contract.records import Prediction
from mlsystem_runtime.contract.release import ModelRelease, Release, Share, write_release
from mlsystem_runtime.contract.run import (
    Drift,
    Endpoint,
    Examples,
    FeaturesStep,
    IngestStep,
    Label,
    MonitoredModel,
    MonitorSection,
    OnlineStore,
    Read,
    RunConfig,
    ServerSection,
    Slo,
    Split,
    Step,
    TabularParameters,
    TrainStep,
)
from mlsystem_runtime.contract.workspace import StepRecord, Workspace, read_struct
from mlsystem_runtime.monitor.replay import Replay, instant, replay
from mlsystem_runtime.serve.reading import predictions
from mlsystem_runtime.steps.base import run_step

DAY_US = 24 * HOUR_US
START_US = 1_370_044_800_000_000  # 2013-06-01T00:00:00Z
DAYS, A_DAY = 40, 60
STRING, FLOAT, BOOL, TIMESTAMP = ColumnType.STRING, ColumnType.FLOAT, ColumnType.BOOL, ColumnType.TIMESTAMP


def flights() -> pa.Table:
    """Delays are known three hours later or never; from day 30 on they are longer, and distances too."""
    random = np.random.default_rng(3)
    rows = DAYS * A_DAY
    time = START_US + np.sort(random.integers(0, DAYS * DAY_US // (60_000_000 * 5), rows)) * 60_000_000 * 5
    late = (time >= START_US + 30 * DAY_US) * 30.0
    delay = np.round(random.normal(10, 20, rows) + late, 1)
    landed = pa.array(time + 3 * HOUR_US, mask=random.random(rows) < 0.05)
    return pa.table({
        "departure": pa.array(time, pa.timestamp("us", "UTC")),
        "carrier": random.choice(["UA", "AA", "DL"], rows),
        "distance": random.normal(1000, 200, rows) + late * 10,
        "delay": pa.array(delay, mask=random.random(rows) < 0.03),
        "landed": landed.cast(pa.timestamp("us", "UTC")),
    })


SOURCE = Source(
    name="flights", format="parquet", uri="flights.parquet", time="departure", timezone=None, available="landed",
    known_at_time=("departure", "carrier", "distance"), key=(),
    columns=(Column("departure", TIMESTAMP), Column("carrier", STRING), Column("distance", FLOAT),
             Column("delay", FLOAT, nullable=True), Column("landed", TIMESTAMP, nullable=True)),
    derived=(Derived("late", "delay > 15", BOOL),),
)
KEY = (KeyPart("carrier", "carrier", STRING),)
GROUPS = (
    AggregateGroup(name="history", fingerprint="h1", source="flights", key=KEY, aggregates=(
        Aggregate("mean_1d", "mean", "delay", DAY_US, 15 * 60_000_000, FLOAT),
        Aggregate("flights_1d", "count", None, DAY_US, 15 * 60_000_000, ColumnType.INT),
    )),
    LatestGroup(
        name="last", fingerprint="l1", source="flights", key=KEY, columns=(Feature("delay", FLOAT),), ttl_us=None,
    ),
    RequestGroup(name="trip", fingerprint="t1", fields=(Column("carrier", STRING), Column("distance", FLOAT)), compute=(
        Derived("carrier", "carrier", STRING), Derived("distance", "distance", FLOAT))),
)
CONTRACT = FeatureContract(
    request=(Column("carrier", STRING), Column("distance", FLOAT)), groups=GROUPS,
    uses=(FeatureUse("history", "history", ("mean_1d", "flights_1d"), (Lookup("carrier", "carrier"),)),
          FeatureUse("last", "last", ("delay",), (Lookup("carrier", "carrier"),)),
          FeatureUse("trip", "trip", ("carrier", "distance"), ())),
    inputs=(ModelInput("history.mean_1d", FLOAT), ModelInput("history.flights_1d", ColumnType.INT),
            ModelInput("last.delay", FLOAT), ModelInput("trip.carrier", STRING), ModelInput("trip.distance", FLOAT)),
)


def config() -> RunConfig:
    features = FeaturesStep(
        model="main", task="binary_classification", examples=Examples("flights", "departure", None),
        label=Label("late", "landed"), contract=CONTRACT, sources=(SOURCE,),
    )
    parameters = TabularParameters(
        hidden=(8,), epochs=1, batch_size=256, learning_rate=1e-2, weight_decay=0.0, dropout=0.0,
        numeric_embedding="none", embedding_size=4, patience=1,
    )
    train = TrainStep(
        model="main", task="binary_classification", contract=CONTRACT, type="tabular", parameters=parameters,
        split=Split("time", 0.15, 0.4), seed=1, threads=1, max_loss_of_work_us=600_000_000,
    )
    store = OnlineStore("sqlite")
    endpoint = Endpoint(
        model="main", routes=("/predict",), sticky=(), groups=(), slo=Slo(None, None, None, DAY_US), log_sample=1.0,
        log_retain_us=400 * DAY_US, engine="torch",
    )
    monitored = MonitoredModel(
        model="main", drift=Drift(None, True, 5 * DAY_US, 1.0), freshness_us=None, missing=True, alerts=(),
        retrain_on=("drift",), cooldown_us=DAY_US, approve=(), retrain_steps=("ingest.flights", "train.main"),
    )
    return RunConfig(
        format=1, system="flights", environment="dev", clock="data",
        steps=(
            Step("ingest.flights", "i", (), IngestStep(SOURCE, ())),
            Step("features.main", "f", (Read("ingest.flights", ("rows", "clock")),), features),
            Step("train.main", "t", (Read("features.main", ("dataset",)),), train),
        ),
        server=ServerSection(clock="data", online_store=store, threads=1, endpoints=(endpoint,)),
        monitor=MonitorSection(
            clock="data", online_store=store, models=(monitored,), refreshes=(), sources=(SOURCE,)),
    )


@dataclass(frozen=True)
class Trained:
    workspace: Workspace
    dataset: pa.Table


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """A workspace after ingest, features and training, with the model as version 1, released."""
    monkeypatch.chdir(tmp_path)
    pq.write_table(flights(), "flights.parquet")
    workspace = Workspace(str(tmp_path / "workspace"))
    for step in config().steps:
        run_step(config(), step.name, workspace, "run-1")

    def output(step: str) -> Path:
        return workspace.path(read_struct(workspace.record("run-1", step), StepRecord).output)

    shutil.copytree(output("train.main"), workspace.version("main", 1))
    write_release(workspace.release, Release(1, {"main": ModelRelease("s", (Share(1, 1.0),))}))
    return Trained(workspace, pq.read_table(output("features.main") / "dataset.parquet"))


def logged(root: Path) -> dict[str, Prediction]:
    return {one.request_id: one for one in predictions(Workspace(str(root)), "main")}


@pytest.mark.slow
def test_a_replay_sees_what_was_known_then_and_judges_its_windows(trained, capfd):
    assert replay(config(), trained.workspace, "main", "2013-06-21", "2013-07-11") == 0

    [path] = trained.workspace.root.glob("replays/*/replay.json")
    found = msgspec.json.decode(path.read_bytes(), type=Replay)
    assert [day.day for day in found.days] == [f"2013-06-{day}" for day in range(21, 31)] + [
        f"2013-07-{day:02}" for day in range(1, 11)]
    assert sum(day.requests for day in found.days) == rows_between(20, 40)
    assert all(day.refused == 0 and 0.0 < day.predicted < 1.0 for day in found.days)
    assert found.days[-1].happened > 0.6 > found.days[0].happened

    assert found.state.windows_judged == 4
    assert found.state.last.verdict == "drift"
    assert "trip.distance" in {test.column for test in found.state.last.tests if test.verdict == "drift"}
    said = capfd.readouterr().err
    assert "2013-07-10  " in said
    assert "of 4 windows drifted" in said

    assert_inputs_are_those_of_the_dataset(trained, path.parent)
    assert not trained.workspace.path("monitor").exists()
    assert not trained.workspace.path("counts").exists()


def rows_between(first_day: int, end_day: int) -> int:
    days = (flights()["departure"].cast(pa.int64()).to_numpy() - START_US) / DAY_US
    return int(((days >= first_day) & (days < end_day)).sum())


def assert_inputs_are_those_of_the_dataset(trained: Trained, root: Path) -> None:
    """Replayed in the order of their instants, requests meet the features that training computed for the same row."""
    log = logged(root)
    table = flights()
    at = table["departure"].cast(pa.int64()).to_numpy()
    replayed = [row for row in np.argsort(at, kind="stable").tolist() if at[row] >= START_US + 20 * DAY_US]
    offline = {row["__row"]: row for row in trained.dataset.to_pylist()}
    compared = 0
    for number, row in enumerate(replayed):
        if row in offline:
            expected = {name: offline[row][name] for name in log[f"replay-{number}"].inputs}
            assert log[f"replay-{number}"].inputs == pytest.approx(expected, nan_ok=True)
            compared += 1
    assert compared > 1000


def test_what_cannot_be_replayed_is_said_before_anything_starts(trained):
    for model, start, end, message in (
        ("other", "2013-06-21", "2013-07-01", "no model 'other'"),
        ("main", "2013-06-21", "2013-06-21", "is not after"),
        ("main", "2012-01-01", "2012-02-01", "no row of 'flights'"),
        ("main", "soon", "2012-02-01", "'soon' is not an instant"),
    ):
        with pytest.raises(MlsystemError, match=message):
            replay(config(), trained.workspace, model, start, end)

    trained.workspace.release.unlink()
    with pytest.raises(MlsystemError, match="no version of 'main' is released"):
        replay(config(), trained.workspace, "main", "2013-06-21", "2013-07-01")
    assert not trained.workspace.path("replays").exists()


def test_an_instant_without_an_offset_is_utc():
    assert instant("2013-06-01") == START_US
    assert instant("2013-05-31T20:00:00-04:00") == START_US
