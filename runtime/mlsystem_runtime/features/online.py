"""From a typed request to the row of a model: stored features as known at q, and features of the request itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from mlsystem_runtime.contract.columns import ColumnType
from mlsystem_runtime.contract.expressions import compile_expression
from mlsystem_runtime.contract.features import FeatureContract, FeatureUse, LatestGroup, RequestGroup, StoredGroup
from mlsystem_runtime.features.answer import Answer, answer_of
from mlsystem_runtime.features.entities import ENCODERS
from mlsystem_runtime.features.expressions.python import to_python
from mlsystem_runtime.features.store import OnlineStore
from mlsystem_runtime.features.stored import GroupReader, GroupReaders

Row = Mapping[str, Any]
NUMERIC = (ColumnType.INT, ColumnType.FLOAT)


class FeatureRow(NamedTuple):
    """`inputs` are the model's, by name and in the contract's order; `causes` says of each null one why it is."""

    inputs: Mapping[str, Any]
    causes: Mapping[str, str]


class Assembler:
    """Everything that does not depend on a request is done once, here; safe to share between threads.

    `waits`: the store that it reads may keep it waiting for as long as a network does.
    """

    def __init__(self, contract: FeatureContract, store: OnlineStore) -> None:
        uses = [(use, contract.group(use.group)) for use in contract.uses]
        stored = [(use, group) for use, group in uses if not isinstance(group, RequestGroup)]
        readers = {group.name: GroupReader(group, store) for _, group in stored}
        self.waits = store.waits and bool(stored)
        self._stored = GroupReaders(store, [readers[group.name] for _, group in stored])
        self._stored.prepare()
        self._keys = [key_of(use, group) for use, group in stored]
        self._computed = [request_read(group) for _, group in uses if isinstance(group, RequestGroup)]
        ordered = [*stored, *(one for one in uses if isinstance(one[1], RequestGroup))]
        self._place(contract, [(use, feature_names(group)) for use, group in ordered])

    def _place(self, contract: FeatureContract, parts: Sequence[tuple[FeatureUse, Sequence[str]]]) -> None:
        """Which value of which part is which input."""
        columns = [(use, name) for use, names in parts for name in names]
        places = {f"{use.alias}.{name}": place for place, (use, name) in enumerate(columns) if name in use.columns}
        self._names = [wanted.name for wanted in contract.inputs]
        self._places = [places[name] for name in self._names]
        self._numeric = [places[wanted.name] for wanted in contract.inputs if wanted.type in NUMERIC]
        self._alike = len(parts) == 1 and len(self._numeric) == len(columns) and self._places == [*range(len(columns))]
        self._used = [
            [(names.index(name), f"{use.alias}.{name}") for name in use.columns] for use, names in parts
        ]

    def assemble(self, row: Row, at_us: int) -> FeatureRow:
        """As `assemble_all`, of one row."""
        return self.assemble_all([(row, at_us)])[0]

    def assemble_all(self, asked: Sequence[tuple[Row, int]]) -> list[FeatureRow]:
        """Each row holds every column of the contract's request, typed, null as None; beside it stands its q, UTC
        microseconds. The store is looked at once for all of them.

        A store out of reach is the cause `store_unreachable` of its features, not an error.
        """
        parts = self._stored.answers([[(key(row), at_us) for row, at_us in asked] for key in self._keys])
        parts += [[compute(row) for row, _ in asked] for compute in self._computed]
        return [self._row(answers) for answers in zip(*parts, strict=True)]

    def _row(self, parts: Sequence[Answer]) -> FeatureRow:
        if self._alike and parts[0].causes is None:  # numbers of one group, in their order
            return FeatureRow(dict(zip(self._names, map(float, parts[0].values), strict=True)), {})
        values = [value for part in parts for value in part.values]
        for place in self._numeric:
            if values[place] is not None:
                values[place] = float(values[place])
        causes = {
            name: cause
            for part, used in zip(parts, self._used, strict=True) if part.causes is not None
            for place, name in used if (cause := part.causes[place]) is not None
        }
        return FeatureRow(dict(zip(self._names, [values[place] for place in self._places], strict=True)), causes)


def feature_names(group: StoredGroup | RequestGroup) -> list[str]:
    if isinstance(group, RequestGroup):
        return [one.name for one in group.compute]
    if isinstance(group, LatestGroup):
        return [feature.name for feature in group.columns]
    return [aggregate.name for aggregate in group.aggregates]


def key_of(use: FeatureUse, group: StoredGroup) -> Callable[[Row], bytes | None]:
    """The entity that a request asks about; None where a part of its key is null."""
    fields = {lookup.key: lookup.field for lookup in use.lookup}
    parts = [(fields[part.name], ENCODERS[part.type]) for part in group.key]

    def key(row: Row) -> bytes | None:
        encoded = [encode(row[field]) for field, encode in parts if row[field] is not None]
        return b"".join(encoded) if len(encoded) == len(parts) else None

    return key


def request_read(group: RequestGroup) -> Callable[[Row], Answer]:
    columns = {field.name: field for field in group.fields}
    names = [one.expression.strip() for one in group.compute]
    if len(names) > 1 and all(name in columns for name in names):
        fields = itemgetter(*names)

        def compute(row: Row) -> Sequence[Any]:
            """At a tenth of the price of as many functions; like theirs, no result is a negative zero."""
            return [value + 0.0 if type(value) is float else value for value in fields(row)]
    else:
        functions = [to_python(compile_expression(one.expression, columns)) for one in group.compute]

        def compute(row: Row) -> Sequence[Any]:
            return [function(row) for function in functions]

    return lambda row: answer_of(compute(row), "null_value")
