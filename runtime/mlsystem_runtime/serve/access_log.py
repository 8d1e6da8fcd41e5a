"""One JSON line on stderr per request: which one it was, how it ended and how long it took. Never a body or a header.

Failures of the server (5xx) are always told, a bounded number a second, but for probes; other requests only where that
was asked for.
Lines wait in memory for at most a second, and another thread writes them: a slow reader of stderr delays nobody.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice

import msgspec

from mlsystem_runtime.contract.base import Struct
from mlsystem_runtime.contract.names import LIVE, READY
from mlsystem_runtime.serve.http import Answered, Request, Response

PROBES = (LIVE, READY)   # asked all the time, and a server that is not ready says why by itself
MOST_FAILURES = 50       # in a second, where only failures are told
MOST_WAITING = 20_000
WHOLE = 4096             # bytes that a pipe takes at once: lines of several workers do not mix


class AccessLine(Struct, omit_defaults=True):
    """`path` is the pattern that answers, "" where none does: what a client made up is never here. `time` is when the
    answer was given. `suppressed` counts those after it, and before the next line, that there was no room for."""

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
        self._most = MOST_WAITING if everything else MOST_FAILURES
        self._suppressed = 0

    def add(self, request: Request, pattern: str, response: Response) -> None:
        """A request that was answered just now."""
        if not self.everything and (response.status < 500 or pattern in PROBES):
            return
        if len(self._waiting) >= self._most:
            self._suppressed += 1
            return
        self._waiting.append((
            time.time(), time.monotonic() - request.started, request.id, request.method, pattern, response.status,
            len(response.body), response.answered,
        ))

    def take(self) -> tuple[list[Waiting], int]:
        """What waits and how many found no room, which both wait no longer. `write` them, on another thread."""
        taken = self._waiting, self._suppressed
        self._waiting, self._suppressed = [], 0
        return taken

    def write(self, taken: tuple[list[Waiting], int]) -> None:
        waiting, suppressed = taken
        lines = [line_of(*one) for one in waiting]
        if suppressed:
            lines[-1] = msgspec.structs.replace(lines[-1], suppressed=suppressed)
        for part in parts(msgspec.json.encode(line) + b"\n" for line in lines):
            self._write(part)


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
