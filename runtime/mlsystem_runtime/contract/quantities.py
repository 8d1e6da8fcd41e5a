"""Exact quantities as people write them: 86400000000 µs is `1d`."""

from __future__ import annotations

UNITS = (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000), ("us", 1))


def duration(microseconds: int | None) -> str | None:
    """The largest unit that divides it; two values are equal exactly if their texts are."""
    if microseconds is None:
        return None
    if microseconds == 0:
        return "0s"
    return next(f"{microseconds // size}{unit}" for unit, size in UNITS if microseconds % size == 0)


def percent(fraction: float | None) -> str | None:
    return None if fraction is None else f"{round(fraction * 100, 10):g}%"
