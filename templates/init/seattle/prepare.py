"""Turns `seattle-weather.csv` of the package `vega-datasets` into the source of this example.

The package holds one row a day, 2012 to 2015. A day's weather is known when the day is over, which the file does not
say: this script adds `known_at`, the following midnight, and `station`, which the features describe. Times are
Seattle's own and carry no offset; mlsystem.yaml names the time zone. Days from 24 December 2015 on are withheld.

Writes into `data/`: weather.csv, requests.json (the first day that is withheld), outcomes.json (its weather).
"""

import csv
import importlib.util
import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

CUT = datetime(2015, 12, 24)  # Seattle's local time, as in the file


def main() -> None:
    days = [prepared(row) for row in read()]
    known = [day for day in days if day["date"] < CUT.isoformat()]
    asked = [day for day in days if day["date"] == CUT.isoformat()]

    Path("data").mkdir(exist_ok=True)
    with open("data/weather.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(known[0]))
        writer.writeheader()
        writer.writerows(known)
    write("data/requests.json", [request(day) for day in asked])
    write("data/outcomes.json", [outcome(day) for day in asked])


def read() -> list[dict[str, str]]:
    package = importlib.util.find_spec("vega_datasets")
    if package is None or not package.submodule_search_locations:
        sys.exit("the data is in a package that is not installed; run: pip install 'mlsystem[runtime]'")
    with open(Path(package.submodule_search_locations[0], "_data", "seattle-weather.csv"), newline="") as file:
        return list(csv.DictReader(file))


def prepared(row: dict[str, str]) -> dict[str, str]:
    date = datetime.strptime(row["date"], "%Y/%m/%d")
    known_at = date + timedelta(days=1)
    return {**row, "date": date.isoformat(), "known_at": known_at.isoformat(), "station": "seattle"}


def request(day: dict[str, str]) -> dict[str, str]:
    """Asked at midnight, as the day begins; Seattle is eight hours behind UTC in winter."""
    midnight = day["date"] + "-08:00"
    return {"at": midnight, "date": midnight, "station": day["station"]}


def outcome(day: dict[str, str]) -> dict[str, object]:
    return {"date": day["date"], "weather": day["weather"], "temp_max": float(day["temp_max"])}


def write(path: str, value: object) -> None:
    Path(path).write_text(json.dumps(value, indent=2) + "\n")


if __name__ == "__main__":
    main()
