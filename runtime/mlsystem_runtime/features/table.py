"""The inputs of a model for many requests at once, at their instants: what was known then, by the ingested rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from mlsystem_runtime.contract.columns import Source
from mlsystem_runtime.contract.features import FeatureContract, RequestGroup, StoredGroup
from mlsystem_runtime.features.dataset import INPUT_TYPES, in_type, lookup_fields, request_features
from mlsystem_runtime.features.point_in_time import features_at
from mlsystem_runtime.features.rows import Rows, read_rows


@dataclass(frozen=True)
class StoredRows:
    """A group, and the rows that it is computed from, sorted once for all requests."""

    group: StoredGroup
    source: Source
    rows: Rows


def request_values(group: RequestGroup, requests: pa.Table) -> pa.Table:
    """Fields that are features as they stand need no engine."""
    names = [one.expression.strip() for one in group.compute]
    if not {*names} <= {field.name for field in group.fields}:
        return request_features(group, requests)
    return pa.table({one.name: requests[name] for one, name in zip(group.compute, names, strict=True)})


class TableAssembler:
    """The same as the online store gives at its watermark, for tables of requests."""

    def __init__(self, contract: FeatureContract, sources: Mapping[str, Source], paths: Mapping[str, Path]) -> None:
        """`paths` holds the ingested rows of the sources that the contract's stored groups read."""
        self._contract = contract
        self._stored = {
            group.name: StoredRows(group, sources[group.source], read_rows(group, sources[group.source],
                                                                         paths[group.source]))
            for group in contract.groups if not isinstance(group, RequestGroup)
        }

    def assemble(self, requests: pa.Table, at: np.ndarray) -> pa.Table:
        """`requests` has the typed columns of the contract's request; `at` (B,) is q of each row, UTC microseconds.
        One column per input of the model."""
        values: dict[str, pa.ChunkedArray] = {}
        for group in self._contract.groups:
            if isinstance(group, RequestGroup):
                computed = request_values(group, requests)
                values |= {
                    f"{use.alias}.{name}": computed[name]
                    for use in self._contract.uses if use.group == group.name for name in use.columns
                }
            else:
                values |= self._stored_values(self._stored[group.name], requests, at)
        return pa.table({
            one.name: in_type(values[one.name], INPUT_TYPES[one.type]) for one in self._contract.inputs
        })

    def _stored_values(self, stored: StoredRows, requests: pa.Table, at: np.ndarray) -> dict[str, pa.ChunkedArray]:
        values: dict[str, pa.ChunkedArray] = {}
        for use in (one for one in self._contract.uses if one.group == stored.group.name):
            keys = [requests[field] for field in lookup_fields(stored.group, use)]
            found = features_at(stored.group, stored.source, stored.rows, keys, at)
            values |= {f"{use.alias}.{name}": found[name] for name in use.columns}
        return values
