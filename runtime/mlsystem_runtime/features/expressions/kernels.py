"""What each operation computes from values that are not null, in Python. None where there is no result."""

from __future__ import annotations

import math
import operator
import string
from collections.abc import Callable
from datetime import date
from typing import Any

from mlsystem_runtime.contract.expressions.time_literals import FIRST_US, LAST_US
from mlsystem_runtime.features.expressions.zones import zone

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_DAYS_BEFORE_1970 = date(1970, 1, 1).toordinal()
_WHOLE = 2.0**52  # from here on every float is a whole number
_LEAST_INT, _GREATEST_INT = -(2**63), 2**63 - 1
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_UPPER = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)


def _int(operation: Callable[..., int]) -> Callable[..., int | None]:
    """Null outside of int64."""

    def kernel(*values: int) -> int | None:
        result = operation(*values)
        return result if _LEAST_INT <= result <= _GREATEST_INT else None

    return kernel


def _float(operation: Callable[..., float]) -> Callable[..., float | None]:
    """Null where the result is not finite or the operation has none."""

    def kernel(*values: float) -> float | None:
        try:
            result = operation(*values)
        except (OverflowError, ValueError, ZeroDivisionError):
            return None
        return result if math.isfinite(result) else None

    return kernel


def _modulo_int(left: int, right: int) -> int | None:
    """The remainder with the sign of `left`."""
    if right == 0:
        return None
    remainder = abs(left) % abs(right)
    return -remainder if left < 0 else remainder


def _floor(value: float) -> float:
    return value if abs(value) >= _WHOLE else float(math.floor(value))


def _ceil(value: float) -> float:
    return value if abs(value) >= _WHOLE else float(math.ceil(value))


def _round(value: float) -> float:
    """Halves go away from zero."""
    fraction, whole = math.modf(value)
    return whole + math.copysign(1.0, value) if abs(fraction) >= 0.5 else whole


def _int_float(value: float) -> int | None:
    return int(value) if -(2.0**63) <= value < 2.0**63 else None


def _same(value: Any) -> Any:
    return value


def _substr(text: str, start: int, count: int | None = None) -> str | None:
    if start < 1 or (count is not None and count < 0):
        return None
    return text[start - 1 :] if count is None else text[start - 1 : start - 1 + count]


def _since(unit: int) -> Callable[[int, int], float]:
    return lambda start, end: float(end - start) / unit


KERNELS: dict[str, Callable[..., Any]] = {
    "add_int": _int(operator.add),
    "subtract_int": _int(operator.sub),
    "multiply_int": _int(operator.mul),
    "modulo_int": _modulo_int,
    "negate_int": _int(operator.neg),
    "add_float": _float(operator.add),
    "subtract_float": _float(operator.sub),
    "multiply_float": _float(operator.mul),
    "divide": _float(operator.truediv),
    "modulo_float": _float(math.fmod),
    "negate_float": operator.neg,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "not": operator.not_,
    "abs_int": _int(abs),
    "abs_float": abs,
    "sign_int": lambda value: (value > 0) - (value < 0),
    "sign_float": lambda value: (value > 0) - (value < 0),
    "floor_int": _same,
    "floor_float": _floor,
    "ceil_int": _same,
    "ceil_float": _ceil,
    "round_int": _same,
    "round_float": _round,
    "sqrt": _float(math.sqrt),
    "ln": _float(math.log),
    "log2": _float(math.log2),
    "log10": _float(math.log10),
    "exp": _float(math.exp),
    "pow": _float(math.pow),
    "sin": math.sin,
    "cos": math.cos,
    "int_bool": int,
    "int_float": _int_float,
    "float_bool": float,
    "float_int": float,
    "lower": lambda text: text.translate(_LOWER),
    "upper": lambda text: text.translate(_UPPER),
    "length": len,
    "trim": lambda text: text.strip(" "),
    "substr": _substr,
    "concat": lambda *texts: "".join(texts),
    "contains": operator.contains,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "string_bool": lambda value: "true" if value else "false",
    "string_int": str,
    "epoch_seconds": lambda instant: float(instant) / 1_000_000,
    "seconds_between": _since(1_000_000),
    "minutes_between": _since(MINUTE),
    "hours_between": _since(HOUR),
    "days_between": _since(DAY),
}

CLOCK_PARTS: dict[str, Callable[[int], int]] = {
    "hour": lambda local: local // HOUR % 24,
    "minute": lambda local: local // MINUTE % 60,
    "dayofweek": lambda local: (local // DAY + 3) % 7 + 1,
}
DATE_PARTS: dict[str, Callable[[date], int]] = {
    "year": lambda day: day.year,
    "quarter": lambda day: (day.month + 2) // 3,
    "month": lambda day: day.month,
    "day": lambda day: day.day,
    "dayofyear": lambda day: day.toordinal() - date(day.year, 1, 1).toordinal() + 1,
}


def clock_part(name: str, zone_name: str) -> Callable[[int], int | None]:
    """Part `name` of the local time at an instant; null where the local year is not 1..9999."""
    local_time, part = zone(zone_name).local, CLOCK_PARTS[name]

    def kernel(instant: int) -> int | None:
        local = local_time(instant)
        return part(local) if FIRST_US <= local <= LAST_US else None

    return kernel


def date_part(name: str, zone_name: str) -> Callable[[int], int | None]:
    """Part `name` of the local date at an instant; null where the local year is not 1..9999."""
    local_time, part = zone(zone_name).local, DATE_PARTS[name]

    def kernel(instant: int) -> int | None:
        local = local_time(instant)
        return part(date.fromordinal(local // DAY + _DAYS_BEFORE_1970)) if FIRST_US <= local <= LAST_US else None

    return kernel
