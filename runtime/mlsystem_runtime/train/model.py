"""The tabular model: preprocessing, embeddings of every input, a small network. What is served is what was trained,
because scaling, missing values and the target's units live inside the module.

Tensors carry their shape: B rows, N numeric inputs, C categorical inputs, E embedding size, K knots, F frequencies,
O outputs. Numeric inputs arrive raw as float32, NaN meaning null; categorical inputs as the ids of `train.encode`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mlsystem_runtime.train.architecture import RESERVED_IDS, Architecture, NumericInput

SOFT_LIMIT = 4.0      # scaled values bend towards this bound, so that an outlier stays an outlier but not a catastrophe
FREQUENCIES = 12      # per numeric input
FREQUENCY_SCALE = 0.3  # standard deviation of the initial frequencies, in periods per scaled unit


class Scale(nn.Module):
    """(x - centre) / spread, bent smoothly into ±SOFT_LIMIT; NaN becomes 0, and True in the second result."""

    centre_N: Tensor
    spread_N: Tensor

    def __init__(self, inputs: tuple[NumericInput, ...]) -> None:
        super().__init__()
        self.register_buffer("centre_N", torch.tensor([one.centre for one in inputs]))
        self.register_buffer("spread_N", torch.tensor([one.spread for one in inputs]))

    def forward(self, x_BN: Tensor) -> tuple[Tensor, Tensor]:
        missing_BN = torch.isnan(x_BN)
        z_BN = ((x_BN - self.centre_N) / self.spread_N).masked_fill(missing_BN, 0.0)
        z_BN = z_BN.clamp(-1e6, 1e6)  # squared below
        return z_BN * torch.rsqrt(1.0 + (z_BN / SOFT_LIMIT).square()), missing_BN


class Plain(nn.Module):
    """Scaled values as they are, beside an indicator of what is missing: 2 N columns."""

    def __init__(self, inputs: tuple[NumericInput, ...]) -> None:
        super().__init__()
        self.scale = Scale(inputs)
        self.width = 2 * len(inputs)

    def forward(self, x_BN: Tensor) -> Tensor:
        z_BN, missing_BN = self.scale(x_BN)
        return torch.cat([z_BN, missing_BN.to(z_BN.dtype)], dim=1)


class Periodic(nn.Module):
    """relu(W [sin 2πfz, cos 2πfz, z] + b): learned frequencies per input, W shared by all (PLR-lite, arXiv 2203.05556).

    A missing value has a learned vector of its own, zero at first, so an input that was never missing in training
    and is in production adds nothing.
    """

    def __init__(self, inputs: tuple[NumericInput, ...], size: int) -> None:
        super().__init__()
        self.scale = Scale(inputs)
        self.frequency_NF = nn.Parameter(torch.randn(len(inputs), FREQUENCIES) * FREQUENCY_SCALE)
        self.mix = nn.Linear(2 * FREQUENCIES + 1, size, bias=False)
        self.bias_NE = nn.Parameter(torch.zeros(len(inputs), size))
        self.missing_NE = nn.Parameter(torch.zeros(len(inputs), size))
        self.width = len(inputs) * size

    def forward(self, x_BN: Tensor) -> Tensor:
        z_BN, missing_BN = self.scale(x_BN)
        angle_BNF = 2 * math.pi * z_BN.unsqueeze(-1) * self.frequency_NF
        waves_BNW = torch.cat([angle_BNF.sin(), angle_BNF.cos(), z_BN.unsqueeze(-1)], dim=-1)
        embedded_BNE = torch.relu(self.mix(waves_BNW) + self.bias_NE)
        return torch.where(missing_BN.unsqueeze(-1), self.missing_NE, embedded_BNE).flatten(1)


class Piecewise(nn.Module):
    """How far a value fills each of K quantile bins (0 … 1), then a linear map per input (arXiv 2203.05556)."""

    left_NK: Tensor
    width_NK: Tensor

    def __init__(self, inputs: tuple[NumericInput, ...], size: int) -> None:
        super().__init__()
        left_NK, width_NK = bins(inputs)
        self.register_buffer("left_NK", left_NK)
        self.register_buffer("width_NK", width_NK)
        count, knots = left_NK.shape
        self.weight_NKE = nn.Parameter(torch.randn(count, knots, size) / math.sqrt(knots))
        self.bias_NE = nn.Parameter(torch.zeros(count, size))
        self.missing_NE = nn.Parameter(torch.zeros(count, size))
        self.width = count * size

    def forward(self, x_BN: Tensor) -> Tensor:
        missing_BN = torch.isnan(x_BN)
        filled_BNK = ((x_BN.unsqueeze(-1) - self.left_NK) / self.width_NK).clamp(0.0, 1.0)
        filled_NBK = filled_BNK.masked_fill(missing_BN.unsqueeze(-1), 0.0).transpose(0, 1)
        embedded_BNE = torch.bmm(filled_NBK, self.weight_NKE).transpose(0, 1) + self.bias_NE
        return torch.where(missing_BN.unsqueeze(-1), self.missing_NE, embedded_BNE).flatten(1)


def bins(inputs: tuple[NumericInput, ...]) -> tuple[Tensor, Tensor]:
    """Left ends and widths of the bins, (N, K) each. Inputs with fewer bins are padded with bins that nothing fills."""
    knots = max(len(one.knots) for one in inputs) - 1
    left_NK = torch.full((len(inputs), knots), torch.finfo(torch.float32).max / 4)
    width_NK = torch.ones(len(inputs), knots)
    for row, one in enumerate(inputs):
        edges = torch.tensor(one.knots, dtype=torch.float64)
        left_NK[row, : len(edges) - 1] = edges[:-1].float()
        width_NK[row, : len(edges) - 1] = (edges[1:] - edges[:-1]).clamp_min(1e-30).float()
    return left_NK, width_NK


class Categories(nn.Module):
    """One embedding table per input. Null and unseen start at zero: what training never saw adds nothing."""

    def __init__(self, levels: tuple[int, ...], size: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(RESERVED_IDS + count, size) for count in levels)
        self.width = len(levels) * size
        for table in self.tables:
            assert isinstance(table, nn.Embedding)
            nn.init.normal_(table.weight, std=0.3)
            nn.init.zeros_(table.weight[:RESERVED_IDS])

    def forward(self, ids_BC: Tensor) -> Tensor:
        return torch.cat([table(ids_BC[:, column]) for column, table in enumerate(self.tables)], dim=1)


class Network(nn.Module):
    """`forward` gives logits (classification) or the standardised value (regression), shape (B, O); `predict` gives
    probabilities, (B, 1) of the positive class or (B, O) of all classes, or the value in the target's own units.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture

    def predict(self, x_BN: Tensor, ids_BC: Tensor) -> Tensor:
        return self.answers(self(x_BN, ids_BC))

    def answers(self, logits_BO: Tensor) -> Tensor:
        match self.architecture.task:
            case "binary_classification":
                return torch.sigmoid(logits_BO)
            case "multiclass":
                return torch.softmax(logits_BO, dim=1)
            case _:
                return logits_BO * self.architecture.target_spread + self.architecture.target_centre


