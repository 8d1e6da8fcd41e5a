"""What each task minimises: losses per row, and labels as the tensors that they need."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.model import Task
from mlsystem_runtime.train.architecture import Architecture
from mlsystem_runtime.train.loop import Criterion

IGNORED = -100  # torch's cross entropy gives such rows no loss


def criterion(task: Task) -> Criterion:
    match task:
        case "binary_classification":
            return _binary
        case "multiclass":
            return _multiclass
        case _:
            return _squared


def _binary(logits_BO: Tensor, y_B: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits_BO.squeeze(1), y_B, reduction="none")


def _multiclass(logits_BO: Tensor, y_B: Tensor) -> Tensor:
    return functional.cross_entropy(logits_BO, y_B, reduction="none")


def _squared(values_BO: Tensor, y_B: Tensor) -> Tensor:
    return (values_BO.squeeze(1) - y_B).square()


def targets(label: NDArray[Any], architecture: Architecture) -> Tensor:
    """y_B. Rows of a class that training does not have are IGNORED."""
    match architecture.task:
        case "binary_classification":
            return torch.from_numpy(label.astype(np.float32))
        case "multiclass":
            number = {name: index for index, name in enumerate(architecture.outputs)}
            return torch.tensor([number.get(str(one), IGNORED) for one in label.tolist()], dtype=torch.int64)
        case _:
            standardised = (label.astype(np.float64) - architecture.target_centre) / architecture.target_spread
            return torch.from_numpy(standardised.astype(np.float32))


def check_labels(label: NDArray[Any], task: Task) -> None:
    """Raises MlsystemError where the training rows leave nothing to learn."""
    if task != "regression" and len(np.unique(label)) < 2:
        only = ", ".join(str(one) for one in label[:1])
        raise MlsystemError(
            f"all training examples have the label {only}", "the label or `examples.where` does not tell cases apart")
