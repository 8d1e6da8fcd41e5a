"""Stand-ins for a trained model and an online store, so that the server can be tested, and tried, without either."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlsystem_runtime.contract.features import FeatureContract, FeatureUse, LatestGroup, RequestGroup
from mlsystem_runtime.contract.model import ModelCard
from mlsystem_runtime.contract.workspace import Workspace, read_struct
from mlsystem_runtime.serve.values import Row
from mlsystem_runtime.serve.versions import LoadedVersion, LoadVersion


@dataclass(frozen=True)
class FakeScorer:
    """Answers with the logistic function of `bias` plus all float inputs; the same for every output."""

    card: ModelCard
    bias: float = 0.0

    def predict(self, rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[float]]:
        return [[self._score(row)] * len(self.card.outputs) for row in rows]

    def _score(self, row: Sequence[Any]) -> float:
        total = self.bias + sum(value for value in row if isinstance(value, float))
        return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, total))))


@dataclass(frozen=True)
class FakeRow:
    inputs: Mapping[str, Any]
    causes: Mapping[str, str]


@dataclass(frozen=True)
class FakeAssembler:
    """Request groups are read as plain columns; stored groups from `store`: (group, key values) → column → value.

    `unreachable` names groups whose store does not answer.
    """

    contract: FeatureContract
    store: Mapping[tuple[str, tuple[Any, ...]], Mapping[str, Any]] = field(default_factory=dict)
    unreachable: frozenset[str] = frozenset()
    waits: bool = False

    def assemble_all(self, asked: Sequence[tuple[Row, int]]) -> list[FakeRow]:
        """What this store holds is always known."""
        return [self.assemble(row) for row, _ in asked]

    def assemble(self, row: Row) -> FakeRow:
        inputs: dict[str, Any] = {}
        causes: dict[str, str] = {}
        for use in self.contract.uses:
            for column, (value, cause) in self._columns(use, row).items():
                inputs[f"{use.alias}.{column}"] = value
                if cause is not None:
                    causes[f"{use.alias}.{column}"] = cause
        return FakeRow(inputs, causes)

    def _columns(self, use: FeatureUse, row: Row) -> dict[str, tuple[Any, str | None]]:
        group = self.contract.group(use.group)
        if isinstance(group, RequestGroup):
            read = {computed.name: computed.expression for computed in group.compute}
            return {column: (row.get(read[column]), None) for column in use.columns}
        if group.name in self.unreachable:
            return dict.fromkeys(use.columns, (None, "store_unreachable"))
        key = tuple(row[lookup.field] for lookup in use.lookup)
        if None in key:
            return dict.fromkeys(use.columns, (None, "no_key"))
        found = self.store.get((group.name, key))
        if found is None:
            missing = "unknown_key" if isinstance(group, LatestGroup) else "empty_window"
            return dict.fromkeys(use.columns, (None, missing))
        values = {column: found.get(column) for column in use.columns}
        return {column: (value, "null_value" if value is None else None) for column, value in values.items()}


def fake_loader(workspace: Workspace) -> LoadVersion:
    """Reads a version's card and nothing else; the version's number is its bias, and the store is empty."""
    def load(model: str, number: int) -> LoadedVersion:
        card = read_struct(workspace.fetch_version(model, number, "model.json") / "model.json", ModelCard)
        return LoadedVersion.of(number, FakeScorer(card, float(number)), FakeAssembler(card.contract))
    return load
