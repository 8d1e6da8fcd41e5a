"""What a provider is making, and the end of its engine in the middle of it, at a moment that a test names."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

KILLED_AT = "MLSYSTEM_TEST_PROVIDER_KILLED_AT"
"""The token of a kind: the engine is killed before it hears of the first one that was made."""


class Making:
    """Creations under way. Once the named kind was made, none begins any more, and those that had begun are ended: all
    of them are in the account, and none is written down."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.under_way, self.last = 0, False

    @contextmanager
    def one(self, token: str) -> Iterator[None]:
        with self.changed:
            if self.last:
                self.changed.wait()
            self.under_way += 1
        try:
            yield
        finally:
            self._ended(token)

    def _ended(self, token: str) -> None:
        with self.changed:
            self.under_way -= 1
            self.last = self.last or token == os.environ.get(KILLED_AT)
            if self.last and not self.under_way:
                os.kill(os.getppid(), signal.SIGKILL)  # which ends this process too
            if self.last:
                self.changed.wait()
