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
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
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
LEAVE_SECONDS = 10.0  # until the first one ends without having heard that all others end too
PAUSE_SECONDS = 0.2  # between two tries
LOOK_SECONDS = 10.0  # between two looks for an output that somebody else has made meanwhile
HERE, COMPLETE, DONE, READ = "here", "complete", "done", "read"
"""Keys of the store: process 1 sets `here/1`, the first `complete` once all are there and `done` when its output is,
process 1 then `read/1`."""


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
    """A team of `peers.nodes` processes, this one among them (`Team`). Any call may raise PeerLostError, and while it
    waits PreemptedError."""

    def __init__(self, peers: Peers, preemption: Preemption) -> None:
        self.peers = peers
        self.preemption = preemption
        self._store: Store | None = None
        self._leaving = False

    @property
    def first(self) -> bool:
        return self.peers.rank == 0

    def gather(self, key: str, there: Callable[[], bool], seconds: float = JOIN_SECONDS) -> bool:
        """True once all have come. False where the output `key` turns out to be `there`: then nobody is needed.

        Raises MlsystemError where the first one works on something else.
        """
        waiting = Waiting(self.preemption, time.monotonic() + seconds, there)
        try:
            self._store = listen(self.peers, key, waiting) if self.first else come(self.peers, key, waiting)
        except OutputThereError:
            return False
        self._talk(lambda: distributed.init_process_group(
            "gloo", store=self._store, rank=self.peers.rank, world_size=self.peers.nodes,
            timeout=timedelta(seconds=WAIT_SECONDS),
        ))  # fmt: skip
        return True

    def finish(self) -> None:
        """All end together: one that had ended well would not be started again where the first one fails."""
        if self._store is None:
            return
        if self.first:
            self._dismiss(self._store)
        else:
            self._await_the_end(self._store)
        self.close()

    def close(self) -> None:
        if distributed.is_initialized():
            distributed.destroy_process_group()

    def _dismiss(self, store: Store) -> None:
        store.set(DONE, "")
        others = [f"{READ}/{rank}" for rank in range(1, self.peers.nodes)]
        with suppress(RuntimeError):  # who does not hear it is started again, and finds the output
            appeared(store, others, Waiting(Preemption(), time.monotonic() + LEAVE_SECONDS))

    def _await_the_end(self, store: Store) -> None:
        try:
            if not appeared(store, [DONE], Waiting(self.preemption, time.monotonic() + WAIT_SECONDS)):
                self._lost("the first one writes nothing")
            store.set(f"{READ}/{self.peers.rank}", "")
        except RuntimeError as error:
            self._lost(str(error))

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
            self._lost(str(error))

    def _lost(self, said: str) -> NoReturn:
        text = re.sub(r"^\[\S+\] ", "", said).partition(". ")[0]  # without the place in gloo's source
        raise PeerLostError(f"another process of this training is gone: {text}")


@dataclass
class Waiting:
    """How long, and what ends it before: `there` is looked at every LOOK_SECONDS."""

    preemption: Preemption
    until_s: float
    there: Callable[[], bool] = lambda: False
    looked_s: float = field(default_factory=time.monotonic)

    def goes_on(self) -> bool:
        """After a pause; False when the time is over. Raises PreemptedError, OutputThereError."""
        self.preemption.check()
        now_s = time.monotonic()
        if now_s - self.looked_s >= LOOK_SECONDS:
            self.looked_s = now_s
            if self.there():
                raise OutputThereError
        time.sleep(PAUSE_SECONDS)
        return now_s < self.until_s


class OutputThereError(Exception):
    """What was to be made is there."""


def listen(peers: Peers, key: str, waiting: Waiting) -> Store:
    """The store of the first one, once all have come to it."""
    store = open_store(peers, listens=True)
    if not appeared(store, [f"{HERE}/{rank}" for rank in range(1, peers.nodes)], waiting):
        raise PeerLostError(f"not all of {peers.nodes} processes have come")
    store.set(COMPLETE, key)
    return store


def come(peers: Peers, key: str, waiting: Waiting) -> Store:
    """Tries again while nobody listens, and while those of an earlier attempt do: there this number has come before."""
    while waiting.goes_on():
        with suppress(RuntimeError):
            store = open_store(peers, listens=False)
            if store.add(f"{HERE}/{peers.rank}", 1) == 1 and appeared(store, [COMPLETE], waiting):
                firsts = store.get(COMPLETE).decode()
                if firsts != key:
                    raise MlsystemError(
                        f"process {peers.rank} reads other inputs than the first one: {key} and {firsts}",
                        "all pods of a gang need the same workspace and the same configuration",
                    )
                return store
    raise PeerLostError(f"the processes do not find each other at {peers.host}:{peers.port}")


def open_store(peers: Peers, *, listens: bool) -> Store:
    """Raises RuntimeError where that is not possible within CONNECT_SECONDS."""
    return TCPStore(
        "localhost" if listens else peers.host, peers.port, is_master=listens, wait_for_workers=False,
        timeout=timedelta(seconds=CONNECT_SECONDS),
    )  # fmt: skip


def appeared(store: Store, keys: list[str], waiting: Waiting) -> bool:
    """Whether all of `keys` came in time. RuntimeError where the store is gone."""
    while not store.check(keys):
        if not waiting.goes_on():
            return False
    return True
