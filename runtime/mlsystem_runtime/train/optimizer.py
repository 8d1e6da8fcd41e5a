"""AdamW over torch's fused kernel.

`torch.optim.AdamW` does the same, but its first use imports torch's compiler: 2 to 4 CPU-seconds for every process
that trains. The functional form behind it does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class AdamW:
    """Decoupled weight decay (arXiv 1711.05101) on all of `weights`; the learning rate is given at every step."""

    def __init__(self, weights: Iterable[nn.Parameter], weight_decay: float) -> None:
        self.weights = list(weights)
        self.weight_decay = weight_decay
        self.means = [torch.zeros_like(weight) for weight in self.weights]
        self.squares = [torch.zeros_like(weight) for weight in self.weights]
        self.steps = [torch.zeros(()) for _ in self.weights]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """A weight that the loss did not depend on has a gradient of zero."""
        gradients = [torch.zeros_like(one) if one.grad is None else one.grad for one in self.weights]
        weights: list[Tensor] = list(self.weights)
        adamw(
            weights, gradients, self.means, self.squares, [], self.steps, fused=True, amsgrad=False, maximize=False,
            beta1=BETA_1, beta2=BETA_2, eps=EPSILON, lr=learning_rate, weight_decay=self.weight_decay,
        )

    def state(self) -> dict[str, Any]:
        return {"means": self.means, "squares": self.squares, "steps": self.steps}

    def restore(self, state: Mapping[str, list[Tensor]]) -> None:
        self.means, self.squares, self.steps = list(state["means"]), list(state["squares"]), list(state["steps"])
