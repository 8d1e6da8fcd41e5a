"""One JSON line on stderr per request: which one it was, how it ended and how long it took. Never a body or a header.

Failures of the server (5xx) are always told, some of each kind a second, but for probes; other requests only where that
was asked for.
Lines wait in memory for at most a second, and another thread writes them: a slow reader of stderr delays nobody.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice

import msgspec

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.names import LIVE, READY
from mlsystem_runtime.serve.http import Answered, Request, Response

PROBES = (LIVE, READY)   # asked all the time, and a server that is not ready says why by itself
MOST_ALIKE = 10          # in a second, of one path and status, where only failures are told: a flood hides no other
MOST_WAITING = 20_000
WHOLE = 4096             # bytes that a pipe takes at once: lines of several workers do not mix


class AccessLine(Struct, omit_defaults=True):
    """`path` is the pattern that answers, "" where none does: what a client made up is never here. `time` is when the
    answer was given. `suppressed` counts those of the same second that there was no room for: where only failures are
    told, those of its path and status."""

    time: str
    request_id: str
    method: str
    path: str
    status: int
    milliseconds: float
    bytes: int
    model: str | None = None
    version: int | None = None
    suppressed: int = 0


Waiting = tuple[float, float, str, str, str, int, int, Answered | None]
Kind = tuple[str, int] | None
Taken = tuple[list[Waiting], Counter[Kind]]


def to_stderr(data: bytes) -> None:
    """Nobody reads it any more where that fails, and there is no other place to say so."""
    with contextlib.suppress(OSError):
        os.write(sys.stderr.fileno(), data)


class AccessLog:
    """`everything` tells of all requests, not of failures alone. `write` may wait for long; `add` never does."""

    def __init__(self, everything: bool = False, write: Callable[[bytes], None] = to_stderr) -> None:
        self.everything = everything
        self._write = write
        self._waiting: list[Waiting] = []
        self._most = MOST_WAITING if everything else MOST_ALIKE
        self._alike: Counter[Kind] = Counter()

    def add(self, request: Request, pattern: str, response: Response) -> None:
        """A request that was answered just now."""
        if not self.everything and (response.status < 500 or pattern in PROBES):
            return
        kind = self._kind(pattern, response.status)
        self._alike[kind] += 1
        if self._alike[kind] > self._most:
            return
        self._waiting.append((
            time.time(), time.monotonic() - request.started, request.id, request.method, pattern, response.status,
            len(response.body), response.answered,
        ))

    def take(self) -> Taken:
        """What waits and how many there were of each kind, which wait no longer. `write` them, on another thread."""
        taken = self._waiting, self._alike
        self._waiting, self._alike = [], Counter()
        return taken

    def write(self, taken: Taken) -> None:
        waiting, alike = taken
        lines = [line_of(*one) for one in waiting]
        last = {self._kind(line.path, line.status): place for place, line in enumerate(lines)}
        for kind, place in last.items():
            suppressed = max(0, alike[kind] - self._most)
            lines[place] = msgspec.structs.replace(lines[place], suppressed=suppressed)
        for part in parts(msgspec.json.encode(line) + b"\n" for line in lines):
            self._write(part)

    def _kind(self, pattern: str, status: int) -> Kind:
        """Of those that share the room for `_most` lines a second."""
        return None if self.everything else (pattern, status)


def line_of(
    at: float, seconds: float, request_id: str, method: str, pattern: str, status: int, size: int,
    answered: Answered | None,
) -> AccessLine:
    return AccessLine(
        time=datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        request_id=request_id, method=method, path=pattern, status=status,
        milliseconds=round(seconds * 1e3, 3), bytes=size,
        model=None if answered is None else answered.model, version=None if answered is None else answered.version,
    )


def parts(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Whole lines together, as many as fit into WHOLE."""
    held = b"".join(islice(lines, 1))
    for line in lines:
        if len(held) + len(line) > WHOLE:
            yield held
            held = b""
        held += line
    if held:
        yield held
