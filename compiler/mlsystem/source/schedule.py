"""Schedules as cron writes them: minute, hour, day of the month, month, day of the week."""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction

RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_NUMBER = "([0-9]{1,2})"
_PART = re.compile(rf"(\*|{_NUMBER}(?:-{_NUMBER})?)(?:/{_NUMBER})?")


def is_schedule(text: str) -> bool:
    """Five fields of numbers, `*`, ranges, lists and steps, each within its bounds, that some day fits."""
    fields = text.split()
    if len(fields) != len(RANGES):
        return False
    values = [_values(field, low, high) for field, (low, high) in zip(fields, RANGES, strict=True)]
    return all(values) and (fields[4] != "*" or any(min(values[2]) <= LONGEST_MONTHS[month - 1] for month in values[3]))


def _values(field: str, low: int, high: int) -> set[int]:
    """What a field stands for; nothing where it is not one."""
    found: set[int] = set()
    for part in field.split(","):
        values = _part_values(part, low, high)
        if not values:
            return set()
        found |= values
    return found


def _part_values(part: str, low: int, high: int) -> set[int]:
    match = _PART.fullmatch(part)
    if match is None:
        return set()
    whole, first, last, every = match.groups()
    if whole == "*":
        start, end = low, high
    else:
        start = int(first)
        end = int(last) if last else high if every else start
    step = int(every) if every else 1
    return set(range(start, end + 1, step)) if step > 0 and low <= start <= end <= high else set()


CYCLE = (date(2001, 1, 1), date(2029, 1, 1))
"""Twenty-eight years, after which weekdays fall on the same dates again."""
MONTHS_OF_A_CYCLE = 28 * 12


def runs_a_month(schedule: str) -> Fraction:
    """How often it comes, on average. As cron has it, of day and weekday one is enough where both are named."""
    minutes, hours, days, months, weekdays = (
        _values(field, low, high) for field, (low, high) in zip(schedule.split(), RANGES, strict=True)
    )
    either = schedule.split()[2] != "*" and schedule.split()[4] != "*"
    fitting = 0
    for ordinal in range(CYCLE[0].toordinal(), CYCLE[1].toordinal()):
        day = date.fromordinal(ordinal)
        matches = (day.day in days, day.isoweekday() % 7 in weekdays)
        fitting += day.month in months and (any(matches) if either else all(matches))
    return Fraction(fitting * len(hours) * len(minutes), MONTHS_OF_A_CYCLE)
