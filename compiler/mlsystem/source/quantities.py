"""Quantities as they are written (`50ms`, `15%`, `8Gi`, `300rps`, `1/month`, `$20`, `$400/month`) and what they mean.

Canonical: durations in int microseconds, shares in float fractions, sizes in int bytes, rates in float per second,
frequencies in float per month (of 30 days), money in float dollars, costs in float dollars per month.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

MICROSECONDS: dict[str, int] = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
BYTES: dict[str, int] = {
    "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip
PER_MONTH: dict[str, float] = {"hour": 720.0, "day": 30.0, "week": 30 / 7, "month": 1.0, "year": 30 / 365}
LONGEST = 100 * 365 * MICROSECONDS["d"]

_NUMBER = r"([0-9]{1,15}(?:\.[0-9]{1,9})?)"
_AMOUNT = r"\$?\s*([0-9]{1,3}(?:,?[0-9]{3}){0,4}(?:\.[0-9]{1,9})?)\s*(?:\$|USD)?(?:\s*(?:/|per)\s*(?:month|mo))?"
"""An amount of money as people write it elsewhere."""
_UNIT_WORDS = {
    "us": "us", "usec": "us", "ms": "ms", "msec": "ms", "s": "s", "sec": "s", "second": "s", "m": "m", "min": "m",
    "minute": "m", "h": "h", "hr": "h", "hour": "h", "d": "d", "day": "d", "w": "w", "wk": "w", "week": "w",
}  # fmt: skip


class QuantityError(ValueError):
    """The text is not a quantity of this kind; `hint` says what to write."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class QuantityKind(NamedTuple):
    """`units` says for people what may be written; `pattern` is a regular expression for editors."""

    name: str
    noun: str
    units: str
    example: str
    pattern: str
    read: Callable[[str], float | int | None]

    def parse(self, value: Any) -> float | int:
        """Raises QuantityError; a number without a unit is one."""
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise QuantityError(
                f"expected {self.noun} such as {self.example}", f"write it as text, for example {self.example}"
            )
        if not isinstance(value, str):
            raise QuantityError(f"{value} has no unit; expected {self.noun}", self._with_unit(f"{value}"))
        parsed = self.read(value.strip())
        if parsed is None:
            raise QuantityError(f"'{value}' is not {self.noun}", self._repair(value))
        return parsed

    def _repair(self, value: str) -> str:
        if re.fullmatch(_NUMBER, value.strip()):
            return self._with_unit(value.strip())
        if self.name in ("money", "cost") and (match := re.fullmatch(_AMOUNT, value.strip())):
            return f"did you mean '{self._amount(match[1].replace(',', ''))}'?"
        match = re.fullmatch(_NUMBER + r"\s*([A-Za-z]+?)s?", value.strip())
        if self.name == "duration" and match and (unit := _UNIT_WORDS.get(match[2].lower())):
            return f"did you mean '{match[1]}{unit}'?"
        return f"{self.units}, for example {self.example}"

    def _with_unit(self, number: str) -> str:
        if self.name in ("money", "cost"):
            return f"write the unit, for example {self._amount(number)}"
        if self.name == "share":
            return f"write the unit, for example {number}%"
        return f"write the unit ({self.units}), for example {self.example}"

    def _amount(self, number: str) -> str:
        return f"${number}/month" if self.name == "cost" else f"${number}"


def _duration(text: str) -> int | None:
    match = re.fullmatch(_NUMBER + r"(us|ms|s|m|h|d|w)", text)
    if match is None:
        return None
    value = round(float(match[1]) * MICROSECONDS[match[2]])
    return value if 0 < value <= LONGEST else None


def _share(text: str) -> float | None:
    match = re.fullmatch(_NUMBER + "%", text)
    value = round(float(match[1]) / 100, 12) if match else None
    return value if value is not None and value <= 1 else None


def _size(text: str) -> int | None:
    match = re.fullmatch(_NUMBER + r"(Ki|Mi|Gi|Ti|k|M|G|T)", text)
    return round(float(match[1]) * BYTES[match[2]]) if match else None


def _rate(text: str) -> float | None:
    match = re.fullmatch(_NUMBER + "rps", text)
    return float(match[1]) if match else None


def _frequency(text: str) -> float | None:
    match = re.fullmatch(_NUMBER + "/(hour|day|week|month|year)", text)
    return float(match[1]) * PER_MONTH[match[2]] if match else None


def _money(text: str) -> float | None:
    match = re.fullmatch(r"\$" + _NUMBER, text)
    return float(match[1]) if match else None


def _cost(text: str) -> float | None:
    match = re.fullmatch(r"\$" + _NUMBER + "/month", text)
    return float(match[1]) if match else None


DURATION = QuantityKind(
    "duration", "a duration", "us, ms, s, m, h, d or w", "6h", r"^\d+(\.\d+)?(us|ms|s|m|h|d|w)$", _duration
)
SHARE = QuantityKind(
    "share", "a percentage up to 100%", "a number and %", "15%", r"^0*(\d{1,2}(\.\d+)?|100(\.0+)?)%$", _share
)
SIZE = QuantityKind(
    "size", "a size", "Ki, Mi, Gi, Ti, or k, M, G, T", "8Gi", r"^\d+(\.\d+)?(Ki|Mi|Gi|Ti|k|M|G|T)$", _size
)
RATE = QuantityKind("rate", "a rate", "requests per second: rps", "300rps", r"^\d+(\.\d+)?rps$", _rate)
FREQUENCY = QuantityKind(
    "frequency", "a frequency", "per hour, day, week, month or year", "1/month",
    r"^\d+(\.\d+)?/(hour|day|week|month|year)$", _frequency,
)  # fmt: skip
MONEY = QuantityKind("money", "an amount of money", "US dollars: $", "$20", r"^\$\d+(\.\d+)?$", _money)
COST = QuantityKind(
    "cost", "an amount of money per month", "US dollars a month: $ and /month", "$400/month",
    r"^\$\d+(\.\d+)?/month$", _cost,
)  # fmt: skip

KINDS: dict[str, QuantityKind] = {kind.name: kind for kind in (DURATION, SHARE, SIZE, RATE, FREQUENCY, MONEY, COST)}
