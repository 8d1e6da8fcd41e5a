"""What servers write down of the requests that they answered, and of what came of them.

Records are lines of JSON in a journal, FOLDER/DATE/HOUR/PROCESS.NUMBER.jsonl, whose first line is its `Layout`; within
a minute a journal becomes the Parquet file PROCESS.NUMBER.parquet beside it, a segment. FOLDER is predictions/MODEL or
feedback/MODEL; DATE and HOUR are UTC, on the environment's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.columns import Column, ColumnType
from mlsystem_runtime.contract.counts import HOUR_US
from mlsystem_runtime.contract.model import ModelCard, Task

FORMAT = 1
PREDICTIONS, FEEDBACK = "predictions", "feedback"
JOURNAL, SEGMENT = ".jsonl", ".parquet"
REQUEST, INPUT, OUTPUT = GROUPS = ("request", "input", "output")
OUTCOME_TYPES: Mapping[Task, ColumnType] = {
    "binary_classification": ColumnType.BOOL, "multiclass": ColumnType.STRING, "regression": ColumnType.FLOAT,
}


class Layout(Struct):
    """The columns of the records of one journal, and of its segment.

    A record is an object: `columns` are fields of its own, and each of `groups` is a field that holds an object with
    those columns; in a segment they are named GROUP.COLUMN. Timestamps are microseconds in a record, and of the type in
    a segment. What is null in a record may be a number that was not finite.
    """

    format: int
    columns: tuple[Column, ...]
    groups: dict[str, tuple[Column, ...]]


class Prediction(Struct, rename={"at_us": "at", "inputs": "input", "outputs": "output"}):
    """One row of one request. `at_us` is its query time; `request` is typed, `inputs` is what the model was given.

    `version` is the arm that the row was exposed to: of those in `shares`, which release `release_serial` put in force,
    because its unit fell on `bucket` in [0, 1). Rows of one unit have one bucket. `shares` is empty where the client
    asked for the version by its number: such a row is in no experiment.
    """

    at_us: int
    request_id: str
    row: int
    model: str
    version: int
    release_serial: int
    shares: str
    bucket: float
    request: Mapping[str, Any]
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]


class Outcome(Struct, rename={"at_us": "at", "received_us": "received"}):
    """What came of row `row` of request `request_id`, as somebody said; what was received last counts.

    `received_us` is the environment's clock then, and `wall_us` the server's, which orders what was said of one row.
    `at_us` is when the outcome was known, where that was said.
    """

    received_us: int
    request_id: str
    row: int
    outcome: bool | str | float
    at_us: int | None
    wall_us: int


def prediction_layout(card: ModelCard) -> Layout:
    """Of the rows that the version of this card answers."""
    return Layout(FORMAT, (
        Column("at", ColumnType.TIMESTAMP), Column("request_id", ColumnType.STRING), Column("row", ColumnType.INT),
        Column("model", ColumnType.STRING), Column("version", ColumnType.INT),
        Column("release_serial", ColumnType.INT), Column("shares", ColumnType.STRING),
        Column("bucket", ColumnType.FLOAT),
    ), {
        REQUEST: card.contract.request,
        INPUT: tuple(Column(one.name, one.type, True) for one in card.contract.inputs),
        OUTPUT: tuple(Column(name, ColumnType.FLOAT, True) for name in card.outputs),
    })


def outcome_layout(task: Task) -> Layout:
    return Layout(FORMAT, (
        Column("received", ColumnType.TIMESTAMP), Column("request_id", ColumnType.STRING),
        Column("row", ColumnType.INT), Column("outcome", OUTCOME_TYPES[task]),
        Column("at", ColumnType.TIMESTAMP, True), Column("wall_us", ColumnType.INT),
    ), {})


def hour_folder(folder: Path, hour: int) -> Path:
    """`hour` counts hours since 1970."""
    at = instant(hour * HOUR_US)
    return folder / f"{at:%Y-%m-%d}" / f"{at:%H}"


def instant(at_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)
