"""A network of the user's own, in place of the tabular one.

`entrypoint` is a function of theirs. It is given, by name, what it asks for (`contract.code.GIVEN`), and returns a
module whose forward takes (x_BN, ids_BC) as `train.model` describes them and gives logits (B, O): one for a binary
classifier, one for each class, or the standardised value.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from mlsystem_runtime.contract.code import GIVEN, Code, code_digest, read_code
from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.train.architecture import NULL_ID, UNSEEN_ID, Architecture
from mlsystem_runtime.train.imported import Snapshot, told
from mlsystem_runtime.train.model import Network


class Custom(Network):
    """What the user's function returned, and a check of every answer."""

    def __init__(self, architecture: Architecture, network: nn.Module, entrypoint: str) -> None:
        super().__init__(architecture)
        self.network = network
        self.entrypoint = entrypoint

    def forward(self, x_BN: Tensor, ids_BC: Tensor) -> Tensor:
        with told(self.entrypoint, "forward"):
            logits_BO = self.network(x_BN, ids_BC)
        wanted = (len(x_BN), len(self.architecture.outputs))
        if not isinstance(logits_BO, Tensor) or logits_BO.shape != wanted or not logits_BO.is_floating_point():
            raise MlsystemError(
                f"{self.entrypoint}: forward of {type(self.network).__name__} gave {described(logits_BO)}, not floats "
                f"of shape {wanted}",
                f"for each of the rows it gives {', '.join(self.architecture.outputs)}: one number each, in this order",
            )
        return logits_BO


def described(value: object) -> str:
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    return f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"


def snapshot_of(code: Code) -> Snapshot:
    """The code as it was when the plan was made. Raises MlsystemError where it is another one now."""
    folder = Path(code.path)
    files = read_code(folder)
    if code_digest(files) != code.digest:
        raise MlsystemError(f"the code in {folder} is not that of the plan", "run `mlsystem apply` again")
    return Snapshot(folder, files)


def build_custom(architecture: Architecture, snapshot: Snapshot, entrypoint: str) -> Custom:
    """The module with fresh weights. Raises MlsystemError, which names the user's line, where there is none."""
    function = snapshot.function(entrypoint)
    with told(entrypoint, "building the network"):
        network = function(**arguments(function, architecture, entrypoint))
    if not isinstance(network, nn.Module):
        raise MlsystemError(f"{entrypoint} returned {described(network)}, not a torch module", "return an nn.Module")
    module = Custom(architecture, network, entrypoint)
    check(module)
    return module


def arguments(function: Callable[..., object], architecture: Architecture, entrypoint: str) -> dict[str, object]:
    """Of what can be given, what the function names; all of it where it has `**`."""
    named = inspect.signature(function).parameters.values()
    if any(one.kind is one.VAR_KEYWORD for one in named):
        return {name: getattr(architecture, name) for name in GIVEN}
    unknown = [one.name for one in named if one.default is one.empty and one.name not in GIVEN
               and one.kind is not one.VAR_POSITIONAL]
    if unknown:
        raise MlsystemError(f"{entrypoint} asks for {', '.join(unknown)}", f"it can be given {', '.join(GIVEN)}")
    return {one.name: getattr(architecture, one.name) for one in named if one.name in GIVEN}


def check(module: Custom) -> None:
    """Two rows go through it once: one of nulls, one of categories that training never saw and of middle values.

    Layers that take their sizes from what they see first have them from now on.
    """
    architecture = module.architecture
    centre_N = torch.tensor([one.centre for one in architecture.numeric])
    x_BN = torch.stack([torch.full_like(centre_N, torch.nan), centre_N])
    ids_BC = torch.tensor([[NULL_ID], [UNSEEN_ID]]).expand(-1, len(architecture.categorical))
    with torch.no_grad():
        logits_BO = module.eval()(x_BN, ids_BC)
    module.train()
    if not logits_BO.isfinite().all():
        raise MlsystemError(
            f"{module.entrypoint}: forward gave a number that is not finite for inputs that are null (NaN)",
            "replace them in forward, for example by torch.nan_to_num after scaling",
        )
    if not any(weight.requires_grad for weight in module.parameters()):
        raise MlsystemError(f"{module.entrypoint}: the network has no weights to learn", "return one with parameters")
