"""The rows of recorded traffic, a CSV file with a header, and what is wrong with them. Needs no numpy.

`time` is seconds (a number) or an ISO 8601 moment; beside it stands `rps`, requests a second from that moment to the
next row's, or `requests`, how many came in that time. The last row lasts as long as the one before.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

HINT = "a header `time,rps` (or `time,requests`) and rows such as `0,41.5` or `2026-03-01T00:00:00Z,41.5`"
MOST_PROBLEMS = 10
LONGEST = 366 * 86_400
SILENCE = 600


@dataclass(frozen=True)
class Problem:
    """What is wrong in line `line`, from 1. A warning leaves the trace usable."""

    line: int
    message: str
    help: str | None = None
    warning: bool = False


@dataclass(frozen=True)
class Row:
    line: int
    time: float
    value: float


@dataclass(frozen=True)
class Rows:
    """`counts`: a value is how many requests came until the next row, not how many a second."""

    rows: tuple[Row, ...]
    counts: bool
    problems: tuple[Problem, ...]

    @property
    def usable(self) -> bool:
        return all(problem.warning for problem in self.problems)


def read_rows(text: str) -> Rows:
    """What the file says; where there are errors among the `problems` (at most ten) there is no trace in it."""
    lines = csv.reader(text.splitlines())
    try:
        return _read(lines)
    except csv.Error as error:  # a quote that nothing closes makes one cell of all that follows
        return Rows((), False, (Problem(max(1, lines.line_num), f"this is no CSV: {error}", HINT),))


def _read(lines: Iterator[list[str]]) -> Rows:
    header = [name.strip().lower() for name in next(lines, [])]
    if problem := _header_problem(header):
        return Rows((), False, (problem,))
    kind = next(name for name in ("rps", "requests") if name in header)
    rows, problems = _rows(lines, header.index("time"), header.index(kind))
    problems += _order_problems(rows)
    if not problems and len(rows) < 2:
        problems = [Problem(1, f"a trace needs at least two rows; this one has {len(rows)}", HINT)]
    if not problems and rows[-1].time - rows[0].time > LONGEST:
        problems = [Problem(rows[-1].line, "the trace is longer than a year", "cut it")]
    if not problems and not any(row.value for row in rows):
        problems = [Problem(rows[0].line, "there are no requests in the trace", HINT)]
    problems = problems or list(_silences(rows))
    return Rows(tuple(rows), kind == "requests", tuple(sorted(problems, key=lambda one: one.line)[:MOST_PROBLEMS]))


def _header_problem(header: list[str]) -> Problem | None:
    if "time" in header and len({"rps", "requests"} & set(header)) == 1:
        return None
    found = ", ".join(f"`{name}`" for name in header) or "nothing"
    return Problem(1, f"the first line should name `time` and one of `rps` and `requests`; it has {found}", HINT)


def _rows(lines: Iterator[list[str]], time_at: int, value_at: int) -> tuple[list[Row], list[Problem]]:
    rows: list[Row] = []
    problems: list[Problem] = []
    for line, cells in enumerate(lines, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) <= max(time_at, value_at):
            problems.append(Problem(line, f"the row has {len(cells)} of {max(time_at, value_at) + 1} columns"))
            continue
        time, value = moment(cells[time_at].strip()), number(cells[value_at].strip())
        if time is None:
            problems.append(Problem(line, f"`{cells[time_at]}` is neither seconds nor a moment", HINT))
        if value is None:
            problems.append(Problem(line, f"`{cells[value_at]}` is not a number of 0 or more"))
        if time is not None and value is not None:
            rows.append(Row(line, time, value))
    return rows, problems


def number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0.0 else None


def moment(text: str) -> float | None:
    if (seconds := number(text)) is not None:
        return seconds
    try:
        return datetime.fromisoformat(text).timestamp() if _has_zone(text) else None
    except ValueError:
        return None


def _has_zone(text: str) -> bool:
    """Without one the same file would mean other moments on another machine."""
    return datetime.fromisoformat(text).tzinfo is not None


def _order_problems(rows: list[Row]) -> list[Problem]:
    return [
        Problem(later.line, "the time is not after the row before", "rows stand in order, each time once")
        for earlier, later in pairwise(rows)
        if later.time <= earlier.time
    ]


def _silences(rows: list[Row]) -> Iterator[Problem]:
    """A long stretch of nothing inside a recording is often one that failed; the traffic after it is no flash crowd."""
    since: Row | None = None
    for row in rows:
        if row.value == 0.0:
            since = since or row
        elif since is not None:
            if since is not rows[0] and row.time - since.time >= SILENCE:
                minutes = round((row.time - since.time) / 60)
                yield Problem(
                    since.line, f"for {minutes} minutes there are no requests",
                    "cut the gap out if the recording failed there: what follows looks like a flash crowd",
                    warning=True,
                )  # fmt: skip
            since = None
