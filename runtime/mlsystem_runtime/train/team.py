"""Who trains: one process alone, or several that share every batch. The loop asks, and need not know which."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor, nn

from mlsystem_runtime.train.batches import Data
from mlsystem_runtime.train.preemption import Preemption


class Team(Protocol):
    """Processes that fit one model together: before and after every step all have the same weights."""

    @property
    def first(self) -> bool:
        """Whether this one writes checkpoints."""
        ...

    def begin(self, model: nn.Module, rows: int) -> None:
        """Before the first step of `model`, on batches of so many rows."""
        ...

    def agreed(self, state: dict[str, Any]) -> dict[str, Any]:
        """What the first one starts from."""
        ...

    def share(self, batch: Data) -> Data:
        """The rows of it that this process looks at."""
        ...

    def learn(self, model: nn.Module, losses_B: Tensor, preemption: Preemption) -> float:
        """The mean loss over the batch; its gradients are in the weights. `losses_B` are those of this one's share."""
        ...

    def together(self, losses_B: Tensor) -> Tensor:
        """Those of the whole batch."""
        ...

    def part(self, rows: int) -> range:
        """Of so many rows to validate, those that are this one's."""
        ...

    def total(self, value: float, preemption: Preemption) -> float:
        """The sum over all processes."""
        ...

    def check(self, preemption: Preemption) -> None:
        """Raises PreemptedError, in all processes at the same step, once one of them was asked to leave."""
        ...


class Alone:
    """The whole batch, and nobody to ask."""

    first = True

    def begin(self, model: nn.Module, rows: int) -> None:
        pass

    def agreed(self, state: dict[str, Any]) -> dict[str, Any]:
        return state

    def share(self, batch: Data) -> Data:
        return batch

    def learn(self, model: nn.Module, losses_B: Tensor, _preemption: Preemption) -> float:
        loss = losses_B.mean()
        model.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without types
        return loss.item()  # waits for the device

    def together(self, losses_B: Tensor) -> Tensor:
        return losses_B

    def part(self, rows: int) -> range:
        return range(rows)

    def total(self, value: float, _preemption: Preemption) -> float:
        return value

    def check(self, preemption: Preemption) -> None:
        preemption.check()


ALONE = Alone()
