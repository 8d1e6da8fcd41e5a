"""Point-in-time features against bare DuckDB plans on the same Arrow tables in the same run; the online store's speed.

CPU-seconds of this process, all threads, the least of three alternating rounds.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from mlsystem_runtime.contract.columns import Column, ColumnType, Source
from mlsystem_runtime.contract.features import Aggregate, AggregateGroup, Feature, KeyPart, LatestGroup, StoredGroup
from mlsystem_runtime.data import duck
from mlsystem_runtime.features.entities import key_bytes
from mlsystem_runtime.features.materializer import materialize
from mlsystem_runtime.features.point_in_time import features_at
from mlsystem_runtime.features.rows import rows_of
from mlsystem_runtime.features.sqlite_store import SqliteStore
from mlsystem_runtime.features.stored import GroupReader

ROWS, EXAMPLES, KEYS, VALUES, ROUNDS, READS = 1_000_000, 100_000, 10_000, 5, 3, 20_000
SECOND, HOUR, DAY = 10**6, 3600 * 10**6, 86_400 * 10**6
NAMES = [f"value{number}" for number in range(VALUES)]
UTC = pa.timestamp("us", "UTC")
LATEST = LatestGroup(
    "latest", "latest", "events", (KeyPart("key", "key", ColumnType.STRING),),
    tuple(Feature(name, ColumnType.FLOAT) for name in NAMES), ttl_us=7 * DAY,
)  # fmt: skip
WINDOWS = AggregateGroup(
    "windows", "windows", "events", LATEST.key,
    tuple(
        Aggregate(f"{function}_{window // HOUR}h", function, NAMES[0], window, SECOND, kind)
        for window in (HOUR, DAY, 7 * DAY, 30 * DAY)
        for function, kind in (("count", ColumnType.INT), ("sum", ColumnType.FLOAT), ("max", ColumnType.FLOAT))
    ),  # type: ignore[arg-type]
)  # fmt: skip
ASOF = f"""
SELECT examples.number, {", ".join(NAMES)} FROM examples
ASOF LEFT JOIN events ON examples.key = events.key AND examples."at" >= events.time
"""


def main() -> list[dict[str, Any]]:
    random = np.random.default_rng(7)
    examples, unique, late = examples_table(random), events(random, late=False), events(random, late=True)
    return [
        ratio_row(
            "latest, (key, time) unique and available = time", LATEST, source(False), unique, examples, ASOF, 1.2
        ),
        ratio_row("latest, ties and rows that become known late", LATEST, source(True), late, examples, ASOF, 3.5),
        ratio_row(
            "windows 1h 1d 7d 30d x count sum max", WINDOWS, source(False), unique, examples, range_windows(), None
        ),
        *online_rows(unique),
    ]


def events(random: np.random.Generator, late: bool) -> pa.Table:
    """90 days; with `late` one row in a hundred ties with another and half of them become known up to 2 days late."""
    time_us = random.permutation(90 * 86_400 * 4)[:ROWS].astype(np.int64) * SECOND // 4
    key = random.integers(0, KEYS, ROWS)
    available = time_us.copy()
    if late:
        first, second = random.permutation(ROWS)[: ROWS // 50].reshape(2, -1)
        time_us[second], key[second] = time_us[first], key[first]
        available = time_us + np.where(random.random(ROWS) < 0.5, random.integers(0, 2 * DAY, ROWS), 0)
    values = {name: random.normal(size=ROWS) for name in NAMES}
    return pa.table({"key": texts(key), "time": instants(time_us), "available": instants(available), **values})


def examples_table(random: np.random.Generator) -> pa.Table:
    at = instants(random.integers(0, 90 * DAY, EXAMPLES))
    return pa.table({"number": np.arange(EXAMPLES), "key": texts(random.integers(0, KEYS, EXAMPLES)), "at": at})


def texts(codes: np.ndarray) -> pa.Array:
    return pa.array([f"customer-{number:06d}" for number in range(KEYS)]).take(pa.array(codes))


def instants(micros: np.ndarray) -> pa.Array:
    return pa.array(micros).cast(UTC)


def source(available: bool) -> Source:
    kinds = {"key": ColumnType.STRING, "time": ColumnType.TIMESTAMP, "available": ColumnType.TIMESTAMP}
    columns = tuple(Column(name, kind) for name, kind in (kinds | dict.fromkeys(NAMES, ColumnType.FLOAT)).items())
    known = () if available else tuple(column.name for column in columns)
    return Source("events", "parquet", "-", "time", None, "available" if available else None, known, (), columns)


def range_windows() -> str:
    """The portable plan: examples and events in one relation, one RANGE window for each size."""
    windows, selected = [], []
    for size in (HOUR, DAY, 7 * DAY, 30 * DAY):
        name = f"w{size // HOUR}"
        windows.append(f"{name} AS (PARTITION BY key ORDER BY q RANGE BETWEEN {size} PRECEDING AND 1 PRECEDING)")
        selected += [f"{one}({NAMES[0]}) OVER {name} AS {one}_{name}" for one in ("count", "sum", "max")]
    both = f"""SELECT key, epoch_us("at") AS q, number, NULL AS {NAMES[0]} FROM examples
               UNION ALL SELECT key, epoch_us(time), NULL, {NAMES[0]} FROM events"""
    computed = f"SELECT number, {', '.join(selected)} FROM ({both}) WINDOW {', '.join(windows)}"
    return f"SELECT * FROM ({computed}) WHERE number NOTNULL"


def ratio_row(
    name: str, group: StoredGroup, of: Source, table: pa.Table, examples: pa.Table, query: str, target: float | None
) -> dict[str, Any]:
    connection = duck.connect()
    connection.register("events", table)
    connection.register("examples", examples)
    at = examples["at"].cast(pa.int64()).to_numpy()

    def ours() -> pa.Table:
        return features_at(group, of, rows_of(group, of, table), [examples["key"]], at)

    rounds = [(cpu_seconds(ours), cpu_seconds(lambda: run(connection, query))) for _ in range(ROUNDS)]
    mine, bare = (min(times) for times in zip(*rounds, strict=True))
    return {
        "name": f"1M rows x 100k examples: {name}, CPU",
        "value": round(mine / bare, 2),
        "unit": f"x ({mine:.2f} s / {bare:.2f} s)",
        "target": "" if target is None else f"≤ {target}",
        "reference": "DuckDB UNION ALL + RANGE window" if target is None else "DuckDB ASOF JOIN, 5 values",
    }


def run(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    return connection.sql(query).to_arrow_table()


def cpu_seconds(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def online_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Both kinds of groups in one SQLite file; reads are of random entities, seconds after the watermark."""
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        for group in (LATEST, WINDOWS):
            rows = rows_of(group, source(False), table)
            store = SqliteStore(path, writable=True)
            seconds = cpu_seconds(lambda: materialize(group, source(False), rows, store, 90 * DAY))  # noqa: B023
            found += [
                row(f"materialise {group.name}", round(ROWS / seconds), "rows/s", "≥ 100000"),
                row(f"online read of {group.name}, p50", round(read_ms(group, path), 4), "ms", "≤ 0.05"),
            ]
    return found


def read_ms(group: StoredGroup, path: Path) -> float:
    """Of a state that nobody kept."""
    store, random = SqliteStore(path), np.random.default_rng(1)
    reader = GroupReader(group, store).prepare()
    keys = [key_bytes((f"customer-{code:06d}",), [ColumnType.STRING]) for code in random.integers(0, KEYS, READS)]
    times = []
    for number, key in enumerate(keys):
        before = time.perf_counter()
        reader.read(store.read(group.fingerprint, (key,))[0], 90 * DAY + number)
        times.append(time.perf_counter() - before)
    return 1000 * statistics.median(times)


def row(name: str, value: float, unit: str, target: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "reference": "SQLite, one process"}


if __name__ == "__main__":
    for line in main():
        print(line)
