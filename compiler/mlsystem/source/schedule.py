"""Schedules as cron writes them: minute, hour, day of the month, month, day of the week."""

from __future__ import annotations

import re

RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


def is_schedule(text: str) -> bool:
    """Five fields of numbers, `*`, ranges, lists and steps, each within its bounds."""
    fields = text.split()
    return len(fields) == len(RANGES) and all(_is_field(one, *ends) for one, ends in zip(fields, RANGES, strict=True))


def _is_field(field: str, low: int, high: int) -> bool:
    return all(_is_part(part, low, high) for part in field.split(","))


def _is_part(part: str, low: int, high: int) -> bool:
    match = re.fullmatch(r"(\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?", part)
    if match is None or match[4] == "0":
        return False
    first, last = (int(one) if one else low for one in (match[2], match[3] or match[2]))
    return low <= first <= last <= high
