"""Examples and feature contract → `dataset.parquet`: one row of model inputs per example, as known at its instant."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pyarrow.parquet as pq

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.contract.run import FeaturesStep
from mlsystem_runtime.data import ROWS
from mlsystem_runtime.data.digest import table_digest
from mlsystem_runtime.features.dataset import Dataset, build_dataset
from mlsystem_runtime.steps.base import StepContext, StepResult

DATASET = "dataset.parquet"


def observe(_payload: FeaturesStep) -> Mapping[str, str]:
    return {}


def run(payload: FeaturesStep, context: StepContext) -> StepResult:
    """Raises MlsystemError when no example is left."""
    paths = {source.name: context.inputs[f"ingest.{source.name}"].path / ROWS for source in payload.sources}
    dataset = build_dataset(payload, paths, data_clock(payload, context), context.progress)
    sys.stderr.write("".join(f"{line}\n" for line in excluded_lines(dataset)))
    if dataset.table.num_rows == 0:
        raise MlsystemError(
            f"model '{payload.model}' has no examples left: {'; '.join(excluded_lines(dataset)) or 'no rows'}",
            "look at examples.where, the label and when it is known",
        )
    pq.write_table(dataset.table, context.out / DATASET)
    return StepResult(
        digests={"dataset": table_digest(dataset.table)},
        facts={"rows": dataset.table.num_rows, "clock_us": dataset.clock_us, "excluded": dict(dataset.excluded)},
        summary=f"{dataset.table.num_rows:,} examples, {len(payload.contract.inputs)} features"
        + "".join(f"; {line}" for line in excluded_lines(dataset)),
    )


def data_clock(payload: FeaturesStep, context: StepContext) -> int:
    """The greatest `available` over the sources that this dataset is made of."""
    clocks = [context.inputs[f"ingest.{source.name}"].facts["clock_us"] for source in payload.sources]
    return max((int(clock) for clock in clocks if clock is not None), default=0)


def excluded_lines(dataset: Dataset) -> list[str]:
    return [f"{count:,} excluded: {REASONS[reason]}" for reason, count in dataset.excluded.items() if count]


REASONS = {
    "where": "examples.where is not true",
    "at": "no instant to predict at",
    "early": "the instant to predict at lies before the row's time, when a request is not known yet",
    "label": "no label",
    "known_null": "the label never becomes known",
    "known_later": "the label becomes known after the data's clock",
}
