"""Local time in SQL, from the same table of offsets as online.

A zone has up to a thousand changes of its offset. Time is cut into buckets; a list says how many changes lie before
each bucket, and the few within it are compared one by one. The lists are constants, folded once a query.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from sqlglot import exp

from mlsystem_runtime.contract.expressions.time_literals import FIRST_US, LAST_US
from mlsystem_runtime.features.expressions.pieces_sql import binary, call, cast, integer, when
from mlsystem_runtime.features.expressions.zones import CYCLE, SECOND, Zone, zone

BUCKET = 90 * 86_400  # seconds

PARTS: dict[str, Callable[[exp.Expression], exp.Expression]] = {
    "year": lambda local: call("YEAR", local),
    "quarter": lambda local: call("QUARTER", local),
    "month": lambda local: call("MONTH", local),
    "day": lambda local: call("DAY", local),
    "dayofyear": lambda local: call("DAYOFYEAR", local),
    "dayofweek": lambda local: call("ISODOW", local),
    "hour": lambda local: call("HOUR", local),
    "minute": lambda local: call("MINUTE", local),
}


@dataclass(frozen=True)
class Buckets:
    """Changes of the offset in seconds since `start_us`, how many come before each bucket, at most how many in one."""

    start_us: int
    changes: tuple[int, ...]
    before: tuple[int, ...]
    most: int


def local_time(instant: exp.Expression, name: str) -> exp.Expression:
    """The TIMESTAMP that the clocks of zone `name` show at `instant` (BIGINT, evaluated several times).

    Null where the instant or the local time lies outside of the years 1..9999.
    """
    found = zone(name)
    first = max(FIRST_US, FIRST_US - found.offsets[0])
    last = min(LAST_US, 2 * LAST_US - found.local(LAST_US))
    inside = exp.Between(this=exp.Paren(this=instant), low=integer(first), high=integer(last))
    instant = when((inside, instant.copy()))
    return call("MAKE_TIMESTAMP", binary(exp.Add, instant, _offset(instant, found, name)))


def _offset(instant: exp.Expression, found: Zone, name: str) -> exp.Expression:
    if not found.instants:
        return integer(found.offsets[0])
    buckets = _buckets(name)
    second = _second(instant, found, buckets)
    before = _at(buckets.before, binary(exp.IntDiv, second, integer(BUCKET)))
    changes = before
    for place in range(buckets.most):
        change = _at((*buckets.changes, *[2**60] * buckets.most), binary(exp.Add, before, integer(place)))
        changes = binary(exp.Add, changes, cast(binary(exp.GTE, second, change), "BIGINT"))
    return _at(found.offsets, changes)


def _second(instant: exp.Expression, found: Zone, buckets: Buckets) -> exp.Expression:
    """Whole seconds from the start of the table, at its ends or in its cycle where the instant lies outside."""
    place = call("GREATEST", instant, integer(buckets.start_us))
    if found.cycle_from is None:
        place = call("LEAST", place, integer(found.instants[-1]))
    else:
        beyond = call("GREATEST", binary(exp.Sub, instant, integer(found.cycle_from)), integer(0))
        place = binary(
            exp.Add, call("LEAST", place, integer(found.cycle_from)), binary(exp.Mod, beyond, integer(CYCLE))
        )
    return binary(exp.IntDiv, binary(exp.Sub, place, integer(buckets.start_us)), integer(SECOND))


@cache
def _buckets(name: str) -> Buckets:
    found = zone(name)
    start = found.instants[0] - SECOND
    changes = tuple((instant - start) // SECOND for instant in found.instants)
    end = changes[-1] if found.cycle_from is None else (found.cycle_from + CYCLE - start) // SECOND
    before = [bisect_right(changes, edge) for edge in range(0, end + 2 * BUCKET, BUCKET)]
    most = max(after - one for one, after in pairwise(before))
    return Buckets(start, changes, tuple(before), most)


def _at(values: Sequence[int], place: exp.Expression) -> exp.Expression:
    """Element `place` (from 0) of a constant list."""
    listed = exp.Literal.string("[" + ",".join(map(str, values)) + "]")
    return call("LIST_EXTRACT", cast(listed, "BIGINT[]"), binary(exp.Add, place, integer(1)))
