"""The examples, cut to what trains in seconds."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
from environments import Project, mlsystem

SHORTER = {
    "seattle": ("epochs: 60", "epochs: 8"),
    "seattle-two": ("epochs: 60", "epochs: 12"),
    "flights": ("epochs: 3", "epochs: 1"),
}
FLIGHTS_FROM = "2013-11-01"
FLIGHTS_GATES = """    - {metric: roc_auc, at_least: 0.75}
    - {metric: roc_auc, than: champion, worse_by_at_most: 0.005, if_incomparable: pass}
    - {metric: roc_auc, than: baseline, worse_by_at_most: 0.01}
    - {metric: roc_auc, slice: carrier, at_least: 0.60, min_rows: 1000}
"""


def started(example: str, folder: Path) -> Project:
    """The example as `mlsystem init` leaves it, cut to what trains in seconds; every prediction is logged."""
    assert mlsystem(folder.parent, "init", example, folder.name).returncode == 0
    project = Project(folder)
    text = project.spec.read_text()
    if example in SHORTER:
        text = text.replace(*SHORTER[example])
    if example == "flights":
        text = text.replace(FLIGHTS_GATES, "    - {metric: roc_auc, at_least: 0.55}\n")
        text = text.replace("sample: 10%", "sample: 100%").replace("baseline: boosted_trees", "baseline: none")
        cut(folder)
    if example == "seattle":
        text = re.sub(r"accuracy, at_least: 0\.\d+", "accuracy, at_least: 0.5", text)
        text = text.replace("    - {metric: accuracy, than: baseline, worse_by_at_most: 0.05}\n", "  baseline: none\n")
        text = text.replace("environments:\n", "serving: {log: {sample: 100%, retain: 30d}}\n\nenvironments:\n")
    project.spec.write_text(text)
    return project


def cut(folder: Path) -> None:
    """Only the last two months of the flights example."""
    database = duckdb.connect()
    database.execute("set TimeZone = 'UTC'")
    for name, time, form in (
        ("flights.parquet", "scheduled_departure", ""),
        ("weather.csv", "time_hour", "(timestampformat '%Y-%m-%dT%H:%M:%SZ')"),
    ):
        path, late = folder / "data" / name, folder / "data" / f"late-{name}"
        database.execute(f"copy (from '{path}' where {time} >= '{FLIGHTS_FROM}') to '{late}' {form}")
        late.replace(path)
