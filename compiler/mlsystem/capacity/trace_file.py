"""Recorded traffic as a trace: requests expected in each second."""

from __future__ import annotations

import math

import numpy as np

from mlsystem.capacity.trace_rows import Problem, Row, read_rows
from mlsystem.capacity.traffic import Trace


def read_trace(text: str) -> tuple[Trace | None, tuple[Problem, ...]]:
    """The trace, or None beside the problems that make it unusable."""
    found = read_rows(text)
    return _trace(found.rows, found.counts) if found.usable else None, found.problems


def _trace(rows: tuple[Row, ...], counts: bool) -> Trace:
    """Rows of less than a second and between whole seconds are spread: a second has what falls into it."""
    moments = np.array([row.time - rows[0].time for row in rows])
    steps = np.append(np.diff(moments), moments[-1] - moments[-2])
    values = np.array([row.value for row in rows])
    requests = values if counts else values * steps
    ends = np.append(moments, moments[-1] + steps[-1])
    seconds = np.arange(max(1, math.floor(ends[-1])) + 1)
    expected = np.interp(seconds, ends, np.append(0.0, np.cumsum(requests)))
    return Trace(np.diff(expected))
