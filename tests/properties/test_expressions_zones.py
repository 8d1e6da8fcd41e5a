"""Local time from the table of offsets is the local time of zoneinfo, in every zone, near changes and far away."""

from __future__ import annotations

import importlib.resources
import io
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
from sqlglot import exp

from mlsystem_runtime.contract.errors import MlsystemError
from mlsystem_runtime.features.expressions.zones import CYCLE, Zone, zone
from mlsystem_runtime.features.expressions.zones_sql import local_time

TZDATA = importlib.resources.files("tzdata")
NAMES = (TZDATA / "zones").read_text().split()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FIRST = (datetime(1, 1, 2, tzinfo=UTC) - EPOCH) // MICROSECOND
LAST = (datetime(9999, 12, 30, tzinfo=UTC) - EPOCH) // MICROSECOND


def content(name: str) -> bytes:
    return TZDATA.joinpath("zoneinfo", *name.split("/")).read_bytes()


DISTINCT = sorted({content(name): name for name in NAMES}.values())


def local_by_zoneinfo(instant: int, info: ZoneInfo) -> int:
    local = (EPOCH + instant * MICROSECOND).astimezone(info)
    return (local.replace(tzinfo=UTC) - EPOCH) // MICROSECOND


def telling_instants(found: Zone, rng: random.Random) -> list[int]:
    """Both sides of some changes, of later cycles too, and anything in between."""
    changes = rng.sample(found.instants, min(12, len(found.instants)))
    edges = [change + shift * CYCLE + side for change in changes for shift in (0, 1, 7) for side in (-1, 0)]
    anywhere = [rng.randrange(FIRST, LAST) for _ in range(10)] + [rng.randrange(-(2**51), 2**52) for _ in range(20)]
    return [instant for instant in edges + anywhere if FIRST <= instant <= LAST]


@pytest.mark.parametrize("letter", sorted({name[:2] for name in DISTINCT}))
def test_every_zone_has_the_local_time_of_zoneinfo(letter: str) -> None:
    rng = random.Random(letter)
    for name in (name for name in DISTINCT if name.startswith(letter)):
        found, info = zone(name), ZoneInfo.from_file(io.BytesIO(content(name)))

        for instant in telling_instants(found, rng):
            assert found.local(instant) == local_by_zoneinfo(instant, info), (name, instant)


@pytest.mark.parametrize(
    "name", ["America/New_York", "America/Havana", "Africa/Casablanca", "Asia/Tehran", "Etc/GMT+5"]
)
def test_the_sql_has_the_local_time_of_the_table(name: str) -> None:
    found = zone(name)
    instants = telling_instants(found, random.Random(name))
    sql = local_time(exp.column("us"), name).sql(dialect="duckdb")

    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT us, epoch_us({sql}) FROM (SELECT unnest($1::BIGINT[]) AS us)", [instants])
        assert rows.fetchall() == [(instant, found.local(instant)) for instant in instants]


def test_a_zone_that_the_database_lacks_is_an_error_with_a_way_out() -> None:
    with pytest.raises(MlsystemError, match="no time zone 'Mars/Olympus'") as caught:
        zone("Mars/Olympus")

    assert caught.value.hint is not None
