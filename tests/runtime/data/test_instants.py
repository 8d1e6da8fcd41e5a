from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.data.instants import from_arrow, from_text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(text: str, zone: str | None = None) -> str:
    micros = from_text(pa.chunked_array([[text]]), zone).cast(pa.int64())[0].as_py()
    return (EPOCH + timedelta(microseconds=micros)).isoformat()


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2013-11-03 01:30:00", "America/New_York", "2013-11-03T06:30:00+00:00"),
        ("2013-03-10 02:30:00", "America/New_York", "2013-03-10T07:30:00+00:00"),
        ("2024-04-07 01:45:00", "Australia/Lord_Howe", "2024-04-06T15:15:00+00:00"),
        ("2024-10-06 02:15:00", "Australia/Lord_Howe", "2024-10-05T15:45:00+00:00"),
        ("2010-03-14 00:00:30", "America/St_Johns", "2010-03-14T03:30:30+00:00"),
        ("2013-07-01 12:00:00", "America/New_York", "2013-07-01T16:00:00+00:00"),
        ("2013-01-01", "Asia/Kolkata", "2012-12-31T18:30:00+00:00"),
    ],
)
def test_wall_times_are_read_in_the_sources_zone(text: str, zone: str, expected: str) -> None:
    """Twice: the later instant. Never: forward."""
    assert instant(text, zone) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2013-01-01T05:00:00Z", "2013-01-01T05:00:00+00:00"),
        ("2013-01-01 05:00:00+05:30", "2012-12-31T23:30:00+00:00"),
        ("2013-01-01T05:00:00.123456789-0500", "2013-01-01T10:00:00.123456+00:00"),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000+00:00"),
    ],
)
def test_an_offset_in_the_text_wins(text: str, expected: str) -> None:
    assert instant(text, "Asia/Tokyo") == expected
    assert instant(text) == expected


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Australia/Lord_Howe", "Europe/London", "America/Sao_Paulo", "Asia/Kathmandu"]
)
def test_random_wall_times_agree_with_zoneinfo(zone: str) -> None:
    """zoneinfo's fold=1 is the later instant of two; in a gap fold=0 moves forward."""
    random = np.random.default_rng(5)
    walls = [datetime(1975, 1, 1) + timedelta(minutes=int(minute)) for minute in random.integers(0, 31_000_000, 3000)]
    texts = pa.chunked_array([[wall.isoformat(" ") for wall in walls]])

    found = from_text(texts, zone).cast(pa.int64()).to_pylist()

    assert found == [expected(wall, ZoneInfo(zone)) for wall in walls]


def expected(wall: datetime, zone: ZoneInfo) -> int:
    later = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    skipped = later.astimezone(zone).replace(tzinfo=None) != wall
    chosen = wall.replace(tzinfo=zone, fold=0).astimezone(UTC) if skipped else later
    return (chosen - EPOCH) // timedelta(microseconds=1)


def test_nanoseconds_round_down_on_both_sides_of_1970() -> None:
    values = pa.chunked_array([pa.array([1500, -1500, None], pa.timestamp("ns", "UTC"))])

    assert from_arrow(values, None).cast(pa.int64()).to_pylist() == [1, -2, None]


def test_naive_arrow_timestamps_and_dates_are_wall_times() -> None:
    naive = pa.chunked_array([pa.array([datetime(2013, 7, 1, 12), None], pa.timestamp("ms"))])
    dates = pa.chunked_array([pa.array([datetime(2013, 7, 1).date()], pa.date32())])

    assert from_arrow(naive, "America/New_York")[0].as_py() == datetime(2013, 7, 1, 16, tzinfo=UTC)
    assert from_arrow(dates, "America/New_York")[0].as_py() == datetime(2013, 7, 1, 4, tzinfo=UTC)


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(MlsystemError, match="'Mars/Base' is not a time zone"):
        instant("2013-01-01", "Mars/Base")
