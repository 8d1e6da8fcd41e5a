"""Several processes that fit one model: each looks at its share of every batch, and all take the same step.

It is the training of one process but for rounding: the batch, its order, the mean over it, the draws of dropout and
every decision are those of the whole. So a checkpoint does not say how many there were, and another number may go on.

They meet at the first one's store (a few keys over TCP), then talk through gloo, each with each. One that is lost ends
all others, with the status of what may be run again: the last checkpoint answers.
"""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, NoReturn

import torch
from torch import Tensor, distributed, nn
from torch.distributed import Store, TCPStore  # type: ignore[attr-defined]  # exported, and not said to be
from torch.nn import functional

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.names import PREEMPTED
from mlsystem_runtime.peers import Peers
from mlsystem_runtime.train.batches import Data
from mlsystem_runtime.train.preemption import PreemptedError, Preemption

JOIN_SECONDS = 1800.0  # until all have come: a machine may have to be started first
WAIT_SECONDS = 600.0  # for one another at work: one reads its data, writes a checkpoint, or is gone without a word
CONNECT_SECONDS = 5.0  # until a try to reach the first one is given up for the next
PAUSE_SECONDS = 0.2  # between two looks
HERE, COMPLETE, ANSWER, READ = "here", "complete", "answer", "read"
"""Keys of the store: `here/1` is set by process 1, `complete` by the first once all are there."""


class PeerLostError(SystemExit):
    """Leaves the process with status PREEMPTED: another one is gone, and run again all go on from the checkpoint."""

    def __init__(self, message: str) -> None:
        sys.stderr.write(f"error: {message}\n  help: run again, training goes on from its last checkpoint\n")
        super().__init__(PREEMPTED)


