"""The tabular model as an ONNX graph, written node by node: the same operations in the same order as `train.model`, so
that rounding is the same, with all categories in one table. An exporter takes seconds for a graph of more nodes, each
of which costs most of a microsecond in every request.

Names of tensors carry their shape as in `train.model`. Inputs are `X` float32 (B, N) and `IDS` int64 (B, C), the output
is `ANSWERS` float32 (B, O): what `Network.predict` gives.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from mlsystem_runtime.registry.onnx_names import ANSWERS, IDS, ROWS, X
from mlsystem_runtime.train.architecture import Architecture
from mlsystem_runtime.train.model import SOFT_LIMIT, Categories, Periodic, Piecewise, Plain, Tabular

OPSET, IR_VERSION = 20, 10
LAST = np.array([-1], dtype=np.int64)


class Graph:
    """Nodes and weights as they are added. Every method gives the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._numbers = itertools.count()

    def add(self, operator: str, *inputs: str, named: str | None = None, **attributes: Any) -> str:
        name = named or f"t{next(self._numbers)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def weight(self, value: Tensor | NDArray[Any] | float) -> str:
        """Numbers become float32."""
        array = value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
        name = f"w{next(self._numbers)}"
        kept = array if array.dtype == np.int64 else array.astype(np.float32)
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(kept), name))
        return name


def tabular_graph(module: Tabular) -> bytes:
    """The serialised model. The same weights give the same bytes."""
    graph = Graph()
    parts = []
    if module.numeric is not None:
        parts.append(numeric(graph, module.numeric))
    if module.categories is not None:
        parts.append(categories(graph, module.categories))
    hidden = parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)
    for layer in (*module.body, module.head):
        hidden = linear(graph, layer, hidden)
    answers(graph, module.architecture, hidden)
    return serialised(graph, module.architecture)


def serialised(graph: Graph, architecture: Architecture) -> bytes:
    sizes = (len(architecture.numeric), len(architecture.categorical), len(architecture.outputs))
    kinds = (TensorProto.FLOAT, TensorProto.INT64, TensorProto.FLOAT)
    x, ids, found = (
        helper.make_tensor_value_info(name, kind, [ROWS, size])
        for name, kind, size in zip((X, IDS, ANSWERS), kinds, sizes, strict=True)
    )
    made = helper.make_graph(graph.nodes, "model", [x, ids], [found], graph.weights)
    opsets = [helper.make_opsetid("", OPSET)]
    data: bytes = helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION).SerializeToString()
    return data


def numeric(graph: Graph, embedding: nn.Module) -> str:
    match embedding:
        case Periodic():
            return periodic(graph, embedding)
        case Piecewise():
            return piecewise(graph, embedding)
        case _:
            assert isinstance(embedding, Plain)
            return plain(graph, embedding)


def plain(graph: Graph, module: Plain) -> str:
    z, missing = scale(graph, X, module.scale.centre_N, module.scale.spread_N)
    return graph.add("Concat", graph.add("Mul", z, graph.weight(SOFT_LIMIT)),
                     graph.add("Cast", missing, to=TensorProto.FLOAT), axis=1)


def periodic(graph: Graph, module: Periodic) -> str:
    x_BN1 = graph.add("Unsqueeze", X, graph.weight(LAST))
    z_BN1, missing_BN1 = scale(graph, x_BN1, module.scale.centre_N[:, None], module.scale.spread_N[:, None])
    angle_BNF = graph.add("Mul", graph.add("Mul", z_BN1, graph.weight(2 * math.pi * SOFT_LIMIT)),
                          graph.weight(module.frequency_NF))
    waves_BNW = graph.add("Concat", graph.add("Sin", angle_BNF), graph.add("Cos", angle_BNF), z_BN1, axis=2)
    mix_WE = module.mix.weight.detach().T.clone()
    mix_WE[-1] *= SOFT_LIMIT
    mixed_BNE = graph.add("MatMul", waves_BNW, graph.weight(mix_WE))
    embedded_BNE = graph.add("Relu", graph.add("Add", mixed_BNE, graph.weight(module.bias_NE)))
    return flat(graph, graph.add("Where", missing_BN1, graph.weight(module.missing_NE), embedded_BNE), module.width)


