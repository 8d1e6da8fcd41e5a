"""SIGTERM asks a trainer to save and go; it answers at the next step or validation batch, never inside the handler."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from mlsystem_runtime.contract.names import PREEMPTED


class PreemptedError(SystemExit):
    """Leaves the process with status PREEMPTED once the checkpoint is written: not done, and not a failure."""

    def __init__(self) -> None:
        super().__init__(PREEMPTED)


@dataclass
class Preemption:
    requested: bool = False

    def check(self) -> None:
        """Raises PreemptedError once somebody asked for it."""
        if self.requested:
            raise PreemptedError


@contextmanager
def on_sigterm() -> Iterator[Preemption]:
    """While inside, SIGTERM sets the flag instead of ending the process."""
    preemption = Preemption()

    def note(_signal: int, _frame: FrameType | None) -> None:
        preemption.requested = True

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield preemption
    finally:
        signal.signal(signal.SIGTERM, before)