class Tabular(Network):
    """Embeddings of all inputs side by side, then linear - relu - dropout blocks."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__(architecture)
        size = architecture.embedding_size
        self.numeric = _numeric(architecture) if architecture.numeric else None
        levels = tuple(len(one.vocabulary) for one in architecture.categorical)
        self.categories = Categories(levels, size) if levels else None
        width = sum(part.width for part in (self.numeric, self.categories) if part is not None)
        self.body = nn.Sequential()
        for hidden in architecture.hidden:
            self.body.extend([nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(architecture.dropout)])
            width = hidden
        self.head = nn.Linear(width, len(architecture.outputs))

    def forward(self, x_BN: Tensor, ids_BC: Tensor) -> Tensor:
        parts = []
        if self.numeric is not None:
            parts.append(self.numeric(x_BN))
        if self.categories is not None:
            parts.append(self.categories(ids_BC))
        logits_BO: Tensor = self.head(self.body(torch.cat(parts, dim=1)))
        return logits_BO


def _numeric(architecture: Architecture) -> Plain | Periodic | Piecewise:
    match architecture.numeric_embedding:
        case "periodic":
            return Periodic(architecture.numeric, architecture.embedding_size)
        case "piecewise":
            return Piecewise(architecture.numeric, architecture.embedding_size)
        case _:
            return Plain(architecture.numeric)


def build(architecture: Architecture) -> Tabular:
    """The module with fresh weights, drawn from torch's global generator."""
    return Tabular(architecture)