def piecewise(graph: Graph, module: Piecewise) -> str:
    """One product for each input: they stand first, as in `train.model`."""
    x_BN1 = graph.add("Unsqueeze", X, graph.weight(LAST))
    missing_BN1 = graph.add("IsNaN", x_BN1)
    from_left_BNK = graph.add("Sub", graph.add("Where", missing_BN1, graph.weight(0.0), x_BN1),
                              graph.weight(module.left_NK))
    filled_BNK = graph.add("Clip", graph.add("Div", from_left_BNK, graph.weight(module.width_NK)),
                           graph.weight(0.0), graph.weight(1.0))
    filled_NBK = graph.add("Transpose", filled_BNK, perm=[1, 0, 2])
    product_NBE = graph.add("MatMul", filled_NBK, graph.weight(module.weight_NKE))
    embedded_BNE = graph.add("Add", graph.add("Transpose", product_NBE, perm=[1, 0, 2]), graph.weight(module.bias_NE))
    return flat(graph, graph.add("Where", missing_BN1, graph.weight(module.missing_NE), embedded_BNE), module.width)


def scale(graph: Graph, x: str, centre: Tensor, spread: Tensor) -> tuple[str, str]:
    """z / SOFT_LIMIT of `Scale`, and what is missing. SOFT_LIMIT L is a power of two, so whoever multiplies by it next
    rounds nothing otherwise: z·rsqrt(1 + (z/L)²) = L·z·rsqrt(L² + z²)."""
    missing = graph.add("IsNaN", x)
    z = graph.add("Div", graph.add("Sub", x, graph.weight(centre)), graph.weight(spread))
    z = graph.add("Where", missing, graph.weight(0.0), z)
    z = graph.add("Clip", z, graph.weight(-1e6), graph.weight(1e6))
    bound = graph.add("Sqrt", graph.add("Add", graph.add("Mul", z, z), graph.weight(SOFT_LIMIT**2)))
    return graph.add("Mul", z, graph.add("Reciprocal", bound)), missing


def categories(graph: Graph, module: Categories) -> str:
    """All tables one below the other; where each begins is added to its ids."""
    tables = [table.weight.detach() for table in module.tables if isinstance(table, nn.Embedding)]
    begins_C = np.cumsum([0, *map(len, tables[:-1])], dtype=np.int64)
    found_BCE = graph.add("Gather", graph.weight(torch.cat(tables)), graph.add("Add", IDS, graph.weight(begins_C)))
    return flat(graph, found_BCE, module.width)


def flat(graph: Graph, values_BNE: str, width: int) -> str:
    return graph.add("Reshape", values_BNE, graph.weight(np.array([-1, width], dtype=np.int64)))


def linear(graph: Graph, layer: nn.Module, values: str) -> str:
    match layer:
        case nn.Linear():
            return graph.add("Gemm", values, graph.weight(layer.weight), graph.weight(layer.bias), transB=1)
        case nn.ReLU():
            return graph.add("Relu", values)
        case _:
            assert isinstance(layer, nn.Dropout)
            return values


def answers(graph: Graph, architecture: Architecture, logits: str) -> None:
    match architecture.task:
        case "binary_classification":
            graph.add("Sigmoid", logits, named=ANSWERS)
        case "multiclass":
            graph.add("Softmax", logits, axis=1, named=ANSWERS)
        case _:
            scaled = graph.add("Mul", logits, graph.weight(architecture.target_spread))
            graph.add("Add", scaled, graph.weight(architecture.target_centre), named=ANSWERS)
