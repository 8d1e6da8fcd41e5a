"""Batch scoring says what a server would say, goes on where it was ended, and never lets a bad row pass for a good one.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from msgspec.structs import replace
from pipeline import AIRPORT, CONTRACT, DataSteps, card, flights

from mlsystem_runtime.contract.base import canonical_json
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.files import write_struct
from mlsystem_runtime.contract.identity import group_fingerprint
from mlsystem_runtime.contract.model import Engine, ModelCard
from mlsystem_runtime.contract.release import ModelRelease, Release, Share, write_release
from mlsystem_runtime.contract.release_store import FileReleaseStore
from mlsystem_runtime.contract.run import Endpoint, RunConfig, Slo
from mlsystem_runtime.evaluate.parity import record
from mlsystem_runtime.registry.artifact import LoadedModel, write_model
from mlsystem_runtime.registry.card import CARD
from mlsystem_runtime.serve.call import begin
from mlsystem_runtime.serve.loading import version_loader
from mlsystem_runtime.serve.service import service_of
from mlsystem_runtime.steps import score as scoring
from mlsystem_runtime.steps.score import Order, Scores, score
from mlsystem_runtime.train.architecture import Architecture, NumericInput
from mlsystem_runtime.train.model import build

HOUR_US = 3_600_000_000
START_US = 1_356_998_400_000_000  # 2013-01-01T00:00:00Z
AIRPORTS = ("EWR", "BOS", None, "JFK")
OUTPUTS = {"binary_classification": ("probability",), "multiclass": ("early", "late"), "regression": ("value",)}


@dataclass
class World:
    """A workspace with ingested rows, an online store, and version 1, whose weights are random."""

    steps: DataSteps
    task: str = "binary_classification"
    engine: Engine = "torch"

    @property
    def config(self) -> RunConfig:
        config = self.steps.config()
        endpoint = Endpoint(
            model="main", routes=("/predict",), sticky=(), groups=(), slo=Slo(None, None, None, 1), log_sample=0.0,
            log_retain_us=1, engine=self.engine,
        )
        return replace(config, server=replace(config.server, endpoints=(endpoint,)))

    def prepare(self) -> None:
        torch.manual_seed(7)
        airport = replace(AIRPORT, fingerprint=group_fingerprint(AIRPORT, self.steps.source))
        self.steps.group = airport
        contract = replace(CONTRACT, groups=(airport, *CONTRACT.groups[1:]))
        inputs = tuple(NumericInput(one.name, at, 0.0, 1.0, (0.0, 1.0, 20.0)) for at, one in enumerate(CONTRACT.inputs))
        outputs = OUTPUTS[self.task]
        architecture = Architecture(1, self.task, outputs, inputs, (), (16,), 0.0, "piecewise", 4)
        self.card: ModelCard = replace(
            card(contract), task=self.task, outputs=outputs, architecture=architecture.values())
        self.steps.run("ingest.flights", "materialize.airport")
        folder = self.steps.workspace.version("main", 1)
        write_model(folder, build(architecture), self.card)
        record(folder, LoadedModel.load(folder), pa.table({one.name: [1.0, 5.0] for one in inputs}))
        release = ModelRelease(salt="s", shares=(Share(1, 1.0),))
        write_release(self.steps.workspace.release, Release(serial=1, models={"main": release}))

    def score(self, inputs: Path | str, output: str = "scores", **options: Any) -> Path:
        folder = self.steps.root / output
        order = Order(str(inputs), folder, **{"part_rows": 100, "workers": 1, **options})
        self.scores: Scores = score(self.config, self.steps.workspace, FileReleaseStore(self.steps.workspace), order)
        return folder

    def file(self, table: pa.Table, name: str = "input.parquet") -> Path:
        path = self.steps.root / name
        pq.write_table(table, path, row_group_size=70)
        return path


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(DataSteps(tmp_path, flights(tmp_path)))
    made.prepare()
    return made


def requests(rows: int = 250) -> pa.Table:
    ids = np.arange(rows)
    return pa.table({
        "id": [f"r{one}" for one in ids],
        "at": pa.array(START_US + ids * HOUR_US // 30, pa.int64()).cast(pa.timestamp("us", "UTC")),
        "origin": [AIRPORTS[one % 4] for one in ids], "dest": [AIRPORTS[(one + 1) % 4] for one in ids],
        "more": ids,
    })


def scored(folder: Path, kind: str = "part") -> pa.Table:
    return pa.concat_tables(pq.read_table(path) for path in sorted(folder.glob(f"{kind}-*.parquet")))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def answered(world: World, rows: pa.Table) -> list[dict[str, Any]]:
    """What a server says of them in one request."""
    loader = version_loader(world.config, world.steps.workspace)
    asked = [{**row, "at": row["at"].isoformat()} for row in rows.select(["at", "origin", "dest"]).to_pylist()]

    async def ask() -> list[dict[str, Any]]:
        service = service_of(world.config, world.steps.workspace, loader)
        await service.watcher.look()
        (predictor,) = service.predictors
        answer = await predictor.answer_rows(asked, None, begin("r1", time.monotonic(), budget=10.0))
        return [dict(one) for one in answer.predictions]

    return asyncio.run(ask())


@pytest.mark.parametrize("engine", ["onnx", "torch"])
@pytest.mark.parametrize("task", list(OUTPUTS))
def test_says_to_the_last_bit_what_a_server_says_of_the_same_rows(tmp_path, task, engine):
    world = World(DataSteps(tmp_path, flights(tmp_path)), task, engine)
    world.prepare()
    rows = requests()
    table = scored(world.score(world.file(rows), part_rows=250)).drop_columns(["id", "input_file", "input_row"])
    answers = answered(world, rows)
    for answer in answers:
        answer |= {f"probability_{name}": value for name, value in answer.pop("probabilities", {}).items()}

    assert table.to_pylist() == answers
    assert len(set(table["prediction" if task == "regression" else "probability"].to_pylist())) > 10


def test_rows_asked_one_by_one_are_answered_within_the_rounding_of_the_engine(world):
    rows = requests(40)
    said = scored(world.score(world.file(rows)))["probability"].to_pylist()
    alone = [answered(world, rows.slice(place, 1))[0]["probability"] for place in range(0, 40, 10)]

    assert said[::10] == pytest.approx(alone, abs=1e-6)


def test_a_part_has_the_key_the_place_and_the_version(world):
    first = scored(world.score(world.file(requests()))).slice(249, 1).to_pylist()[0]

    assert {name: first[name] for name in ("id", "input_file", "input_row", "version")} == {
        "id": "r249", "input_file": "input.parquet", "input_row": 249, "version": 1,
    }  # fmt: skip
    assert set(first) == {"id", "input_file", "input_row", "prediction", "probability", "version"}


def test_the_columns_that_are_asked_for_are_copied(world):
    table = scored(world.score(world.file(requests()), keep=("more", "origin")))

    assert table["more"].to_pylist() == list(range(250))
    assert "id" not in table.column_names


def test_rows_with_instants_of_their_own_are_asked_as_examples_of_the_training_are(world):
    ingested = world.steps.table(world.steps.run("ingest.flights"), "rows.parquet")
    dataset = world.steps.table(world.steps.run("features.main"), "dataset.parquet")
    model = version_loader(world.config, world.steps.workspace)("main", 1).scorer
    expected = model.predict_table(dataset).squeeze(1).tolist()
    table = scored(world.score(world.file(ingested.select(["id", "at", "origin", "dest"])), at="at"))

    assert world.scores.at_us is None
    assert np.array(table["probability"])[dataset["__row"].to_numpy()] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_run_that_was_killed_goes_on_and_leaves_the_same_bytes(world, monkeypatch, after):
    file = world.file(requests())
    whole = content(world.score(file))
    publish, published = scoring.publish, []

    def killed(table: pa.Table, path: Path) -> None:
        if len(published) == after:
            raise KeyboardInterrupt
        published.append(path.name)
        publish(table, path)

    with monkeypatch.context() as patched:
        patched.setattr(scoring, "publish", killed)
        with pytest.raises(KeyboardInterrupt):
            world.score(file, "again")
    begun = content(world.steps.root / "again")
    world.score(file, "again")

    assert len(begun) == after + 1
    assert content(world.steps.root / "again") == whole


def test_parts_that_are_made_side_by_side_are_the_same(world):
    file = world.file(requests(950))
    alone = content(world.score(file, "alone"))

    assert content(world.score(file, "together", workers=4)) == alone


def test_a_finished_folder_is_not_computed_again(world, monkeypatch):
    file = world.file(requests())
    world.score(file)
    monkeypatch.setattr(scoring, "publish", lambda *_: pytest.fail("nothing is missing"))

    world.score(file)


@pytest.mark.parametrize("change", ["rows", "columns", "instant"])
def test_a_folder_of_other_scores_is_refused(world, change):
    file = world.file(requests())
    world.score(file)
    options = {"rows": {}, "columns": {"keep": ("more",)}, "instant": {"at": "at"}}[change]
    if change == "rows":
        world.file(requests(260))

    with pytest.raises(MlsystemError, match="holds other scores"):
        world.score(file, **options)


def test_several_files_are_scored_in_the_order_of_their_names(world):
    for name in ("b", "a"):
        world.file(requests(120), f"{name}.parquet")
    table = scored(world.score(world.steps.root / "*.parquet"))

    assert table["input_file"].to_pylist() == ["a.parquet"] * 120 + ["b.parquet"] * 120
    assert table["input_row"].to_pylist() == [*range(120), *range(120)]


def strict(world: World) -> None:
    """From now on a request needs a destination."""
    contract = world.card.contract
    stricter = replace(contract, request=tuple(replace(one, nullable=one.name != "dest") for one in contract.request))
    write_struct(world.steps.workspace.version("main", 1) / CARD, replace(world.card, contract=stricter))


def test_a_row_that_is_no_request_ends_the_run_and_is_named(world):
    strict(world)
    rows = requests().set_column(3, "dest", [["EWR"] * 130 + [None] + ["EWR"] * 119])

    with pytest.raises(MlsystemError, match=r"input\.parquet, row 130: 'dest' must not be null"):
        world.score(world.file(rows))


def test_rows_that_are_no_requests_are_put_aside_where_that_is_asked_for(world):
    strict(world)
    rows = requests().set_column(3, "dest", [["EWR"] * 130 + [None] + ["EWR"] * 119])
    folder = world.score(world.file(rows), rejects=True)

    assert scored(folder, "rejects").to_pylist() == [
        {"input_file": "input.parquet", "input_row": 130, "field": "dest", "problem": "must not be null"},
    ]  # fmt: skip
    assert scored(folder)["input_row"].to_pylist() == [one for one in range(250) if one != 130]


def test_a_file_without_a_field_or_of_another_type_is_refused_before_anything_is_scored(world):
    strict(world)
    with pytest.raises(MlsystemError, match="has no column 'dest'"):
        world.score(world.file(requests().drop_columns(["dest"])))
    with pytest.raises(MlsystemError, match=r"column 'origin' of input\.parquet is of type int64"):
        world.score(world.file(requests().set_column(2, "origin", [list(range(250))])))

    assert not (world.steps.root / "scores").exists()


def test_what_cannot_be_scored_is_told(world):
    file = world.file(requests())
    with pytest.raises(MlsystemError, match="there is no file"):
        world.score(world.steps.root / "nothing-*.parquet")
    with pytest.raises(MlsystemError, match="there is no model 'other'"):
        world.score(file, model="other")
    with pytest.raises(MlsystemError, match="holds no model"):
        world.score(file, version=9)
    with pytest.raises(MlsystemError, match="no timestamp with a zone"):
        world.score(file, at="more")


def test_a_file_of_another_format_is_refused_with_the_way_to_make_it_parquet(world):
    file = world.steps.root / "flights.csv"

    with pytest.raises(MlsystemError, match=r"flights\.csv is not a Parquet file") as refused:
        world.score(file)

    assert "COPY (FROM 'flights.csv') TO 'flights.parquet'" in refused.value.hint


def test_a_file_that_is_damaged_in_the_middle_ends_the_run_and_is_named(world):
    file = world.file(requests())
    data = bytearray(file.read_bytes())
    data[4:400] = bytes(396)
    file.write_bytes(data)

    with pytest.raises(MlsystemError, match=r"input\.parquet cannot be read"):
        world.score(file)


RUN = """
import re, sys
from pathlib import Path
from mlsystem_runtime.__main__ import main
assert main(sys.argv[1:]) == 0
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]), *sys.modules)
"""


def by_the_command_line(world: World, file: Path) -> tuple[int, set[str]]:
    """The most memory, in KiB, of a process that scores `file`, and what it imported."""
    config = world.steps.root / "run.json"
    config.write_bytes(canonical_json(world.config))
    command = [
        sys.executable, "-c", RUN, "score", "--config", str(config), "--workspace", str(world.steps.workspace.root),
        "--input", str(file), "--output", str(file.with_suffix("")), "--keep", "id",
    ]  # fmt: skip
    peak, *modules = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout.split()
    return int(peak), set(modules)


def test_a_version_in_onnx_runtime_is_scored_without_torch_and_pandas(tmp_path):
    world = World(DataSteps(tmp_path, flights(tmp_path)), engine="onnx")
    world.prepare()
    _, modules = by_the_command_line(world, world.file(requests()))

    assert not {"torch", "pandas", "onnx", "sklearn", "mlflow"} & modules
    assert scored(tmp_path / "input")["id"].to_pylist() == requests()["id"].to_pylist()


@pytest.mark.slow
def test_ten_times_as_many_rows_take_no_more_memory_and_the_command_line_scores_them(world):
    peaks = []
    for rows in (130_000, 1_300_000):
        path = world.steps.root / f"{rows}.parquet"
        some = requests(10_000)
        with pq.ParquetWriter(path, some.schema) as writer:
            for _ in range(rows // len(some)):
                writer.write_table(some)
        peaks.append(by_the_command_line(world, path)[0])

    assert peaks[1] < peaks[0] * 1.15
    parts = (world.steps.root / "1300000").glob("part-*.parquet")
    assert sum(pq.read_metadata(part).num_rows for part in parts) == 1_300_000
