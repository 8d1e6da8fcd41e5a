"""Counters in a test of rules: for a long time all is well, then a constant share is bad, then all is well again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

AFTERWARDS = 400
"""Minutes that a test goes on: longer than any short window."""


@dataclass(frozen=True)
class Timeline:
    """In minutes; bad requests come in those after `history` up to and with `end`. So many requests come that each
    number is whole: of `share.denominator` hundred in a minute, `share.numerator` hundred are bad."""

    share: Fraction
    history: int
    end: int = 0

    def until(self, minutes: int) -> Timeline:
        return replace(self, end=self.history + minutes)

    @property
    def all(self) -> str:
        return values([(self._last, 100 * self.share.denominator)])

    @property
    def none(self) -> str:
        return values([(self._last, 0)])

    @property
    def bad(self) -> str:
        return values(self._parts(0, 100 * self.share.numerator, 0))

    @property
    def good(self) -> str:
        every = 100 * self.share.denominator
        return values(self._parts(every, every - 100 * self.share.numerator, every))

    @property
    def _last(self) -> int:
        return (self.end or self.history) + AFTERWARDS

    def _parts(self, before: int, during: int, after: int) -> list[tuple[int, int]]:
        """Without an end what is bad goes on being so."""
        end = self.end or self._last
        return [(self.history, before), (end, during), (self._last, after)]


def values(parts: list[tuple[int, int]]) -> str:
    """A counter from 0 as promtool reads it, of (until which minute, how much it grows in each)."""
    written: list[str] = []
    minute = total = 0
    for until, step in parts:
        if until > minute or not written:
            first = total if not written else total + step
            steps = until - minute - (1 if written else 0)
            written.append(f"{first}+{step}x{steps}")
            total, minute = first + step * steps, until
    return " ".join(written)


def shown_share(share: Fraction) -> str:
    """As Prometheus' humanizePercentage shows it."""
    return f"{float(share * 100):.4g}%"
