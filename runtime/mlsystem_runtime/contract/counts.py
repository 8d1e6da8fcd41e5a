"""What a server counts of every request, for the monitor to add up: where values fell on a grid, and how fast it was.

Counts are integers per cell of a grid that was frozen at training, so files of several processes, hours and days
merge by addition, exactly and in any order. No values of requests are kept.
"""

from __future__ import annotations

from mlsystem_runtime.contract.base import Struct

FORMAT = 1
HOUR_US = 3_600_000_000


class DriftCounts(Struct):
    """`counts/MODEL/PROCESS.NUMBER.json`: one hour of one version as one process saw it, on the environment's clock.

    `grid` is the digest of the version's `Reference`. `inputs` and `predictions` hold, by column, cell → count
    without zeros. Cells of a numeric column are those of its profile, then null; of a categorical one its categories,
    other, null.
    """

    format: int
    model: str
    version: int
    grid: str
    hour_us: int
    rows: int
    inputs: dict[str, dict[int, int]]
    predictions: dict[str, dict[int, int]]


class ServedHour(Struct):
    """`valid`: all but 4xx and what the client cancelled. `answered`: 200. `fast`: answered within the threshold."""

    valid: int
    answered: int
    fast: int


class SliCounts(Struct):
    """`counts/MODEL/PROCESS.sli.json`: the service level of one process, by hour of wall time, beside its objective."""

    format: int
    model: str
    latency_us: int | None
    objective: float | None
    availability: float | None
    window_us: int
    hours: dict[int, ServedHour]
