"""Steps as separate processes, each on a machine that has nothing but the bucket: as on one machine, and killed."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from gangs import free_port
from learning import SMALL
from pipeline import CONTRACT, DataSteps, flights

from mlsystem_runtime.contract.base import digest, pretty_json
from mlsystem_runtime.contract.bucket import Bucket
from mlsystem_runtime.contract.bucket_storage import PUBLISHED
from mlsystem_runtime.contract.ledger import Released, VersionRegistered, open_ledger
from mlsystem_runtime.contract.names import MIRROR, PREEMPTED, RANK
from mlsystem_runtime.contract.release_store import FileReleaseStore
from mlsystem_runtime.contract.run import (
    EvaluateStep,
    Examples,
    Label,
    Read,
    RegisterStep,
    RunConfig,
    Split,
    Step,
    TrainStep,
)
from mlsystem_runtime.contract.workspace import StepRecord, Workspace
from mlsystem_runtime.steps.base import run_step

KILLED = Path(__file__).parents[2] / "support" / "killed_step.py"
NAMES = ("ingest.flights", "features.main", "train.main", "evaluate.main", "register.main", "materialize.airport")


def content(rows: int = 300) -> str:
    """Flights of ten days, one in three of them late, by a pattern that can be learned."""
    draw = np.random.default_rng(5)
    lines = ["id,at,landed,origin,dest,delay,ignored"]
    for number in range(rows):
        hour = number * 240 // rows
        at = f"2013-01-{1 + hour // 24:02} {hour % 24:02}:00"
        landed = f"2013-01-{1 + hour // 24:02} {hour % 24:02}:30"
        origin, dest = draw.permutation(["EWR", "BOS", "JFK"])[:2]
        lines.append(f"{number},{at},{landed},{origin},{dest},{int(draw.normal(15 if hour % 24 > 12 else 0, 10))},1")
    return "\n".join(lines) + "\n"


def config_of(root: Path) -> RunConfig:
    """All steps of a system of one source, one group and one model."""
    source = flights(root, content())
    data = DataSteps(root, source).config()
    split = Split(by="time", validation=0.2, test=0.2)
    label, examples = Label("late", "landed"), Examples("flights", "at", None)
    train = TrainStep(
        model="main", task="binary_classification", contract=CONTRACT, type="tabular", parameters=SMALL, split=split,
        seed=3, threads=1, max_loss_of_work_us=600_000_000,
    )
    evaluate = EvaluateStep(
        model="main", task="binary_classification", metrics=("log_loss",), slices=("origin",), baseline="none",
        gates=(), split=split, seed=3, examples=examples, label=label, sources=(source,),
    )
    register = RegisterStep(model="main", experiment="tests", promote="release")
    dataset, model = Read("features.main", ("dataset",)), Read("train.main", ("model",))
    learning = (
        Step("train.main", digest(train), (dataset,), train),
        Step("evaluate.main", digest(evaluate), (model, dataset, Read("ingest.flights", ("rows",))), evaluate),
        Step("register.main", digest(register), (model, Read("evaluate.main", ("evaluation",)), dataset), register),
    )
    steps = {step.name: step for step in (*data.steps, *learning)}
    return RunConfig(
        format=1, system="flights", environment="dev", clock="data", steps=tuple(steps[name] for name in NAMES),
        server=data.server, monitor=data.monitor,
    )


@dataclass
class Machines:
    """Every process runs on another one: what it finds is in the bucket."""

    root: Path
    uri: str
    count: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.config = config_of(self.root)
        (self.root / "run.json").write_text(pretty_json(self.config))

    def run(self, step: str, run_id: str = "run-1", *, kill: tuple[str, str, int] | None = None) -> int:
        with self.start(step, run_id, kill=kill) as process:
            _, said = process.communicate(timeout=120)
        assert kill is not None or process.returncode == 0, said.decode()
        return process.returncode

    def together(self, step: str, *, kill: tuple[str, str, int] | None = None) -> list[int]:
        """The statuses of two processes that carry out a step; the first may be killed."""
        more = ("--nodes", "2", "--peer", f"127.0.0.1:{free_port()}")
        with self.start(step, kill=kill, more=more) as first, self.start(step, more=more, rank=1) as second:
            said = [one.communicate(timeout=120)[1].decode() for one in (first, second)]
        assert kill is not None or (first.returncode, second.returncode) == (0, 0), said
        return [first.returncode, second.returncode]

    def start(
        self, step: str, run_id: str = "run-1", *, kill: tuple[str, str, int] | None = None,
        more: tuple[str, ...] = (), rank: int = 0,
    ) -> subprocess.Popen[bytes]:
        program = ("-m", "mlsystem_runtime") if kill is None else (str(KILLED), *map(str, kill), "--")
        return subprocess.Popen(
            [sys.executable, *program, "step", step, "--config", str(self.root / "run.json"), "--workspace", self.uri,
             "--run-id", run_id, *more],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, RANK: str(rank), MIRROR: str(self.root / f"machine-{next(self.count)}")},
        )  # fmt: skip

    def workspace(self, monkeypatch: pytest.MonkeyPatch) -> Workspace:
        monkeypatch.setenv(MIRROR, str(self.root / f"machine-{next(self.count)}"))
        return Workspace(self.uri)

    def record(self, step: str, run_id: str = "run-1") -> StepRecord:
        return Workspace(self.uri).read(StepRecord, "runs", run_id, f"{step}.json")

    def markers(self, folder: str) -> list[str]:
        return [one.name for one in Bucket(self.uri).listing(folder) if one.name.endswith(PUBLISHED)]


@pytest.fixture
def machines(tmp_path: Path, bucket_uri: str) -> Machines:
    return Machines(tmp_path, bucket_uri)


@pytest.fixture(scope="module")
def locally(tmp_path_factory: pytest.TempPathFactory) -> dict[str, StepRecord]:
    """What each step says in a local folder."""
    root = tmp_path_factory.mktemp("local")
    config, workspace = config_of(root), Workspace(str(root / "workspace"))
    return {name: run_step(config, name, workspace, "run-1") for name in NAMES}


@pytest.mark.slow
@pytest.mark.tracked
def test_a_pipeline_on_as_many_machines_as_steps_gives_what_it_gives_on_one(
    machines: Machines, locally: dict[str, StepRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        machines.run(name)
    for name in NAMES[:3]:
        machines.run(name, "run-2")

    for name in NAMES:
        assert machines.record(name).digests == locally[name].digests, name
        assert machines.record(name).output.split("/")[:2] == ["steps", name]
    assert [machines.record(name, "run-2").status for name in NAMES[:3]] == ["unchanged"] * 3
    workspace = machines.workspace(monkeypatch)
    assert workspace.versions("main") == [1]
    entered = [entry.body for entry in open_ledger(workspace).entries()]
    assert [type(one) for one in entered] == [VersionRegistered, Released]
    assert FileReleaseStore(workspace).read().release.models["main"].champion == 1


@pytest.mark.slow
@pytest.mark.parametrize("moment", [
    ("upload", "steps/", 0), ("upload", "steps/", 1), ("create", PUBLISHED, 0), ("create", PUBLISHED, 1),
    ("put", "runs/", 0), ("put", "runs/", 1),
])  # fmt: skip
def test_a_step_that_is_killed_on_the_way_to_the_bucket_runs_again_to_the_same_output(
    machines: Machines, locally: dict[str, StepRecord], moment: tuple[str, str, int]
) -> None:
    assert machines.run("ingest.flights", kill=moment) == -signal.SIGKILL

    machines.run("ingest.flights")

    assert machines.record("ingest.flights").digests == locally["ingest.flights"].digests
    assert len(machines.markers("steps/")) == 1


@pytest.mark.slow
def test_of_two_attempts_at_once_one_is_published_and_both_say_the_same(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = [machines.start("ingest.flights", run) for run in ("run-1", "run-2")]
    for attempt in attempts:
        _, said = attempt.communicate(timeout=120)
        assert attempt.returncode == 0, said.decode()

    one, other = (machines.record("ingest.flights", run) for run in ("run-1", "run-2"))
    assert (one.output, one.digests) == (other.output, other.digests)
    assert one.order != other.order
    assert len(machines.markers("steps/")) == 1
    files = [item.name.split("/")[3] for item in Bucket(machines.uri).listing(f"{one.output}/")]
    assert len(set(files) - {PUBLISHED}) == 1, "the files of the other attempt were removed"


@pytest.mark.slow
@pytest.mark.tracked
def test_a_registration_that_is_killed_anywhere_makes_one_version_and_one_release(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES[:4]:
        machines.run(name)

    for moment in (("upload", "models/", 2), ("create", "models/main/1/published.json", 1), ("create", "ledger/", 1),
                   ("create", "release.json", 1), ("create", "ledger/", 1), ("upload", "steps/register", 1)):
        assert machines.run("register.main", kill=moment) == -signal.SIGKILL
    machines.run("register.main")

    workspace = machines.workspace(monkeypatch)
    assert workspace.versions("main") == [1]
    entered = [entry.body for entry in open_ledger(workspace).entries()]
    assert [type(one) for one in entered] == [VersionRegistered, Released]
    assert machines.record("register.main").facts["version"] == 1


@pytest.mark.slow
def test_training_that_loses_its_machine_goes_on_from_the_bucket_to_the_same_model(
    machines: Machines, locally: dict[str, StepRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (machines.root / "run.json").read_text()
    often = text.replace('"max_loss_of_work_us": 600000000', '"max_loss_of_work_us": 1')
    (machines.root / "run.json").write_text(often)
    for name in NAMES[:2]:
        machines.run(name)

    assert machines.run("train.main", kill=("upload", "scratch/", 3)) == -signal.SIGKILL
    (checkpoint,) = [one.name for one in Bucket(machines.uri).listing("scratch/")]
    assert machines.run("train.main", kill=("download", "scratch/", 1)) == -signal.SIGKILL
    (machines.root / "run.json").write_text(text)
    machines.run("train.main")

    assert checkpoint.endswith("latest.pt")
    assert machines.record("train.main").digests == locally["train.main"].digests
    assert list(Bucket(machines.uri).listing("scratch/")) == []


@pytest.mark.slow
def test_a_gang_that_loses_its_first_machine_goes_on_from_the_bucket_and_leaves_one_output(
    machines: Machines, locally: dict[str, StepRecord]
) -> None:
    text = (machines.root / "run.json").read_text()
    often = text.replace('"max_loss_of_work_us": 600000000', '"max_loss_of_work_us": 1')
    (machines.root / "run.json").write_text(often)
    for name in NAMES[:2]:
        machines.run(name)

    lost = machines.together("train.main", kill=("upload", "scratch/", 3))
    checkpoints = [one.name for one in Bucket(machines.uri).listing("scratch/")]
    (machines.root / "run.json").write_text(text)
    machines.together("train.main")

    here, there = locally["train.main"].facts, machines.record("train.main").facts
    assert lost == [-signal.SIGKILL, PREEMPTED]
    assert len(checkpoints) == 1
    assert there["validation_loss"] == pytest.approx(here["validation_loss"], rel=1e-4)
    assert len(machines.markers("steps/train.main")) == 1
    assert list(Bucket(machines.uri).listing("scratch/")) == []
