"""Moments as people write and read them: seconds since a beginning, or ISO 8601."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from mlsystem.capacity.trace_rows import moment, number

Clock: TypeAlias = Callable[[float], str]
"""A time in words."""

DAY = 86_400
UNITS = {"d": DAY, "h": 3600, "m": 60, "s": 1}
HINT = "an offset such as 03:12, 03:12:30 or 2h5m, or a moment such as 2026-03-01T03:12:00Z"


def offset(text: str) -> float | None:
    """Seconds of `03:12` (hours and minutes), `03:12:30`, `2h5m` or `90`; None for what is none of them."""
    if clock := re.fullmatch(r"(\d+):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?", text):
        return int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3] or 0)
    parts = re.findall(r"(\d+(?:\.\d+)?)([dhms])", text)
    if parts and "".join(value + unit for value, unit in parts) == text:
        return sum(float(value) * UNITS[unit] for value, unit in parts)
    return number(text)


def absolute(text: str) -> float | None:
    """Seconds since 1970 of a moment with a zone; None for what is none."""
    return None if offset(text) is not None else moment(text)


def since_start(seconds: float) -> str:
    """`03:12:30`; days before it where there are any."""
    days, rest = divmod(round(seconds * 10) / 10, DAY)
    hours, minutes = divmod(int(rest) // 60, 60)
    second = f"{rest % 60:04.1f}".removesuffix(".0").rjust(2, "0")
    return f"{int(days)}d {hours:02}:{minutes:02}:{second}" if days else f"{hours:02}:{minutes:02}:{second}"


def in_utc(seconds: float) -> str:
    return datetime.fromtimestamp(round(seconds), UTC).isoformat().replace("+00:00", "Z")
