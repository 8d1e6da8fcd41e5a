"""A training that several processes carry out: that of one, but for rounding; one that is lost ends all."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch
from gangs import ended, gang, until_epoch
from learning import MODEL, Learning, dataset
from msgspec.structs import replace
from safetensors.torch import load_file

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import PREEMPTED
from mlsystem_runtime.contract.release_store import FileReleaseStore
from mlsystem_runtime.peers import Peers
from mlsystem_runtime.steps.together import run_together
from mlsystem_runtime.train.checkpoint import load

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gangs")]  # each process pays for importing torch

LONG = {"epochs": 12, "patience": 12}


def learning(folder: Path, **changed: int) -> Learning:
    made = Learning(folder, table=dataset(2000), max_loss_of_work_us=100_000)
    made.parameters = replace(made.parameters, hidden=(32, 32), **changed)
    made.prepare()
    return made


def weights(one: Learning) -> dict[str, torch.Tensor]:
    (path,) = one.root.glob("steps/train.*/*/model.safetensors")
    return load_file(path)


def checkpoint(one: Learning) -> dict[str, object]:
    (folder,) = one.root.glob("scratch/train.*/*")
    found = load(folder)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Learning:
    """Trained by one process."""
    made = learning(tmp_path_factory.mktemp("alone"))
    made.run("train")
    return made


@pytest.mark.parametrize("nodes", [2, 3])
def test_several_processes_train_what_one_does_and_one_of_them_writes(
    tmp_path: Path, alone: Learning, nodes: int
) -> None:
    made = learning(tmp_path)
    with gang(made, nodes) as processes:
        statuses, said = ended(processes)

    one, together = weights(alone), weights(made)
    assert statuses == [0] * nodes, said
    assert max(float((one[name] - together[name]).abs().max()) for name in one) < 1e-3
    assert [path.name for path in made.root.glob("runs/run-1/train.*")] == [f"train.{MODEL}.json"]


def test_where_an_output_is_there_each_ends_well_by_itself(alone: Learning) -> None:
    """Also one that is started again after all others have ended."""
    with gang(alone) as processes:
        processes[0].kill()
        said = processes[1].communicate(timeout=60)[0]
    again = alone.run("train")

    assert processes[1].returncode == 0
    assert '"status":"unchanged"' in said
    assert again.status == "unchanged"


def test_one_that_is_killed_ends_the_others_soon_and_all_go_on_to_equal_weights(tmp_path: Path) -> None:
    calm, lost = learning(tmp_path / "calm", **LONG), learning(tmp_path / "lost", **LONG)
    with gang(calm) as processes:
        assert ended(processes)[0] == [0, 0]

    with gang(lost) as processes:
        until_epoch(processes[0], 2)
        processes[1].kill()
        statuses, said = ended(processes, seconds=20)
    with gang(lost) as processes:
        resumed_at = until_epoch(processes[0], 0)
        assert ended(processes)[0] == [0, 0]

    assert statuses == [PREEMPTED, -signal.SIGKILL]
    assert "another process of this training is gone" in said[0]
    assert resumed_at > 1
    assert all(torch.equal(one, weights(lost)[name]) for name, one in weights(calm).items())


def test_one_that_says_nothing_more_is_waited_for_only_so_long(tmp_path: Path) -> None:
    made = learning(tmp_path, epochs=300, patience=300)
    with gang(made, wait_seconds=2.0) as processes:
        until_epoch(processes[0], 1)
        processes[1].send_signal(signal.SIGSTOP)
        statuses, said = ended(processes[:1], seconds=30)

    assert statuses == [PREEMPTED]
    assert "another process of this training is gone" in said[0]


def test_one_that_is_asked_to_leave_takes_all_along_and_fewer_may_go_on(tmp_path: Path) -> None:
    made = learning(tmp_path, **LONG)
    made.max_loss_of_work_us = 600_000_000
    with gang(made) as processes:
        until_epoch(processes[0], 2)
        processes[1].send_signal(signal.SIGTERM)
        statuses, _ = ended(processes, seconds=20)

    position = checkpoint(made)["position"]
    record = made.run("train")

    assert statuses == [PREEMPTED, PREEMPTED]
    assert position["epoch"] >= 2  # type: ignore[index]  # what torch loads has no type
    assert record.status == "done"


def test_one_that_says_no_ends_all(tmp_path: Path) -> None:
    made = learning(tmp_path)
    made.parameters = replace(made.parameters, learning_rate=1e30)
    with gang(made) as processes:
        statuses, said = ended(processes)

    assert statuses == [1, 1]
    assert all("Rows of that batch with the largest loss" in text for text in said)
    assert not list(made.root.glob(f"steps/train.{MODEL}/[!.]*"))


def test_a_step_that_only_one_process_carries_out_says_so(tmp_path: Path) -> None:
    made, peers = learning(tmp_path), Peers(nodes=2, rank=0, host="127.0.0.1", port=1)
    releases = FileReleaseStore(made.workspace)

    with pytest.raises(MlsystemError, match="is carried out by one process"):
        run_together(made.config(), f"evaluate.{MODEL}", made.workspace, "run-1", releases, peers)
