"""One way to open DuckDB: in memory, UTC, as many threads as this process may use."""

from __future__ import annotations

import os

import duckdb


def connect() -> duckdb.DuckDBPyConnection:
    """A connection of its own. No query may depend on the session's zone; it is UTC so that a slip is harmless."""
    connection = duckdb.connect(":memory:")
    connection.execute(f"SET threads = {len(os.sched_getaffinity(0))}")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def quoted(name: str) -> str:
    """An identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text value in SQL."""
    return "'" + text.replace("'", "''") + "'"
