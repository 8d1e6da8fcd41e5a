"""What was recorded of an autoscaler: a CSV file with a header, a row for each sync.

`time` (seconds, or ISO 8601 with a zone) and `replicas` (that the target's spec asked for) are needed, and a column for
each metric, by its name: of pods (Resource, Pods) the mean of those that are ready and have a sample, in percent for a
target of utilisation; of an object or an external metric its value for all replicas together. An empty cell is a metric
that could not be read, `null` a query without a series. `existing` (of the target's status), `ready` (and with a
sample), `unready` and `missing` (running without a sample) may be left out: then all replicas are there and ready.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from mlsystem.capacity.controllers.hpa_types import Unavailable
from mlsystem.capacity.explain.quantity import quantity
from mlsystem.capacity.trace_rows import MOST_PROBLEMS, Problem, moment, number

HINT: Final = "a header such as `time,replicas,ready,cpu` and rows such as `2026-03-01T00:00:00Z,4,3,82`"
COUNTS: Final = ("existing", "ready", "unready", "missing")
NULLS: Final = ("null", "nan", "none")

Cell: TypeAlias = float | Unavailable | None
"""None: the query has no series."""


@dataclass(frozen=True)
class Row:
    """`cells` in the order of the metrics."""

    line: int
    time: float
    replicas: int
    existing: int
    ready: int
    unready: int
    missing: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class History:
    """In order, at least one row; `absolute`: times are seconds since 1970."""

    rows: tuple[Row, ...]
    absolute: bool

    @property
    def start(self) -> float:
        return self.rows[0].time


def read_history(text: str, metrics: Sequence[str]) -> tuple[History | None, tuple[Problem, ...]]:
    """The history of these metrics, or None beside what is wrong (at most ten problems); else what is only odd."""
    lines = csv.reader(text.splitlines())
    header = [name.strip() for name in next(lines, [])]
    problems = list(header_problems(header, metrics))
    if problems:
        return None, tuple(problems)
    rows: list[Row] = []
    for line, cells in enumerate(lines, start=2):
        if any(cell.strip() for cell in cells):
            found = row(line, dict(zip(header, map(str.strip, cells), strict=False)), metrics)
            if isinstance(found, Row):
                rows.append(found)
            else:
                problems += found
    problems += [
        Problem(later.line, "the time is not after the row before", "rows stand in order, each time once")
        for earlier, later in pairwise(rows)
        if later.time <= earlier.time
    ]
    if not problems and not rows:
        problems = [Problem(1, "there are no rows below the header", HINT)]
    if problems:
        return None, tuple(sorted(problems, key=lambda one: one.line)[:MOST_PROBLEMS])
    return History(tuple(rows), rows[0].time > 1e8), tuple(unused(header, metrics))


def header_problems(header: list[str], metrics: Sequence[str]) -> Iterator[Problem]:
    missing = [name for name in ("time", "replicas", *metrics) if name not in header]
    if missing:
        found = ", ".join(f"`{name}`" for name in header) or "nothing"
        names = " and ".join(f"`{name}`" for name in missing)
        yield Problem(1, f"the first line does not name {names}; it has {found}", HINT)


def unused(header: list[str], metrics: Sequence[str]) -> Iterator[Problem]:
    for name in header:
        if name not in ("time", "replicas", *COUNTS, *metrics):
            yield Problem(1, f"the column `{name}` is of no metric of the autoscaler", warning=True)


def row(line: int, values: dict[str, str], metrics: Sequence[str]) -> Row | list[Problem]:
    problems: list[Problem] = []
    time = moment(values.get("time", ""))
    if time is None:
        problems.append(Problem(line, f"`{values.get('time', '')}` is neither seconds nor a moment", HINT))
    counts = {name: whole(values.get(name, "")) for name in ("replicas", *COUNTS)}
    for name, count in counts.items():
        if count is None and (values.get(name) or name == "replicas"):
            problems.append(Problem(line, f"`{name}` is `{values.get(name, '')}`, not a whole number of 0 or more"))
    cells = []
    for name in metrics:
        found = cell(values.get(name, ""))
        if isinstance(found, Problem):
            problems.append(Problem(line, f"`{name}` is {found.message}", found.help))
        else:
            cells.append(found)
    if problems or time is None or (replicas := counts["replicas"]) is None:
        return problems
    existing = replicas if (there := counts["existing"]) is None else there
    missing, ready, unready = counts["missing"] or 0, counts["ready"], counts["unready"]
    if ready is None:
        ready = max(0, existing - missing - (unready or 0))
    unready = max(0, existing - missing - ready) if unready is None else unready
    return Row(line, time, replicas, existing, ready, unready, missing, tuple(cells))


def whole(text: str) -> int | None:
    value = number(text)
    return int(value) if value is not None and value == int(value) else None


def cell(text: str) -> Cell | Problem:
    """A trailing % is of no meaning."""
    if not text:
        return Unavailable()
    if text.lower() in NULLS:
        return None
    value = quantity(text.removesuffix("%"))
    if value is None or value < 0:
        return Problem(0, f"`{text}`, not a quantity of 0 or more", "leave it empty where it could not be read")
    return float(value)
