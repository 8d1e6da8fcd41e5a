"""One request on its way through the server, whatever protocol it came by."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

PATIENCE_SECONDS = 10.0  # so long a request waits at most; nobody is there any more, or a proxy has given up


def never() -> bool:
    return False


class Call(msgspec.Struct, eq=False):
    """What a protocol knows of a request. All times are of the monotonic clock, in seconds.

    `started`: its first byte. Within `due` the SLO wants an answer, after `deadline` the client wants none; both count
    from when the whole request was there. `version` is the one that the client asked for by number. `departed` says
    whether the client went away, whenever it is asked.
    """

    request_id: str
    started: float
    due: float
    deadline: float
    version: int | None = None
    cancelled: bool = False
    departed: Callable[[], bool] = never
    taken: float = 0.0       # out of the queue
    assembled: float = 0.0   # its features are there
    predicted: float = 0.0

    def unwanted(self, now: float) -> bool:
        """Computing it would help nobody."""
        return now >= self.deadline or self.gone()

    def gone(self) -> bool:
        return self.cancelled or self.departed()


def begin(
    request_id: str, started: float, budget: float, allowed: float | None = None, version: int | None = None,
    departed: Callable[[], bool] = never,
) -> Call:
    """A request that is there now, whole. `budget`: seconds of the SLO; `allowed`: those that the client gives."""
    now = time.monotonic()
    deadline = now + (PATIENCE_SECONDS if allowed is None else min(allowed, PATIENCE_SECONDS))
    return Call(request_id, started, min(now + budget, deadline), deadline, version, departed=departed)
