"""Instants and time zones as they are written in expressions."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from mlsystem_runtime.contract.expressions.errors import did_you_mean

FIRST_US = -62_135_596_800_000_000  # 0001-01-01T00:00Z
LAST_US = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999Z

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+\-]*(/[A-Za-z0-9_+\-]+)*")
_NOT_PORTABLE = ("localtime", "posixrules", "Factory", "posix", "right")


def instant_us(text: str) -> int | None:
    """UTC microseconds of an ISO 8601 instant with Z or an offset; None where `text` is not one."""
    if not _INSTANT.fullmatch(text):
        return None
    head, dot, rest = text.partition(".")
    if dot:
        fraction = re.match("[0-9]*", rest)
        assert fraction is not None
        text = f"{head}.{fraction.group():0<6}{rest[fraction.end() :]}"
    try:
        us = (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None
    return us if FIRST_US <= us <= LAST_US else None


def zone_problem(name: str) -> tuple[str, str | None] | None:
    """What is wrong with the IANA time zone `name` and a hint; None where nothing is."""
    if _ZONE.fullmatch(name) and name.partition("/")[0] not in _NOT_PORTABLE and _exists(name):
        return None
    import zoneinfo  # weight: only an expression with a zone needs it

    hint = did_you_mean(name, zoneinfo.available_timezones())
    return f"there is no time zone '{name}'", hint or "zones are named as in 'America/New_York'"


def _exists(name: str) -> bool:
    import zoneinfo  # weight: only an expression with a zone needs it

    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError):
        return name == "UTC"
    return True
