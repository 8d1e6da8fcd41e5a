"""The training set of a model: which rows are examples, their labels, and their features as known at each instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from mlsystem_runtime.contract.columns import Column, ColumnType, Derived, Source
from mlsystem_runtime.contract.expressions import compile_expression
from mlsystem_runtime.contract.features import AnyGroup, FeatureContract, FeatureUse, RequestGroup, StoredGroup
from mlsystem_runtime.contract.model import Task
from mlsystem_runtime.contract.run import FeaturesStep
from mlsystem_runtime.data import duck
from mlsystem_runtime.data.arrays import arrow, numbers, present, read_columns
from mlsystem_runtime.features.expressions.duckdb_sql import to_duckdb
from mlsystem_runtime.features.keys import Ints
from mlsystem_runtime.features.point_in_time import features_at
from mlsystem_runtime.features.rows import read_rows

INPUT_TYPES: Mapping[ColumnType, pa.DataType] = {
    ColumnType.INT: pa.float64(),
    ColumnType.FLOAT: pa.float64(),
    ColumnType.STRING: pa.string(),
    ColumnType.BOOL: pa.bool_(),
}
LABEL_TYPES: Mapping[Task, pa.DataType] = {
    "regression": pa.float64(),
    "binary_classification": pa.int64(),
    "multiclass": pa.string(),
}

Progress = Callable[[float, float, str], None]


@dataclass(frozen=True)
class Dataset:
    """`table` as the features step promises it; `excluded` counts source rows by the first reason against them."""

    table: pa.Table
    clock_us: int
    excluded: Mapping[str, int]


@dataclass(frozen=True)
class Chosen:
    """The examples: `rows` of the source's table with its columns, and `head`, the columns __row … __label."""

    rows: pa.Table
    head: pa.Table
    excluded: Mapping[str, int]


def build_dataset(step: FeaturesStep, paths: Mapping[str, Path], clock_us: int, progress: Progress) -> Dataset:
    """`paths` holds the ingested rows of every source of the step; `clock_us` is the data's clock."""
    sources = {source.name: source for source in step.sources}
    examples = choose_examples(step, sources[step.examples.source], paths[step.examples.source], clock_us)
    at, _ = numbers(examples.head["__at"].combine_chunks())
    values: dict[str, pa.ChunkedArray] = {}
    for number, group in enumerate(step.contract.groups):
        progress(number, len(step.contract.groups), f"features of {group.name}")
        values |= group_features(group, step.contract, sources, paths, examples.rows, at)
    table = examples.head
    for wanted in step.contract.inputs:
        table = table.append_column(wanted.name, in_type(values[wanted.name], INPUT_TYPES[wanted.type]))
    return Dataset(table, clock_us, examples.excluded)


def choose_examples(step: FeaturesStep, source: Source, path: Path, clock_us: int) -> Chosen:
    """Rows whose `where` is true, with a label that is known by `clock_us`; ordered by instant, then by row.

    What a request holds is known from its row's `time` on, so an instant before that is none to predict at.
    """
    table = read_columns(path)
    label = table[step.label.column]
    at, at_given = numbers(table[step.examples.at].combine_chunks())
    time, _ = numbers(table[source.time].combine_chunks())
    known, known_given = label_known(step, source, table)
    reasons: dict[str, np.ndarray] = {
        "where": where_is_true(step, source, table),
        "at": at_given,
        "early": at >= time,
        "label": present(label.combine_chunks()),
        "known_null": known_given,
        "known_later": known <= clock_us,
    }
    kept = np.ones(table.num_rows, bool)
    excluded: dict[str, int] = {}
    for reason, holds in reasons.items():
        before = int(kept.sum())
        kept &= holds
        excluded[reason] = before - int(kept.sum())
    row = np.flatnonzero(kept)
    row = row[np.argsort(at[row], kind="stable")]
    taken = arrow(row)
    head = pa.table(
        {
            "__row": taken,
            "__at": arrow(at[row]),
            "__known": arrow(known[row]),
            "__label": in_type(label.take(taken), LABEL_TYPES[step.task]),
        }
    )
    return Chosen(table.take(taken), head, excluded)


def label_known(step: FeaturesStep, source: Source, table: pa.Table) -> tuple[Ints, np.ndarray]:
    """From when each label can be used (as declared, but not before its column is available), and whether ever."""
    known, given = numbers(table[step.label.known].combine_chunks())
    in_time = step.label.column in source.known_at_time
    instant = source.time if in_time else source.available or source.time
    available, known_ever = numbers(table[instant].combine_chunks())
    return np.maximum(known, available), given & known_ever


def in_type(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """An integer beyond 2^53 becomes the nearest float, as it does for a request."""
    return values.cast(kind, safe=False)


def where_is_true(step: FeaturesStep, source: Source, table: pa.Table) -> np.ndarray:
    """Null is not true."""
    if step.examples.where is None:
        return np.ones(table.num_rows, bool)
    columns = {name: source.column(name) for name in table.column_names}
    condition = Derived("where", step.examples.where, ColumnType.BOOL)
    return numbers(evaluated([condition], columns, table)["where"].combine_chunks())[0] > 0


def group_features(
    group: AnyGroup,
    contract: FeatureContract,
    sources: Mapping[str, Source],
    paths: Mapping[str, Path],
    examples: pa.Table,
    at: np.ndarray,
) -> dict[str, pa.ChunkedArray]:
    """What `contract` uses of `group`, by input name, at the instant of each row of the examples' source."""
    uses = [use for use in contract.uses if use.group == group.name]
    if isinstance(group, RequestGroup):
        computed = request_features(group, examples)
        return {f"{use.alias}.{name}": computed[name] for use in uses for name in use.columns}
    source = sources[group.source]
    return stored_features(group, source, uses, paths[source.name], examples, at)


def request_features(group: RequestGroup, rows: pa.Table) -> pa.Table:
    return evaluated(group.compute, {field.name: field for field in group.fields}, rows)


def evaluated(
    expressions: list[Derived] | tuple[Derived, ...], columns: Mapping[str, Column], table: pa.Table
) -> pa.Table:
    """Each expression over the rows of `table`, in order; timestamps as microseconds."""
    connection = duck.connect()
    connection.register("rows", table.select(list(columns)))
    selected = ", ".join(
        f"{to_duckdb(compile_expression(one.expression, columns))} AS {duck.quoted(one.name)}" for one in expressions
    )
    return connection.sql(f"SELECT {selected} FROM rows").to_arrow_table()


def stored_features(
    group: StoredGroup, source: Source, uses: list[FeatureUse], path: Path, examples: pa.Table, at: np.ndarray
) -> dict[str, pa.ChunkedArray]:
    """The group for every use of it, by input name; all uses are asked at once."""
    rows = read_rows(group, source, path)
    keys = [[examples[field] for field in lookup_fields(group, use)] for use in uses]
    joined = [
        pa.chunked_array([chunk for one in part for chunk in one.chunks], part[0].type)
        for part in zip(*keys, strict=True)
    ]
    found = features_at(group, source, rows, joined, np.tile(at, len(uses)))
    return {
        f"{use.alias}.{name}": found[name].slice(number * len(at), len(at))
        for number, use in enumerate(uses)
        for name in use.columns
    }


def lookup_fields(group: StoredGroup, use: FeatureUse) -> list[str]:
    """The request column of each part of the key, in the key's order."""
    fields = {lookup.key: lookup.field for lookup in use.lookup}
    return [fields[part.name] for part in group.key]
