"""The state of one entity in a latest group: for each part of its columns the rows that answer now or will later.

A state answers every q at or after its watermark: the row that answers at the watermark, and those that arrive after it
and then outrank all that came before. Packed as msgpack: parts → rows (greatest rank first) → time, available, values.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from mlsystem_runtime.contract.features import LatestGroup
from mlsystem_runtime.features.answer import Answer, answer_of
from mlsystem_runtime.features.layout import Knowledge, parts_of
from mlsystem_runtime.features.store import Packed

Entry = list[Any]
State = list[list[Entry]]

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(State).decode


class LatestReader:
    """Answers of a packed state, in the order of the group's columns, with the cause of each null."""

    def __init__(self, group: LatestGroup, knowledge: Knowledge) -> None:
        names = [feature.name for feature in group.columns]
        self._places = [[names.index(name) for name in part.names] for part in parts_of(group, knowledge)]
        self._size = len(names)
        self._ttl_us = math.inf if group.ttl_us is None else group.ttl_us

    def read(self, packed: Packed | None, at: int) -> Answer:
        values: list[Any] = [None] * self._size
        if packed is None:
            return answer_of(values, "unknown_key")
        causes: list[str | None] = ["unknown_key"] * self._size
        since, until = -math.inf, math.inf
        for places, entries in zip(self._places, decode(packed.body), strict=True):
            for time, available, *found in entries:
                arrives = max(time, available)
                if arrives > at:
                    until = min(until, arrives)  # then it outranks what answers now
                    continue
                last = time + self._ttl_us
                expired = at > last
                since = max(since, arrives, last + 1 if expired else arrives)
                until = until if expired else min(until, last + 1)
                for place, value in zip(places, found, strict=True):
                    values[place] = None if expired else value
                    causes[place] = "expired" if expired else "null_value" if value is None else None
                break
        return Answer(values, causes if None in values else None, since, until)
