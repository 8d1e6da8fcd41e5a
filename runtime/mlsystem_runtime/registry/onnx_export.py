"""From a trained model to `model.onnx`, for whoever has torch: the step that evaluates it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.registry.onnx_graph import OPSET, tabular_graph
from mlsystem_runtime.registry.onnx_names import ANSWERS, IDS, ROWS, X
from mlsystem_runtime.train.architecture import Architecture
from mlsystem_runtime.train.custom import Custom
from mlsystem_runtime.train.model import Network, Tabular

NOISY = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")
EXAMPLES = 2  # rows that an exporter looks at: one alone would be taken for the only number there is


class Answering(nn.Module):
    """The user's network with what `Network.predict` does to its answer, and none of our checks."""

    def __init__(self, module: Custom) -> None:
        super().__init__()
        self.network = module.network
        self.answers = module.answers

    def forward(self, x_BN: Tensor, ids_BC: Tensor) -> Tensor:
        return self.answers(self.network(x_BN, ids_BC))


def exported(module: Network) -> bytes:
    """`module`, in evaluation mode, as a serialised ONNX model. Raises MlsystemError where a network of the user's own
    cannot be one."""
    if isinstance(module, Tabular):
        return tabular_graph(module)
    assert isinstance(module, Custom)
    try:
        with quietly():
            return traced(Answering(module).eval(), module.architecture)
    except Exception as error:  # the exporter runs code of the user, which may raise anything
        raise MlsystemError(
            f"{module.entrypoint}: the network has no ONNX form: {reason(error)}",
            "write it without branches on values and with operators that ONNX knows, or choose `engine: torch`",
        ) from error


def reason(error: BaseException) -> str:
    """The first line of what the exporter's own error, which tells of its steps in colours, was caused by."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def traced(module: nn.Module, architecture: Architecture) -> bytes:
    """By torch's exporter, for any number of rows."""
    rows = torch.export.Dim(ROWS)
    examples = (torch.zeros(EXAMPLES, len(architecture.numeric)),
                torch.zeros(EXAMPLES, len(architecture.categorical), dtype=torch.int64))
    program = torch.onnx.export(
        module, examples, input_names=[X, IDS], output_names=[ANSWERS], opset_version=OPSET, dynamo=True,
        dynamic_shapes=({0: rows}, {0: rows}), verbose=False, external_data=False,
    )
    assert program is not None
    data: bytes = program.model_proto.SerializeToString()
    return data


@contextmanager
def quietly() -> Iterator[None]:
    """What the exporter thinks of its own insides is of no use to anybody who trains a model."""
    before = {name: logging.getLogger(name).level for name in NOISY}
    try:
        for name in NOISY:
            logging.getLogger(name).setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
