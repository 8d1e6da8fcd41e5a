"""Which columns each thing reads of a source: the base of every "an unused column changes nothing"."""

from __future__ import annotations

from collections.abc import Iterable

from mlsystem.system.nodes import ModelNode
from mlsystem_runtime.contract.columns import Column, Source
from mlsystem_runtime.contract.expressions import compile_expression
from mlsystem_runtime.contract.features import FeatureContract, LatestGroup, RequestGroup, StoredGroup


def stored_groups(contract: FeatureContract) -> list[StoredGroup]:
    return [group for group in contract.groups if not isinstance(group, RequestGroup)]


def group_columns(group: StoredGroup) -> set[str]:
    keys = {part.column for part in group.key}
    if isinstance(group, LatestGroup):
        return keys | {column.name for column in group.columns}
    return keys | {one.column for one in group.aggregates if one.column}


def example_columns(model: ModelNode, source: Source) -> set[str]:
    """What the examples take from their own rows: instants, label, filter, and the request."""
    used = {
        model.examples.at,
        model.label.column,
        model.label.known,
        *(column.name for column in model.contract.request),
    }
    if model.examples.where:
        used |= compile_expression(model.examples.where, columns_by_name(source)).inputs
    return used


def columns_by_name(source: Source) -> dict[str, Column]:
    names = [*(column.name for column in source.columns), *(derived.name for derived in source.derived)]
    return {name: source.column(name) for name in names}


def with_inputs(source: Source, names: Iterable[str]) -> set[str]:
    """These columns, what times the rows, and the columns that the derived ones among them are computed from."""
    wanted = set(names) | {source.time} | ({source.available} if source.available else set())
    declared = {column.name: column for column in source.columns}
    for derived in source.derived:
        if derived.name in wanted:
            wanted |= compile_expression(derived.expression, declared).inputs
    return wanted
