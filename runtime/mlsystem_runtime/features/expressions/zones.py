"""Time zones as tables of offsets, read from the package tzdata: one database for every evaluator.

DuckDB carries a copy of the tz database of its own, of another age; a zone whose rules changed in between would have
another local time offline than online. The format of the files is RFC 8536.
"""

from __future__ import annotations

import importlib.resources
import io
import struct
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from mlsystem_runtime.contract.errors import MlsystemError

SECOND = 1_000_000
CYCLE = 146_097 * 86_400 * SECOND  # 400 years: the Gregorian calendar, week days included, repeats
_HEADER = struct.Struct(">4s c 15x 6l")
_STEP = 7 * 86_400  # yearly rules change the offset at most once a week
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Zone:
    """All in microseconds. `offsets[i]` holds from `instants[i - 1]` until before `instants[i]`.

    From `cycle_from` on, where it is not None, offsets repeat every `CYCLE`, and `instants` covers the first one.
    """

    instants: tuple[int, ...]
    offsets: tuple[int, ...]
    cycle_from: int | None

    def local(self, instant: int) -> int:
        """Microseconds since 1970-01-01T00:00 as the clocks of the zone show them at `instant` (UTC)."""
        place = instant
        if self.cycle_from is not None and instant >= self.cycle_from:
            place = self.cycle_from + (instant - self.cycle_from) % CYCLE
        return instant + self.offsets[bisect_right(self.instants, place)]


@cache
def zone(name: str) -> Zone:
    """The zone `name`; MlsystemError if the tz database has none."""
    content = _content(name)
    info = ZoneInfo.from_file(io.BytesIO(content), key=name)
    instants, offsets, footer = _explicit(content)
    offsets = [_offset(info, -60_000_000_000), *offsets]  # the year 68, before all clocks
    if "," not in footer:
        return _zone(instants, offsets, None)
    start = instants[-1] if instants else -60_000_000_000
    for instant, offset in _yearly(info, start):
        instants.append(instant)
        offsets.append(offset)
    return _zone(instants, offsets, start * SECOND)


def _zone(instants: list[int], offsets: list[int], cycle_from: int | None) -> Zone:
    return Zone(tuple(one * SECOND for one in instants), tuple(one * SECOND for one in offsets), cycle_from)


def _content(name: str) -> bytes:
    file = importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    if not file.is_file():
        raise MlsystemError(
            f"the tz database has no time zone '{name}'", "install a newer tzdata, or write another name"
        )
    return file.read_bytes()


def _explicit(content: bytes) -> tuple[list[int], list[int], str]:
    """The transitions in a TZif file of version 2 or later (seconds), the offsets after them, and the footer."""
    _, _, *counts = _HEADER.unpack_from(content)
    skipped = _HEADER.size + _size(counts, 4)
    magic, version, *counts = _HEADER.unpack_from(content, skipped)
    assert magic == b"TZif", "the tz database is of another format"
    assert version >= b"2", "the tz database is of another version"
    _, _, _, times, types, _ = counts
    start = skipped + _HEADER.size
    instants = list(struct.unpack_from(f">{times}q", content, start))
    kinds = content[start + 8 * times : start + 9 * times]
    seconds = [struct.unpack_from(">l", content, start + 9 * times + 6 * kind)[0] for kind in range(types)]
    footer = content[skipped + _HEADER.size + _size(counts, 8) :].decode("ascii").strip("\n")
    return instants, [seconds[kind] for kind in kinds], footer


def _size(counts: list[int], word: int) -> int:
    """The length of a data block whose times have `word` bytes."""
    ut, standard, leaps, times, types, characters = counts
    return times * (word + 1) + types * 6 + characters + leaps * (word + 4) + standard + ut


def _yearly(info: ZoneInfo, start: int) -> list[tuple[int, int]]:
    """Every change of the offset in the cycle after `start`, as (second, offset from then on)."""
    found = []
    low, before = start, _offset(info, start)
    while low < start + CYCLE // SECOND:
        high = low + _STEP
        after = _offset(info, high)
        if after != before:
            found.append((_change(info, low, high, before), after))
        low, before = high, after
    return found


def _change(info: ZoneInfo, low: int, high: int, before: int) -> int:
    """The first second in (low, high] whose offset is not `before`."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(info, middle) == before else (low, middle)
    return high


def _offset(info: ZoneInfo, second: int) -> int:
    offset = (_EPOCH + timedelta(seconds=second)).astimezone(info).utcoffset()
    assert offset is not None
    return offset // timedelta(seconds=1)
