"""Which columns a model's examples read of their source."""

from __future__ import annotations

from mlsystem.system.nodes import ModelNode
from mlsystem_runtime.contract.columns import Column, Source
from mlsystem_runtime.contract.expressions import compile_expression


def example_columns(model: ModelNode, source: Source) -> set[str]:
    """What the examples take from their own rows: instants, label, filter, and the request."""
    request = {column.name for column in model.contract.request}
    used = {model.examples.at, model.label.column, model.label.known, *request}
    if model.examples.where:
        used |= compile_expression(model.examples.where, columns_by_name(source)).inputs
    return used


def columns_by_name(source: Source) -> dict[str, Column]:
    names = [*(column.name for column in source.columns), *(derived.name for derived in source.derived)]
    return {name: source.column(name) for name in names}