class SharedDropout(nn.Module):
    """Draws for all rows of the batch and uses those of its own share, so that all together drop what one would."""

    def __init__(self, p: float, rows: int, share: slice) -> None:
        super().__init__()
        self.p, self.rows, self.chosen = p, rows, share

    def forward(self, x_BH: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return x_BH
        kept = functional.dropout(torch.ones(self.rows, *x_BH.shape[1:], dtype=x_BH.dtype), self.p, training=True)
        return x_BH * kept[self.chosen]


class Gang:
    """A team of `peers.nodes` processes, this one among them (`Team`). Any call may raise PeerLostError."""

    def __init__(self, peers: Peers, preemption: Preemption, store: Store) -> None:
        self.peers = peers
        self.preemption = preemption
        self._store = store
        self._leaving = False

    @property
    def first(self) -> bool:
        return self.peers.rank == 0

    def answer(self, key: str, *, answered: bool) -> None:
        """The first one tells which output this is about, and whether it is there already; all others have read it
        when this returns. Otherwise they begin to work."""
        self._store.set(ANSWER, f"{int(answered)}{key}")
        if answered:
            self._until([f"{READ}/{rank}" for rank in range(1, self.peers.nodes)])
        else:
            self._connect()

    def answered(self, key: str) -> bool:
        """What the first one told. Raises MlsystemError where it works on something else."""
        self._until([ANSWER])
        told: str = self._store.get(ANSWER).decode()
        if told[1:] != key:
            raise MlsystemError(
                f"process {self.peers.rank} reads other inputs than the first one: {key} and {told[1:]}",
                "all pods of a gang need the same workspace and the same configuration",
            )
        self._store.set(f"{READ}/{self.peers.rank}", "")
        if told[0] == "0":
            self._connect()
        return told[0] == "1"

    def begin(self, model: nn.Module, rows: int) -> None:
        """Gradients live in one vector from now on, behind them the loss and who was asked to leave."""
        self._rows, self._share = rows, self._cut(rows)
        for parent in list(model.modules()):
            for name, child in parent.named_children():
                if isinstance(child, nn.Dropout):
                    setattr(parent, name, SharedDropout(child.p, rows, self._share))
        weights = list(model.parameters())
        self._sums = torch.zeros(sum(weight.numel() for weight in weights) + 2)
        at = 0
        for weight in weights:
            weight.grad = self._sums[at : at + weight.numel()].view_as(weight)
            at += weight.numel()

    def agreed(self, state: dict[str, Any]) -> dict[str, Any]:
        buffer = io.BytesIO()
        torch.save(state, buffer)
        size = torch.tensor([buffer.getbuffer().nbytes])
        self._talk(lambda: distributed.broadcast(size, 0))
        held = torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)
        data = held if self.first else torch.zeros(int(size.item()), dtype=torch.uint8)
        self._talk(lambda: distributed.broadcast(data, 0))
        found: dict[str, Any] = torch.load(io.BytesIO(data.numpy().tobytes()), weights_only=True)
        return found

    def share(self, batch: Data) -> Data:
        return batch.take(self._share)

    def learn(self, _model: nn.Module, losses_B: Tensor, preemption: Preemption) -> float:
        self._sums.zero_()
        loss = losses_B.sum() / self._rows
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without types
        self._sums[-2], self._sums[-1] = loss.detach(), float(preemption.requested)
        self._add(self._sums)
        self._leaving = self._sums[-1].item() > 0
        return self._sums[-2].item()

    def together(self, losses_B: Tensor) -> Tensor:
        whole_B = torch.zeros(self._rows)
        whole_B[self._share] = losses_B.detach()
        self._add(whole_B)
        return whole_B

    def part(self, rows: int) -> range:
        return range(rows)[self._cut(rows)]

    def total(self, value: float, preemption: Preemption) -> float:
        sums = torch.tensor([value, float(preemption.requested)], dtype=torch.float64)
        self._add(sums)
        self._leaving = sums[1].item() > 0
        self.check(preemption)
        return sums[0].item()

    def check(self, _preemption: Preemption) -> None:
        if self._leaving:
            raise PreemptedError

    def _cut(self, rows: int) -> slice:
        rank, nodes = self.peers.rank, self.peers.nodes
        return slice(rank * rows // nodes, (rank + 1) * rows // nodes)

    def _add(self, values: Tensor) -> None:
        self._talk(lambda: distributed.all_reduce(values))

    def _talk(self, collective: Callable[[], object]) -> None:
        try:
            collective()
        except RuntimeError as error:
            self._lost(error)

    def _connect(self) -> None:
        self._talk(lambda: distributed.init_process_group(
            "gloo", store=self._store, rank=self.peers.rank, world_size=self.peers.nodes,
            timeout=timedelta(seconds=WAIT_SECONDS),
        ))  # fmt: skip

    def _until(self, keys: list[str]) -> None:
        """Until the store has all of them."""
        try:
            if not appeared(self._store, keys, self.preemption, time.monotonic() + WAIT_SECONDS):
                raise PeerLostError(f"another process of this training said nothing for {WAIT_SECONDS:.0f} s")
        except RuntimeError as error:
            self._lost(error)

    def _lost(self, error: RuntimeError) -> NoReturn:
        said = re.sub(r"^\[\S+\] ", "", str(error)).partition(". ")[0]  # without the place in gloo's source
        raise PeerLostError(f"another process of this training is gone: {said}") from error


@contextmanager
def join(peers: Peers, preemption: Preemption, seconds: float = JOIN_SECONDS) -> Iterator[Gang]:
    """A gang that is complete, until the end of the block.

    Raises PeerLostError where it is not so after that many seconds, PreemptedError where this one is asked to leave.
    """
    store = meet(peers, preemption, time.monotonic() + seconds)
    try:
        yield Gang(peers, preemption, store)
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()


def meet(peers: Peers, preemption: Preemption, until_s: float) -> Store:
    """The first one's store, once all have come to it."""
    if peers.rank > 0:
        return come(peers, preemption, until_s)
    store = open_store(peers, listens=True)
    if not appeared(store, [f"{HERE}/{rank}" for rank in range(1, peers.nodes)], preemption, until_s):
        raise PeerLostError(f"not all of {peers.nodes} processes have come")
    store.set(COMPLETE, "")
    return store


def come(peers: Peers, preemption: Preemption, until_s: float) -> Store:
    """Tries again while nobody listens, and while those of an earlier attempt do: there this number has come before."""
    while time.monotonic() < until_s:
        preemption.check()
        with suppress(RuntimeError):
            store = open_store(peers, listens=False)
            if store.add(f"{HERE}/{peers.rank}", 1) == 1 and appeared(store, [COMPLETE], preemption, until_s):
                return store
        time.sleep(PAUSE_SECONDS)
    raise PeerLostError(f"the processes do not find each other at {peers.host}:{peers.port}")


def open_store(peers: Peers, *, listens: bool) -> Store:
    """Raises RuntimeError where that is not possible within CONNECT_SECONDS."""
    return TCPStore(
        "localhost" if listens else peers.host, peers.port, is_master=listens, wait_for_workers=False,
        timeout=timedelta(seconds=CONNECT_SECONDS),
    )  # fmt: skip


def appeared(store: Store, keys: list[str], preemption: Preemption, until_s: float) -> bool:
    """Waits in small pieces: a process that is asked to leave hears it."""
    while not store.check(keys):
        if time.monotonic() >= until_s:
            return False
        preemption.check()
        time.sleep(PAUSE_SECONDS)
    return True
