"""Timestamps of every kind become UTC microseconds (spec.md, *Time*)."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.data import duck
from mlsystem_runtime.data.arrays import arrow, numbers
from mlsystem_runtime.data.problems import castable

UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")
WITH_OFFSET = r":\d{2}(\.\d+)?(Z|[+-]\d{2}(:?\d{2})?)$"
FINER_THAN_MICROSECONDS = r"(\.\d{6})\d+"


class NotATimestampError(Exception):
    """These texts cannot be read; `naive` when only the zone is missing."""

    def __init__(self, values: frozenset[str], naive: bool) -> None:
        super().__init__(f"{len(values)} texts")
        self.values = values
        self.naive = naive


class NoZoneError(Exception):
    """The column carries no zone and none was declared."""


def from_text(texts: pa.ChunkedArray, timezone: str | None) -> pa.ChunkedArray:
    """ISO 8601 texts with an offset, or without one in `timezone`; raises NotATimestampError."""
    encoded = texts.combine_chunks().dictionary_encode()
    distinct = pc.utf8_trim_whitespace(encoded.dictionary)
    has_offset = pc.match_substring_regex(distinct, WITH_OFFSET)
    nothing = pa.nulls(len(distinct), pa.string())
    absolute = parsed(pc.if_else(has_offset, distinct, nothing), UTC_MICROSECONDS)
    local = parsed(pc.if_else(has_offset, nothing, distinct), pa.timestamp("us"))
    if timezone is None and local.null_count < len(local):
        raise NotATimestampError(frozenset(distinct.filter(local.is_valid()).to_pylist()), naive=True)
    instants = pc.coalesce(absolute, local_to_utc(local, timezone or "UTC"))
    return pa.chunked_array([instants.take(encoded.indices)])


def parsed(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Texts as timestamps; digits beyond microseconds are cut off."""
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        texts = pc.replace_substring_regex(texts, FINER_THAN_MICROSECONDS, r"\1")
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid as error:
        raise NotATimestampError(
            frozenset(text.as_py() for text in texts if not castable(text, kind)), naive=False
        ) from error


def from_arrow(values: pa.ChunkedArray, timezone: str | None) -> pa.ChunkedArray:
    """Arrow timestamps and dates of any unit; raises NoZoneError for naive ones without `timezone`."""
    if pa.types.is_date(values.type):
        values = values.cast(pa.timestamp("s"))
    micros = pa.chunked_array([to_microseconds(chunk) for chunk in values.chunks], pa.timestamp("us"))
    if values.type.tz is not None:
        return micros.cast(pa.int64()).cast(UTC_MICROSECONDS)
    if timezone is None:
        raise NoZoneError
    return pa.chunked_array([local_to_utc(micros.combine_chunks(), timezone)])


def to_microseconds(values: pa.Array) -> pa.Array:
    """The same wall time in microseconds; nanoseconds round down, also before 1970. Overflow raises ArrowInvalid."""
    if values.type.unit == "ns":
        counts, has_value = numbers(values)
        return arrow(np.floor_divide(counts, 1000), ~has_value).cast(pa.timestamp("us"))
    return values.cast(pa.timestamp("us", values.type.tz)).cast(pa.int64()).cast(pa.timestamp("us"))


def local_to_utc(local: pa.Array, timezone: str) -> pa.Array:
    """Wall times of `timezone` → instants: one that occurs twice is the later, one that never occurs moves forward.

    ICU's rules inside DuckDB are exactly these.
    """
    if timezone == "UTC":
        return local.cast(pa.int64()).cast(UTC_MICROSECONDS)
    connection = duck.connect()
    connection.register("walls", pa.table({"wall": local}))
    query = f"SELECT epoch_us(timezone({duck.literal(timezone)}, wall)) AS instant FROM walls"
    try:
        instants = connection.sql(query).to_arrow_table()["instant"]
    except duckdb.NotImplementedException as error:
        raise MlsystemError(f"'{timezone}' is not a time zone", "use a name such as America/New_York or UTC") from error
    return instants.combine_chunks().cast(UTC_MICROSECONDS)
