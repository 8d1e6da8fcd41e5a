"""Periods as cron can say them: it knows parts of an hour, parts of a day, days and weeks, and nothing in between."""

from __future__ import annotations

from typing import NamedTuple

MINUTE_US = 60_000_000
HOURS, DAYS = 60, 24 * 60
MINUTES_OF_AN_HOUR = tuple(minutes for minutes in range(1, HOURS) if HOURS % minutes == 0)
HOURS_OF_A_DAY = tuple(hours for hours in range(1, 24) if 24 % hours == 0)
SHORTEST_US = MINUTE_US


class Period(NamedTuple):
    """`schedule` runs every `every_us`."""

    schedule: str
    every_us: int


PERIODS = (
    *(Period(f"*/{minutes} * * * *", minutes * MINUTE_US) for minutes in MINUTES_OF_AN_HOUR),
    *(Period(f"0 */{hours} * * *", hours * HOURS * MINUTE_US) for hours in HOURS_OF_A_DAY),
    Period("0 0 * * *", DAYS * MINUTE_US),
    Period("0 0 * * 0", 7 * DAYS * MINUTE_US),
)
"""Ascending, in UTC."""


def cron_period(every_us: int) -> Period | None:
    """The longest period of cron that is not longer, so that what was promised is kept; None below a minute."""
    return next((period for period in reversed(PERIODS) if period.every_us <= every_us), None)
