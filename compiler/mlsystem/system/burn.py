"""How fast the error budget of an objective may be spent before somebody is told. All numbers are exact.

Several windows and several burn rates, after chapter 5 of Google's Site Reliability Workbook: for a period of 30 days
14.4, 6, 3 and 1 times the rate at which the budget would just last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

MINUTE_US = 60_000_000


@dataclass(frozen=True)
class Windows:
    """In minutes. When this share of a period's `budget` is spent within the long one, it is said, while the short one
    shows that it goes on."""

    severity: Literal["critical", "warning"]
    budget: Fraction
    long: int
    short: int


WINDOWS = (
    Windows("critical", Fraction(2, 100), 60, 5),
    Windows("critical", Fraction(5, 100), 6 * 60, 30),
    Windows("warning", Fraction(10, 100), 24 * 60, 2 * 60),
    Windows("warning", Fraction(10, 100), 3 * 24 * 60, 6 * 60),
)


@dataclass(frozen=True)
class Burn:
    """`factor`: how many times faster than it would just last. `threshold`: which share of requests is bad then."""

    windows: Windows
    factor: Fraction
    threshold: Fraction

    @property
    def can_fire(self) -> bool:
        """No more than all requests can be bad."""
        return self.threshold < 1

    def trips_at_one(self, per_second: float) -> bool:
        """Whether a single bad request is more than the threshold, where this many come."""
        return Fraction(str(per_second)) * self.windows.long * 60 * self.threshold < 1


def beyond(objective: float) -> Fraction:
    """The share that may be bad, exactly: 1 - 0.999 is 1/1000."""
    return 1 - Fraction(str(objective))


def burns(objective: float, period_us: int) -> Iterator[Burn]:
    """Those that a period has room for. A ticket is never for less than what spends the budget before its end."""
    for windows in WINDOWS:
        if has_room(windows, period_us):
            factor = max(windows.budget * period_us / (windows.long * MINUTE_US), Fraction(1))
            yield Burn(windows, factor, factor * beyond(objective))


def has_room(windows: Windows, period_us: int) -> bool:
    """A window is not longer than the period; nobody is woken by a rate at which the budget lasts."""
    long_us = windows.long * MINUTE_US
    return period_us >= long_us and (windows.severity == "warning" or windows.budget * period_us > long_us)
