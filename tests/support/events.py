"""Random event logs with everything that is awkward, for tests of point-in-time features and the online store."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa

from mlsystem_runtime.contract.columns import Column, ColumnType, Source
from mlsystem_runtime.contract.features import Aggregate, Feature, KeyPart, LatestGroup

MINUTE, HOUR = 60_000_000, 3_600_000_000
TYPES = {
    "x": ColumnType.FLOAT,
    "n": ColumnType.INT,
    "b": ColumnType.BOOL,
    "s": ColumnType.STRING,
    "plan": ColumnType.FLOAT,
}
KEY = (KeyPart("first", "k1", ColumnType.STRING), KeyPart("second", "k2", ColumnType.STRING))
KNOWN = ("time", "plan", "b")
Row = dict[str, Any]


def latest_group(ttl_us: int | None) -> LatestGroup:
    return LatestGroup(
        name="g",
        fingerprint="latest",
        source="events",
        key=KEY,
        ttl_us=ttl_us,
        columns=tuple(Feature(name, kind) for name, kind in TYPES.items()),
    )


def source_of(available: bool, known: tuple[str, ...]) -> Source:
    names = {
        "time": ColumnType.TIMESTAMP,
        "available": ColumnType.TIMESTAMP,
        "k1": ColumnType.STRING,
        "k2": ColumnType.STRING,
    }
    return Source(
        name="events",
        format="parquet",
        uri="-",
        time="time",
        timezone=None,
        key=(),
        available="available" if available else None,
        known_at_time=known,
        columns=tuple(Column(name, kind, nullable=True) for name, kind in {**names, **TYPES}.items()),
    )


def random_rows(random: np.random.Generator, count: int, floats: str, origin: int, available: bool) -> list[Row]:
    """Ties, nulls, duplicates, keys that collide as text, rows known early, late or never."""
    rows: list[Row] = []
    for _ in range(count):
        time = origin + int(random.integers(0, 40)) * 7 * MINUTE + int(random.choice([0, 0, 1, MINUTE]))
        delay = [0, 0, 1, -HOUR, 5 * MINUTE, HOUR, 30 * HOUR, None][random.integers(0, 8)]
        known: int | None = time if not available else None if delay is None else time + delay
        rows.append(
            {
                "time": time,
                "available": known,
                "k1": [None, "1", "11", "1"][random.integers(0, 4)],
                "k2": [None, "12", "2", "2"][random.integers(0, 4)],
                "x": random_float(random, floats),
                "n": maybe(random, int(random.integers(-(2**62), 2**62) >> random.integers(0, 60))),
                "b": maybe(random, bool(random.integers(0, 2))),
                "s": maybe(random, str(random.choice(["", "a", "é\0"]))),
                "plan": random_float(random, "halves"),
            }
        )
    return rows + [dict(rows[i]) for i in random.integers(0, count, count // 10)]


def random_float(random: np.random.Generator, kind: str) -> float | None:
    value = {
        "whole": lambda: float(random.integers(-50, 50)),
        "halves": lambda: random.integers(-9, 9) / 2,
        "any": lambda: random.normal() * 10.0 ** random.integers(-3, 3),
        "extreme": lambda: random.normal() * 2.0 ** random.integers(-1070, 1000),
    }[kind]()
    return maybe(random, float(value) + 0.0)


def maybe(random: np.random.Generator, value: Any) -> Any:
    return None if random.integers(0, 6) == 0 else value


def table_of(rows: list[Row]) -> pa.Table:
    kinds = {
        "time": pa.timestamp("us", "UTC"),
        "available": pa.timestamp("us", "UTC"),
        "k1": pa.string(),
        "k2": pa.string(),
        "x": pa.float64(),
        "n": pa.int64(),
        "b": pa.bool_(),
        "s": pa.string(),
        "plan": pa.float64(),
    }
    return pa.table(
        {name: pa.chunked_array([pa.array([row[name] for row in rows], kind)]) for name, kind in kinds.items()}
    )


def random_asks(random: np.random.Generator, rows: list[Row], count: int) -> tuple[list[tuple[Any, ...]], np.ndarray]:
    """Keys that exist, collide, are unknown or null; instants that equal row times, lie beside them, and repeat."""
    keys = [
        ([None, "1", "11", "112", "?"][random.integers(0, 5)], [None, "12", "2", "", "2"][random.integers(0, 5)])
        for _ in range(count)
    ]
    times = [row["time"] for row in rows] + [row["available"] for row in rows if row["available"] is not None]
    at = random.choice(np.array(times), count) + random.choice([-1, 0, 0, 1, 5 * MINUTE, HOUR, 20 * HOUR], count)
    return keys + keys[:5], np.append(at, at[:5]).astype(np.int64)


def random_aggregates(random: np.random.Generator) -> tuple[Aggregate, ...]:
    made: list[Aggregate] = []
    for name, (function, column, kind) in enumerate(
        [
            ("count", None, ColumnType.INT),
            ("count", "s", ColumnType.INT),
            ("count", "plan", ColumnType.INT),
            ("sum", "x", ColumnType.FLOAT),
            ("sum", "n", ColumnType.INT),
            ("sum", "b", ColumnType.INT),
            ("sum", "plan", ColumnType.FLOAT),
            ("mean", "x", ColumnType.FLOAT),
            ("mean", "n", ColumnType.FLOAT),
            ("mean", "b", ColumnType.FLOAT),
            ("min", "x", ColumnType.FLOAT),
            ("max", "x", ColumnType.FLOAT),
            ("min", "n", ColumnType.INT),
            ("max", "n", ColumnType.INT),
            ("max", "plan", ColumnType.FLOAT),
        ]
    ):
        window = int(random.choice([1, MINUTE, 17 * MINUTE, HOUR, 3 * HOUR, 40 * HOUR]))
        tail = int(random.choice([1, MINUTE, 5 * MINUTE, HOUR, 24 * HOUR]))
        made.append(Aggregate(f"a{name}", function, column, window, tail, kind))  # type: ignore[arg-type]
    return tuple(made)


def fits(value: Any) -> Any:
    """What does not fit into 64 bits or a float is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or -(2**63) <= value < 2**63 else None
