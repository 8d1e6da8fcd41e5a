"""What the processes of a gang share out among themselves, and how they find each other; see test_train_together."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import torch
from gangs import free_port
from torch import nn
from torch.distributed import TCPStore  # type: ignore[attr-defined]  # exported, and not said to be

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import PREEMPTED
from mlsystem_runtime.peers import Peers, peers_of
from mlsystem_runtime.train import gang
from mlsystem_runtime.train.gang import Gang, PeerLostError, SharedDropout, Waiting, come, listen
from mlsystem_runtime.train.preemption import PreemptedError, Preemption


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gang, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(gang, "PAUSE_SECONDS", 0.01)


def store(port: int) -> TCPStore:
    return TCPStore("localhost", port, is_master=True, wait_for_workers=False, timeout=timedelta(seconds=5))


def test_all_together_drop_what_one_process_would() -> None:
    x_BH = torch.randn(10, 7)
    torch.manual_seed(3)
    whole = nn.Dropout(0.4)(x_BH)
    parts = []
    for share in (slice(0, 3), slice(3, 6), slice(6, 10)):
        torch.manual_seed(3)
        parts.append(SharedDropout(0.4, 10, share)(x_BH[share]))

    assert torch.equal(torch.cat(parts), whole)
    assert torch.equal(SharedDropout(0.4, 10, slice(3)).eval()(x_BH), x_BH)


@pytest.mark.parametrize(("rows", "nodes"), [(10, 3), (2, 5), (1, 1), (1024, 4)])
def test_every_row_is_looked_at_by_one_process(rows: int, nodes: int) -> None:
    gangs = [Gang(Peers(nodes, rank, "localhost", 1), Preemption()) for rank in range(nodes)]

    assert [row for one in gangs for row in one.part(rows)] == list(range(rows))


def test_a_process_without_an_address_is_alone() -> None:
    assert peers_of(1, None, {}) is None
    assert peers_of(2, "train-0.gang:29400", {"JOB_COMPLETION_INDEX": "1"}) == Peers(2, 1, "train-0.gang", 29400)


@pytest.mark.parametrize(
    ("address", "environment", "says"),
    [
        (None, {"JOB_COMPLETION_INDEX": "1"}, "--peer HOST:PORT"),
        ("host", {"JOB_COMPLETION_INDEX": "1"}, "do not find each other at 'host'"),
        ("host:1", {}, "JOB_COMPLETION_INDEX"),
        ("host:1", {"JOB_COMPLETION_INDEX": "2"}, "a number from 0 to 1"),
    ],
)
def test_what_a_gang_needs_is_asked_for(address: str | None, environment: Mapping[str, str], says: str) -> None:
    with pytest.raises(MlsystemError) as failure:
        peers_of(2, address, environment)

    assert says in str(failure.value)


def waiting(seconds: float, **changed: Any) -> Waiting:
    return Waiting(changed.pop("preemption", Preemption()), time.monotonic() + seconds, **changed)


@pytest.mark.parametrize("host", ["localhost", "no-such-host.invalid"])
def test_a_first_one_that_does_not_come_is_not_waited_for_without_end(
    host: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PeerLostError) as left:
        come(Peers(2, 1, host, free_port()), "key", waiting(1))

    assert left.value.code == PREEMPTED
    assert "do not find each other" in capfd.readouterr().err


def test_others_that_do_not_come_are_not_waited_for_without_end() -> None:
    with pytest.raises(PeerLostError) as left:
        listen(Peers(2, 0, "localhost", free_port()), "key", waiting(0.1))

    assert left.value.code == PREEMPTED


def test_the_gang_of_an_earlier_attempt_is_not_joined() -> None:
    port = free_port()
    earlier = store(port)
    earlier.add("here/1", 1)
    earlier.set("complete", "key")

    with pytest.raises(PeerLostError):
        come(Peers(2, 1, "localhost", port), "key", waiting(0.5))


def test_who_waits_for_the_others_can_be_asked_to_leave() -> None:
    asked = Preemption(requested=True)

    for wait, rank in ((listen, 0), (come, 1)):
        with pytest.raises(PreemptedError):
            wait(Peers(2, rank, "localhost", free_port()), "key", waiting(60, preemption=asked))


def test_who_waits_for_the_others_sees_that_the_output_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gang, "LOOK_SECONDS", 0.0)

    for rank in (0, 1):
        one = Gang(Peers(2, rank, "localhost", free_port()), Preemption())
        assert not one.gather("key", there=lambda: True)
        one.finish()


def test_processes_that_read_different_inputs_do_not_train_together() -> None:
    port = free_port()
    shared = store(port)
    shared.set("complete", "first")

    with pytest.raises(MlsystemError, match="reads other inputs"):
        come(Peers(2, 1, "localhost", port), "second", waiting(5))
